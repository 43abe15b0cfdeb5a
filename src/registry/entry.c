/* One recording of the list: read from its trace, written as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/json_out.h"
#include "registry/registry.h"
#include "trace/reader.h"

void registry_entry_clear(struct registry_entry *entry)
{
    free(entry->program);
    free(entry->arguments);
    free(entry->workdir);
    free(entry->directory);
    free(entry->python);
    *entry = (struct registry_entry){0};
}

void registry_entries_clear(struct registry_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        registry_entry_clear(&entries->items[i]);
    }
    free(entries->items);
    *entries = (struct registry_entries){0};
}

const char *recording_state_name(enum recording_state state)
{
    static const char *const names[] = {
        [RECORDING_OK] = "ok",           [RECORDING_UNFINISHED] = "unfinished",
        [RECORDING_MOVED] = "moved",     [RECORDING_MISSING] = "missing",
        [RECORDING_DELETED] = "deleted",
    };
    return names[state];
}

/* ---- From a trace ---- */

static void format_time(uint64_t nanoseconds, char text[32])
{
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    struct tm utc;
    char date[24] = "1970-01-01T00:00:00";
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    snprintf(text, 32, "%s.%03uZ", date, (unsigned)(nanoseconds / 1000000 % 1000));
}

/* Texts of the list end at a NUL; none of these can hold one that means anything. */
static char *copy_text(struct ctr_text text)
{
    return strndup(text.size == 0 ? "" : text.bytes, text.size);
}

static char *list_arguments(const struct ctr_trace *trace)
{
    struct ct_json_out json;
    ct_json_init(&json, NULL);
    ct_json_begin_array(&json);
    for (uint32_t i = 0; i < ctr_info(trace)->run_count; i++) {
        const struct ctr_run_entry *entry = ctr_run_at(trace, i);
        if (entry->key.size == strlen("argument") &&
            memcmp(entry->key.bytes, "argument", entry->key.size) == 0) {
            ct_json_text_n(&json, entry->value.bytes, entry->value.size);
        }
    }
    ct_json_end_array(&json);
    char *text = ct_json_finish(&json, NULL) == CT_OK
                     ? strndup((const char *)json.bytes.data, json.bytes.size)
                     : NULL;
    ct_json_clear(&json);
    return text;
}

static int fill(struct registry_entry *entry, const struct ctr_trace *trace, char *directory,
                struct ct_error *error)
{
    const struct ctr_info *info = ctr_info(trace);
    *entry = (struct registry_entry){
        .program = copy_text(ctr_run(trace, "program")),
        .arguments = list_arguments(trace),
        .workdir = copy_text(ctr_run(trace, "cwd")),
        .directory = directory,
        .duration = info->milliseconds,
        .exit_status = info->exit_status,
        .steps = info->steps,
        .calls = info->calls,
        .bytes = recording_bytes(directory),
        .python = copy_text(ctr_run(trace, "python")),
        .state = info->complete ? RECORDING_OK : RECORDING_UNFINISHED,
    };
    ct_uuid_format(info->id, entry->id);
    format_time(info->start_ns, entry->recorded_at);
    if (entry->program == NULL || entry->arguments == NULL || entry->workdir == NULL ||
        entry->python == NULL) {
        registry_entry_clear(entry);
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    return CT_OK;
}

/* The absolute directory of a recording, or of a trace file. */
static char *directory_of(const char *path)
{
    struct stat about;
    char *real = realpath(path, NULL);
    if (real != NULL && (stat(real, &about) != 0 || !S_ISDIR(about.st_mode))) {
        char *slash = strrchr(real, '/');
        slash[slash == real ? 1 : 0] = '\0';
    }
    return real;
}

static uint64_t number_of(struct registry *registry, const char *id)
{
    struct registry_entries entries = {0};
    struct registry_query query = {.id_prefix = id, .limit = 1};
    uint64_t number = 0;
    if (registry != NULL && registry_find(registry, &query, &entries, NULL) == CT_OK &&
        entries.count == 1) {
        number = entries.items[0].number;
    }
    registry_entries_clear(&entries);
    return number;
}

int registry_describe(struct registry *registry, const char *path, struct registry_entry *entry,
                      struct ct_error *error)
{
    *entry = (struct registry_entry){0};
    struct ctr_trace *trace;
    int status = ctr_open(&trace, path, error);
    if (status != CT_OK) {
        return status;
    }
    char *directory = directory_of(path);
    status = directory == NULL ? ct_fail_errno(error, "cannot find '%s'", path)
                               : fill(entry, trace, directory, error);
    ctr_close(trace);
    if (status == CT_OK) {
        entry->number = number_of(registry, entry->id);
    }
    return status;
}

/* ---- As JSON ---- */

static void put_text(struct ct_json_out *json, const char *key, const char *value)
{
    ct_json_key(json, key);
    ct_json_text(json, value);
}

static void put_number(struct ct_json_out *json, const char *key, uint64_t value)
{
    ct_json_key(json, key);
    ct_json_uint(json, value);
}

void registry_entry_json(const struct registry_entry *entry, struct ct_json_out *json)
{
    ct_json_begin_object(json);
    put_number(json, "number", entry->number);
    put_text(json, "id", entry->id);
    put_text(json, "program", entry->program);
    ct_json_key(json, "args");
    ct_json_raw(json, entry->arguments, strlen(entry->arguments));
    put_text(json, "workdir", entry->workdir);
    put_text(json, "directory", entry->directory);
    put_text(json, "recordedAt", entry->recorded_at);
    put_number(json, "duration", entry->duration);
    ct_json_key(json, "exitCode");
    if (entry->exit_status == INT32_MIN) {
        ct_json_null(json);
    } else {
        ct_json_int(json, entry->exit_status);
    }
    put_number(json, "steps", entry->steps);
    put_number(json, "calls", entry->calls);
    put_number(json, "bytes", entry->bytes);
    put_text(json, "python", entry->python);
    put_text(json, "state", recording_state_name(entry->state));
    ct_json_end_object(json);
}
