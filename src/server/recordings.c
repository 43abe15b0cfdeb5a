#include "server/recordings.h"

#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "registry/registry.h"
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

static bool has_id(const struct sv_recording *recording, const uint8_t id[CT_UUID_BYTES])
{
    return memcmp(ctr_info(recording->trace)->id, id, CT_UUID_BYTES) == 0;
}

static struct sv_recording *find_open(struct sv_recordings *recordings,
                                      const uint8_t id[CT_UUID_BYTES])
{
    bool is_full = recordings->count == SV_MAX_RECORDINGS;
    struct sv_recording *at = recordings->first;
    while (at != NULL && (!has_id(at, id) || (may_have_grown(at) && !is_full))) {
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

/* Another run may have been recorded into the directory since it was looked at. */
static int open_trace(const char *directory, const uint8_t *id, struct ctr_trace **trace,
                      struct ct_error *error)
{
    int status = ctr_open(trace, directory, error);
    if (status == CT_OK && id != NULL && memcmp(ctr_info(*trace)->id, id, CT_UUID_BYTES) != 0) {
        ctr_close(*trace);
        return ct_fail(error, CT_EUSAGE, "'%s' holds another recording by now", directory);
    }
    return status;
}

/* `id`: which it must be; NULL: whichever is there. */
static int add_recording(struct sv_recordings *recordings, const char *directory, const uint8_t *id,
                         struct sv_recording **result, struct ct_error *error)
{
    if (recordings->count == SV_MAX_RECORDINGS) {
        return ct_fail(error, CT_ELIMIT, "%d recordings are open already", SV_MAX_RECORDINGS);
    }
    struct sv_recording *recording = calloc(1, sizeof *recording);
    char *copy = strdup(directory);
    int status = CT_ENOMEM;
    if (recording != NULL && copy != NULL) {
        status = open_trace(directory, id, &recording->trace, error);
    } else {
        ct_fail(error, CT_ENOMEM, "out of memory");
    }
    if (status != CT_OK) {
        free(recording);
        free(copy);
        return status;
    }
    recording->directory = copy;
    recording->opened = sv_now();
    recording->users = 1;
    recording->next = recordings->first;
    recordings->first = recording;
    recordings->count++;
    divide_cache(recordings);
    *result = recording;
    return CT_OK;
}

/* ---- The public functions ---- */

static int acquire(struct sv_recordings *recordings, const char *directory,
                   const uint8_t id[CT_UUID_BYTES], struct sv_recording **result,
                   struct ct_error *error)
{
    int status = CT_OK;
    pthread_mutex_lock(&recordings->lock);
    *result = find_open(recordings, id);
    if (*result != NULL) {
        (*result)->users++;
    } else {
        status = add_recording(recordings, directory, id, result, error);
    }
    pthread_mutex_unlock(&recordings->lock);
    return status;
}

static void served_id(const struct sv_recordings *recordings, char id[CT_UUID_TEXT_BYTES])
{
    id[0] = '\0';
    if (recordings->served != NULL) {
        ct_uuid_format(ctr_info(recordings->served->trace)->id, id);
    }
}

/* Where the list has it. */
static int find_listed(const char *id, char **directory, struct ct_error *error)
{
    struct registry *registry;
    struct registry_entries entries = {0};
    int status = registry_open(&registry, error);
    if (status != CT_OK) {
        return status;
    }
    status = registry_find_named(registry, id, &entries, error);
    registry_close(registry);
    if (status == CT_OK && entries.count != 1) {
        status = ct_fail(error, CT_EUSAGE, "there is no recording %s", id);
    } else if (status == CT_OK && !recording_is_found(entries.items[0].state)) {
        status = ct_fail(error, CT_EUSAGE, "the recording is no longer at %s",
                         entries.items[0].directory);
    } else if (status == CT_OK) {
        *directory = strdup(entries.items[0].directory);
        status = *directory == NULL ? ct_fail(error, CT_ENOMEM, "out of memory") : CT_OK;
    }
    registry_entries_clear(&entries);
    return status;
}

int sv_recordings_acquire(struct sv_recordings *recordings, const char *id,
                          struct sv_recording **recording, struct ct_error *error)
{
    const struct sv_recording *served = recordings->served;
    uint8_t uuid[CT_UUID_BYTES] = {0};
    if (id[0] == '\0' && served == NULL) {
        return ct_fail(error, CT_EUSAGE, "no recording is served: choose one");
    }
    if (id[0] != '\0' && !ct_uuid_parse(id, uuid)) {
        return ct_fail(error, CT_EUSAGE, "there is no recording %s", id);
    }
    if (served != NULL && (id[0] == '\0' || has_id(served, uuid))) {
        return acquire(recordings, served->directory, ctr_info(served->trace)->id, recording,
                       error);
    }
    char *directory = NULL;
    int status = find_listed(id, &directory, error);
    if (directory != NULL) {
        status = acquire(recordings, directory, uuid, recording, error);
        free(directory);
    }
    return status;
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

/* The one that is served is shown, registered or not. */
static void put_served(const struct sv_recordings *recordings, struct ct_json_out *json)
{
    struct registry_entry entry;
    if (recordings->served != NULL &&
        registry_describe(NULL, recordings->served->directory, &entry, NULL) == CT_OK) {
        registry_entry_json(&entry, json);
        registry_entry_clear(&entry);
    }
}

static void put_entries(const struct sv_recordings *recordings,
                        const struct registry_entries *entries, struct ct_json_out *json)
{
    char served[CT_UUID_TEXT_BYTES];
    bool has_served = false;
    served_id(recordings, served);
    for (size_t i = 0; i < entries->count; i++) {
        has_served = has_served || strcmp(entries->items[i].id, served) == 0;
    }
    ct_json_begin_array(json);
    if (!has_served) {
        put_served(recordings, json);
    }
    for (size_t i = 0; i < entries->count; i++) {
        registry_entry_json(&entries->items[i], json);
    }
    ct_json_end_array(json);
}

/* A list that cannot be read is an empty one: what is served can be seen all the same. */
static void read_list(struct registry_entries *entries)
{
    struct registry *registry;
    struct registry_query query = {.limit = SV_MAX_LISTED};
    *entries = (struct registry_entries){0};
    if (registry_open(&registry, NULL) == CT_OK) {
        if (registry_find(registry, &query, entries, NULL) != CT_OK) {
            *entries = (struct registry_entries){0};
        }
        registry_close(registry);
    }
}

int sv_recordings_list(struct sv_recordings *recordings, struct ct_json_out *json,
                       struct ct_error *error)
{
    struct registry_entries entries;
    char served[CT_UUID_TEXT_BYTES];
    read_list(&entries);
    served_id(recordings, served);
    ct_json_begin_object(json);
    ct_json_key(json, "recordings");
    put_entries(recordings, &entries, json);
    ct_json_key(json, "current");
    if (served[0] == '\0') {
        ct_json_null(json);
    } else {
        ct_json_text(json, served);
    }
    ct_json_end_object(json);
    registry_entries_clear(&entries);
    return ct_json_finish(json, error);
}

/* ---- The beginning and the end ---- */

int sv_recordings_init(struct sv_recordings *recordings, const char *directory,
                       struct ct_error *error)
{
    memset(recordings, 0, sizeof *recordings);
    pthread_mutex_init(&recordings->lock, NULL);
    return directory == NULL
               ? CT_OK
               : add_recording(recordings, directory, NULL, &recordings->served, error);
}

void sv_recordings_clear(struct sv_recordings *recordings)
{
    if (recordings->served != NULL) {
        sv_recordings_release(recordings, recordings->served);
    }
    pthread_mutex_destroy(&recordings->lock);
}
