/* Looking into the list, and changing it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_in.h"
#include "registry/registry.h"
#include "registry/registry_internal.h"

enum { DIRECTORIES_SEARCHED = 2000 }; /* in one call, for recordings that are not where they were */

#define COLUMNS                                                                                \
    "number, id, program, arguments, workdir, directory, recorded_at, duration, exit_status, " \
    "steps, calls, bytes, python"

/* ---- Rows ---- */

enum column {
    NUMBER,
    ID,
    PROGRAM,
    ARGUMENTS,
    WORKDIR,
    DIRECTORY,
    RECORDED_AT,
    DURATION,
    EXIT_STATUS,
    STEPS,
    CALLS,
    BYTES,
    PYTHON,
};

static char *column_text(sqlite3_stmt *row, enum column column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return strdup(text == NULL ? "" : text);
}

static uint64_t column_number(sqlite3_stmt *row, enum column column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

/* A JSON array of texts, as a copy; somebody else may have written something else there. */
static char *column_arguments(sqlite3_stmt *row)
{
    char *text = column_text(row, ARGUMENTS);
    struct ct_json_in json;
    ct_json_in_memory(&json, text, text == NULL ? 0 : strlen(text));
    enum ct_json_token token = ct_json_next(&json);
    bool is_array = token == CT_JSON_ARRAY;
    while (token == CT_JSON_ARRAY || token == CT_JSON_TEXT) {
        token = ct_json_next(&json);
    }
    is_array = is_array && token == CT_JSON_ARRAY_END && json.depth == 0 &&
               ct_json_next(&json) == CT_JSON_END;
    ct_json_in_clear(&json);
    if (text != NULL && !is_array) {
        free(text);
        text = strdup("[]");
    }
    return text;
}

/* False: the row is no recording's (somebody else wrote it); its entry is empty. */
static bool read_row(sqlite3_stmt *row, struct registry_entry *entry)
{
    const char *id = (const char *)sqlite3_column_text(row, ID);
    const char *time = (const char *)sqlite3_column_text(row, RECORDED_AT);
    uint8_t uuid[CT_UUID_BYTES];
    *entry = (struct registry_entry){0};
    if (id == NULL || time == NULL || !ct_uuid_parse(id, uuid)) {
        return false;
    }
    ct_uuid_format(uuid, entry->id);
    snprintf(entry->recorded_at, sizeof entry->recorded_at, "%s", time);
    bool has_status = sqlite3_column_type(row, EXIT_STATUS) == SQLITE_INTEGER;
    entry->number = column_number(row, NUMBER);
    entry->program = column_text(row, PROGRAM);
    entry->arguments = column_arguments(row);
    entry->workdir = column_text(row, WORKDIR);
    entry->directory = column_text(row, DIRECTORY);
    entry->duration = column_number(row, DURATION);
    entry->exit_status = has_status ? sqlite3_column_int(row, EXIT_STATUS) : INT32_MIN;
    entry->steps = column_number(row, STEPS);
    entry->calls = column_number(row, CALLS);
    entry->bytes = column_number(row, BYTES);
    entry->python = column_text(row, PYTHON);
    bool is_whole = entry->program != NULL && entry->arguments != NULL && entry->workdir != NULL &&
                    entry->directory != NULL && entry->python != NULL;
    if (!is_whole) {
        registry_entry_clear(entry);
    }
    return is_whole;
}

static void look_for(struct registry_entry *entry, unsigned *budget)
{
    char *found;
    entry->state = recording_find(entry->directory, entry->id, budget, &found);
    if (found != NULL) {
        free(entry->directory);
        entry->directory = found;
    }
}

static bool append(struct registry_entries *entries, const struct registry_entry *entry)
{
    if ((entries->count & (entries->count - 1)) == 0) { /* full at every power of two */
        size_t capacity = entries->count == 0 ? 1 : entries->count * 2;
        struct registry_entry *items = realloc(entries->items, capacity * sizeof *items);
        if (items == NULL) {
            return false;
        }
        entries->items = items;
    }
    entries->items[entries->count++] = *entry;
    return true;
}

/* ---- Looking ---- */

/* A path or a pattern is bytes: compared as such, whatever they mean. */
static const char find_sql[] =
    "SELECT " COLUMNS " FROM recordings WHERE "
    "(?1 IS NULL OR number = ?1) AND "
    "(?2 IS NULL OR substr(replace(id, '-', ''), 1, length(?2)) = ?2) AND "
    "(?3 IS NULL OR substr(CAST(program AS BLOB), -length(?3)) = ?3) AND "
    "(?4 IS NULL OR instr(CAST(program AS BLOB), ?4) > 0) "
    "ORDER BY recorded_at DESC, number DESC";

static void bind_bytes(sqlite3_stmt *statement, int index, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        sqlite3_bind_blob(statement, index, text, (int)strlen(text), SQLITE_STATIC);
    }
}

/* Lower case, without dashes. `plain` has room for every byte of a whole identifier. */
static void plain_id(const char *id, char plain[CT_UUID_TEXT_BYTES])
{
    size_t size = 0;
    for (; *id != '\0' && size + 1 < CT_UUID_TEXT_BYTES; id++) {
        if (*id != '-') {
            plain[size++] = (char)tolower((unsigned char)*id);
        }
    }
    plain[size] = '\0';
}

static int collect(struct registry *registry, sqlite3_stmt *statement,
                   const struct registry_query *query, struct registry_entries *entries,
                   struct ct_error *error)
{
    unsigned budget = DIRECTORIES_SEARCHED;
    int code;
    for (bool is_first = true; (code = registry_step(registry, statement, is_first)) == SQLITE_ROW;
         is_first = false) {
        struct registry_entry entry;
        if (!read_row(statement, &entry)) {
            continue;
        }
        entries->has_more = query->limit != 0 && entries->count == query->limit;
        if (entries->has_more) {
            registry_entry_clear(&entry);
            return CT_OK;
        }
        look_for(&entry, &budget);
        if (query->found_only && !recording_is_found(entry.state)) {
            registry_entry_clear(&entry);
        } else if (!append(entries, &entry)) {
            registry_entry_clear(&entry);
            return ct_fail(error, CT_ENOMEM, "out of memory");
        }
    }
    return code == SQLITE_DONE ? CT_OK : registry_fail(registry, code, error);
}

int registry_find(struct registry *registry, const struct registry_query *query,
                  struct registry_entries *entries, struct ct_error *error)
{
    *entries = (struct registry_entries){0};
    if (registry->db == NULL) {
        return CT_OK;
    }
    sqlite3_stmt *statement;
    registry_begin(registry);
    int status = registry_prepare(registry, find_sql, &statement, error);
    if (status != CT_OK) {
        return status;
    }
    char id[CT_UUID_TEXT_BYTES];
    if (query->number != 0) {
        sqlite3_bind_int64(statement, 1, (int64_t)query->number);
    }
    if (query->id_prefix != NULL) {
        plain_id(query->id_prefix, id);
        sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC);
    }
    bind_bytes(statement, 3, query->program_end);
    bind_bytes(statement, 4, query->program_part);
    status = collect(registry, statement, query, entries, error);
    sqlite3_finalize(statement);
    if (status != CT_OK) {
        registry_entries_clear(entries);
    }
    return status;
}

int registry_find_recent(struct registry *registry, struct registry_entries *entries,
                         struct ct_error *error)
{
    struct registry_query query = {.found_only = true, .limit = 1};
    return registry_find(registry, &query, entries, error);
}

int registry_find_program(struct registry *registry, const char *pattern,
                          struct registry_entries *entries, struct ct_error *error)
{
    struct registry_query query = {.program_end = pattern, .found_only = true, .limit = 1};
    int status = registry_find(registry, &query, entries, error);
    if (status == CT_OK && entries->count == 0) {
        query.program_end = NULL;
        query.program_part = pattern;
        status = registry_find(registry, &query, entries, error);
    }
    return status;
}

/* 0: it is no number. */
static uint64_t parse_number(const char *name)
{
    enum { MOST_DIGITS = 18 };
    size_t digits = strspn(name, "0123456789");
    return name[digits] == '\0' && digits <= MOST_DIGITS ? strtoull(name, NULL, 10) : 0;
}

static bool is_id_prefix(const char *name)
{
    char plain[CT_UUID_TEXT_BYTES];
    plain_id(name, plain);
    return strspn(name, "0123456789abcdefABCDEF-") == strlen(name) &&
           strlen(name) < CT_UUID_TEXT_BYTES && strlen(plain) >= REGISTRY_ID_DIGITS;
}

int registry_find_named(struct registry *registry, const char *name,
                        struct registry_entries *entries, struct ct_error *error)
{
    struct registry_query by_number = {.number = parse_number(name)};
    struct registry_query by_id = {.id_prefix = name, .limit = REGISTRY_MOST_NAMED};
    *entries = (struct registry_entries){0};
    if (by_number.number == 0 && !is_id_prefix(name)) {
        return ct_fail(error, CT_EUSAGE,
                       "'%s' is neither the number of a recording nor the beginning of an "
                       "identifier (%d hexadecimal digits or more)",
                       name, REGISTRY_ID_DIGITS);
    }
    int status = CT_OK;
    if (by_number.number != 0) {
        status = registry_find(registry, &by_number, entries, error);
    }
    if (status == CT_OK && entries->count == 0 && is_id_prefix(name)) {
        status = registry_find(registry, &by_id, entries, error);
    }
    return status;
}
