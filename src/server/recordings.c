#include "server/recordings.h"

#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "server/server_internal.h"

/* ---- The table; all of it under the lock ---- */

/* The open recordings share what may be remembered of decoded blocks. */
static void divide_cache(struct sv_recordings *recordings)
{
    for (struct sv_recording *at = recordings->first; at != NULL; at = at->next) {
        ctr_cache_limit(at->trace, SV_CACHE_BYTES / recordings->count);
    }
}

/* One that was not whole when it was opened may have grown since: who comes now sees it as it is
 * now. Those that have it open keep what they see. */
static bool may_have_grown(const struct sv_recording *recording)
{
    return !ctr_info(recording->trace)->complete && sv_now() - recording->opened > 1;
}

static struct sv_recording *find_open(struct sv_recordings *recordings, const char *directory)
{
    bool is_full = recordings->count == SV_MAX_RECORDINGS;
    struct sv_recording *at = recordings->first;
    while (at != NULL &&
           (strcmp(at->directory, directory) != 0 || (may_have_grown(at) && !is_full))) {
        at = at->next;
    }
    return at;
}

static void drop_recording(struct sv_recordings *recordings, struct sv_recording *recording)
{
    struct sv_recording **at = &recordings->first;
    while (*at != recording) {
        at = &(*at)->next;
    }
    *at = recording->next;
    recordings->count--;
    ctr_close(recording->trace);
    free(recording->directory);
    free(recording);
    divide_cache(recordings);
}

/* Takes over `directory`. */
static int add_recording(struct sv_recordings *recordings, char *directory,
                         struct sv_recording **result, struct ct_error *error)
{
    struct sv_recording *recording = calloc(1, sizeof *recording);
    int status = recording == NULL ? ct_fail(error, CT_ENOMEM, "out of memory") : CT_OK;
    if (status == CT_OK && recordings->count == SV_MAX_RECORDINGS) {
        status = ct_fail(error, CT_ELIMIT, "%d recordings are open already", SV_MAX_RECORDINGS);
    }
    status = status == CT_OK ? ctr_open(&recording->trace, directory, error) : status;
    if (status != CT_OK) {
        free(recording);
        free(directory);
        return status;
    }
    recording->directory = directory;
    recording->opened = sv_now();
    recording->next = recordings->first;
    recordings->first = recording;
    recordings->count++;
    divide_cache(recordings);
    *result = recording;
    return CT_OK;
}

/* ---- The public functions ---- */

static int acquire_directory(struct sv_recordings *recordings, char *directory,
                             struct sv_recording **recording, struct ct_error *error)
{
    int status = CT_OK;
    pthread_mutex_lock(&recordings->lock);
    *recording = find_open(recordings, directory);
    if (*recording != NULL) {
        free(directory);
    } else {
        status = add_recording(recordings, directory, recording, error);
    }
    if (status == CT_OK) {
        (*recording)->users++;
    }
    pthread_mutex_unlock(&recordings->lock);
    return status;
}

int sv_recordings_acquire(struct sv_recordings *recordings, const char *id,
                          struct sv_recording **recording, struct ct_error *error)
{
    char *directory = NULL;
    char served[CT_UUID_TEXT_BYTES] = "";
    if (recordings->served != NULL) {
        ct_uuid_format(ctr_info(recordings->served->trace)->id, served);
    }
    if (recordings->served != NULL && (id[0] == '\0' || strcmp(id, served) == 0)) {
        directory = strdup(recordings->served->directory);
    } else if (id[0] == '\0' || recordings->source.find == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no such recording");
    } else {
        int status = recordings->source.find(recordings->source.context, id, &directory, error);
        if (status != CT_OK) {
            return status;
        }
    }
    if (directory == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    return acquire_directory(recordings, directory, recording, error);
}

void sv_recordings_release(struct sv_recordings *recordings, struct sv_recording *recording)
{
    pthread_mutex_lock(&recordings->lock);
    if (--recording->users == 0) {
        drop_recording(recordings, recording);
    }
    pthread_mutex_unlock(&recordings->lock);
}

/* ---- The list ---- */

static void put_text(struct ct_json_out *json, const char *key, struct ctr_text text)
{
    ct_json_key(json, key);
    ct_json_text_n(json, text.bytes, text.size);
}

static void put_arguments(struct ct_json_out *json, const struct ctr_trace *trace)
{
    ct_json_key(json, "args");
    ct_json_begin_array(json);
    for (uint32_t i = 0; i < ctr_info(trace)->run_count; i++) {
        const struct ctr_run_entry *entry = ctr_run_at(trace, i);
        if (entry->key.size == strlen("argument") &&
            memcmp(entry->key.bytes, "argument", entry->key.size) == 0) {
            ct_json_text_n(json, entry->value.bytes, entry->value.size);
        }
    }
    ct_json_end_array(json);
}

static void put_start(struct ct_json_out *json, uint64_t start_ns)
{
    char text[40] = "";
    time_t seconds = (time_t)(start_ns / 1000000000);
    struct tm date;
    if (gmtime_r(&seconds, &date) != NULL) {
        size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &date);
        snprintf(text + used, sizeof text - used, ".%03uZ", (unsigned)(start_ns / 1000000 % 1000));
    }
    ct_json_key(json, "recordedAt");
    ct_json_text(json, text);
}

static void put_served(struct ct_json_out *json, const struct sv_recording *recording)
{
    const struct ctr_info *info = ctr_info(recording->trace);
    char id[CT_UUID_TEXT_BYTES];
    ct_uuid_format(info->id, id);
    ct_json_begin_object(json);
    ct_json_key(json, "id");
    ct_json_text(json, id);
    ct_json_key(json, "number");
    ct_json_null(json);
    put_text(json, "program", ctr_run(recording->trace, "program"));
    put_arguments(json, recording->trace);
    ct_json_key(json, "directory");
    ct_json_text(json, recording->directory);
    put_start(json, info->start_ns);
    ct_json_key(json, "duration");
    ct_json_uint(json, info->milliseconds);
    ct_json_key(json, "exitCode");
    if (info->exit_status == INT32_MIN) {
        ct_json_null(json);
    } else {
        ct_json_int(json, info->exit_status);
    }
    ct_json_key(json, "bytes");
    ct_json_uint(json, info->size);
    ct_json_key(json, "state");
    ct_json_text(json, info->complete ? "ok" : "unfinished");
    ct_json_end_object(json);
}

int sv_recordings_list(struct sv_recordings *recordings, struct ct_json_out *json,
                       struct ct_error *error)
{
    const struct sv_recording *served = recordings->served;
    int status = CT_OK;
    ct_json_begin_object(json);
    ct_json_key(json, "recordings");
    if (recordings->source.list != NULL) {
        status = recordings->source.list(recordings->source.context, json, error);
    } else {
        ct_json_begin_array(json);
        if (served != NULL) {
            put_served(json, served);
        }
        ct_json_end_array(json);
    }
    ct_json_key(json, "current");
    if (served == NULL) {
        ct_json_null(json);
    } else {
        char id[CT_UUID_TEXT_BYTES];
        ct_uuid_format(ctr_info(served->trace)->id, id);
        ct_json_text(json, id);
    }
    ct_json_end_object(json);
    return status == CT_OK ? ct_json_finish(json, error) : status;
}

/* ---- The beginning and the end ---- */

int sv_recordings_init(struct sv_recordings *recordings, const char *directory,
                       const struct sv_source *source, struct ct_error *error)
{
    memset(recordings, 0, sizeof *recordings);
    recordings->source = *source;
    pthread_mutex_init(&recordings->lock, NULL);
    if (directory == NULL) {
        return CT_OK;
    }
    char *copy = strdup(directory);
    return copy == NULL ? ct_fail(error, CT_ENOMEM, "out of memory")
                        : acquire_directory(recordings, copy, &recordings->served, error);
}

void sv_recordings_clear(struct sv_recordings *recordings)
{
    if (recordings->served != NULL) {
        sv_recordings_release(recordings, recordings->served);
    }
    pthread_mutex_destroy(&recordings->lock);
}
