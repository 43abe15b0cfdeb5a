#include "cli/recordings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_in.h"
#include "cli/message.h"
#include "trace/text.h"

void recordings_size(uint64_t size, char text[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (size < 1024) {
        snprintf(text, 32, "%llu bytes", (unsigned long long)size);
        return;
    }
    double value = (double)size / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(text, 32, "%.1f %s", value, units[unit]);
}

void recordings_duration(uint64_t milliseconds, char text[32])
{
    unsigned long long seconds = milliseconds / 1000;
    if (milliseconds < 1000) {
        snprintf(text, 32, "%u ms", (unsigned)milliseconds);
    } else if (seconds < 100) {
        snprintf(text, 32, "%.1f s", (double)milliseconds / 1000);
    } else if (seconds < 3600) {
        snprintf(text, 32, "%llu:%02llu min", seconds / 60, seconds % 60);
    } else {
        snprintf(text, 32, "%llu:%02llu:%02llu h", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}

/* ---- The command line ---- */

static bool is_plain(const void *word, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@%+=:,./-_";
    const uint8_t *at = word;
    for (size_t i = 0; i < size; i++) {
        if (at[i] < 0x80 && (at[i] == '\0' || strchr(plain, at[i]) == NULL)) {
            return false;
        }
    }
    return size > 0;
}

static void add_word(struct ct_bytes *to, const void *word, size_t size)
{
    if (is_plain(word, size)) {
        ctr_text_line(word, size, to);
        return;
    }
    const uint8_t *at = word;
    ct_bytes_add_byte(to, '\'');
    while (size > 0) {
        const uint8_t *quote = memchr(at, '\'', size);
        size_t length = quote == NULL ? size : (size_t)(quote - at);
        ctr_text_line(at, length, to);
        if (quote != NULL) {
            ct_bytes_add_text(to, "'\\''");
            length++;
        }
        at += length;
        size -= length;
    }
    ct_bytes_add_byte(to, '\'');
}

void recordings_command_line(const struct registry_entry *entry, struct ct_bytes *to)
{
    struct ct_json_in json;
    enum ct_json_token token;
    add_word(to, entry->program, strlen(entry->program));
    ct_json_in_memory(&json, entry->arguments, strlen(entry->arguments));
    while ((token = ct_json_next(&json)) != CT_JSON_END && token != CT_JSON_ERROR) {
        if (token == CT_JSON_TEXT) {
            ct_bytes_add_byte(to, ' ');
            add_word(to, json.text.data, json.text.size);
        }
    }
    ct_json_in_clear(&json);
}

/* ---- JSON ---- */

enum {
    LANGUAGE_PYTHON = 21, /* CodeTracer's ordinals */
    CALLTRACE_FULL = 3,
    NOT_SHARED = -1,
};

/* yyyy/mm/dd, as CodeTracer stores it. */
static void put_date(struct ct_json_out *json, const char *recorded_at)
{
    char date[11];
    snprintf(date, sizeof date, "%.10s", recorded_at);
    for (char *at = date; *at != '\0'; at++) {
        *at = *at == '-' ? '/' : *at;
    }
    ct_json_put_text(json, "date", date);
}

/* What CodeTracer knows of a trace; what has no meaning here is empty, as there. */
static void put_codetracer(struct ct_json_out *json, const struct registry_entry *entry)
{
    char duration[32];
    recordings_duration(entry->duration, duration);
    ct_json_put_int(json, "id", (int64_t)entry->number);
    ct_json_put_text(json, "recordingId", entry->id);
    ct_json_put_text(json, "program", entry->program);
    ct_json_key(json, "args");
    ct_json_raw(json, entry->arguments, strlen(entry->arguments));
    ct_json_put_text(json, "env", "");
    ct_json_put_text(json, "workdir", entry->workdir);
    ct_json_put_text(json, "output", "");
    ct_json_key(json, "sourceFolders");
    ct_json_begin_array(json);
    ct_json_text(json, entry->workdir);
    ct_json_end_array(json);
    ct_json_put_text(json, "lowLevelFolder", "");
    ct_json_put_text(json, "compileCommand", "");
    ct_json_put_text(json, "outputFolder", entry->directory);
    put_date(json, entry->recorded_at);
    ct_json_put_text(json, "duration", duration);
    ct_json_put_int(json, "lang", LANGUAGE_PYTHON);
    ct_json_put_bool(json, "imported", false);
    ct_json_put_bool(json, "calltrace", true);
    ct_json_put_bool(json, "events", true);
    ct_json_put_bool(json, "test", false);
    ct_json_put_int(json, "archiveServerID", NOT_SHARED);
    ct_json_put_int(json, "shellID", -1);
    ct_json_put_int(json, "teamID", -1);
    ct_json_put_int(json, "rrPid", -1);
    ct_json_put_int(json, "exitCode", entry->exit_status == INT32_MIN ? -1 : entry->exit_status);
    ct_json_put_int(json, "calltraceMode", CALLTRACE_FULL);
    ct_json_put_text(json, "downloadKey", "");
    ct_json_put_text(json, "controlId", "");
    ct_json_put_int(json, "onlineExpireTime", NOT_SHARED);
}

void recordings_json(const struct registry_entry *entry, struct ct_json_out *json)
{
    ct_json_begin_object(json);
    put_codetracer(json, entry);
    ct_json_put_text(json, "recordedAt", entry->recorded_at);
    ct_json_put_int(json, "milliseconds", (int64_t)entry->duration);
    ct_json_put_int(json, "steps", (int64_t)entry->steps);
    ct_json_put_int(json, "calls", (int64_t)entry->calls);
    ct_json_put_int(json, "bytes", (int64_t)entry->bytes);
    ct_json_put_text(json, "python", entry->python);
    ct_json_put_text(json, "state", recording_state_name(entry->state));
    ct_json_end_object(json);
}

/* ---- By name ---- */

static void list_candidates(const struct registry_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const struct registry_entry *entry = &entries->items[i];
        cli_help("%llu  %s  %s", (unsigned long long)entry->number, entry->id, entry->program);
    }
    if (entries->has_more) {
        cli_help("and more");
    }
}

bool recordings_named(struct registry *registry, const char *name, struct registry_entry *entry)
{
    struct registry_entries entries;
    struct ct_error error;
    if (registry_find_named(registry, name, &entries, &error) != CT_OK) {
        cli_error("%s", error.message);
        return false;
    }
    bool is_found = entries.count == 1;
    if (is_found) {
        *entry = entries.items[0];
        entries.count = 0; /* its texts are the caller's now */
    } else if (entries.count == 0) {
        cli_error("the list has no recording '%s'", name);
        cli_help("`ct list` shows what it has");
    } else {
        cli_error("'%s' is the beginning of several identifiers:", name);
        list_candidates(&entries);
    }
    registry_entries_clear(&entries);
    return is_found;
}
