/* Changing the list: each change is one statement, so that it happens wholly or not at all. */
#include <string.h>

#include "registry/registry.h"
#include "registry/registry_internal.h"

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* Run a statement; `*number` (may be NULL) takes its first row's first column. */
static int run(struct registry *registry, sqlite3_stmt *statement, uint64_t *number,
               struct ct_error *error)
{
    int code = registry_step(registry, statement, true);
    if (code == SQLITE_ROW && number != NULL) {
        *number = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    while (code == SQLITE_ROW) {
        code = registry_step(registry, statement, false);
    }
    int status = code == SQLITE_DONE ? CT_OK : registry_fail(registry, code, error);
    sqlite3_finalize(statement);
    return status;
}

int registry_add(struct registry *registry, struct registry_entry *entry, struct ct_error *error)
{
    static const char sql[] =
        "INSERT INTO recordings (id, program, arguments, workdir, directory, recorded_at, duration,"
        " exit_status, steps, calls, bytes, python)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " ON CONFLICT (id) DO UPDATE SET program = ?2, arguments = ?3, workdir = ?4,"
        " directory = ?5, recorded_at = ?6, duration = ?7, exit_status = ?8, steps = ?9,"
        " calls = ?10, bytes = ?11, python = ?12"
        " RETURNING number";
    sqlite3_stmt *statement;
    registry_begin(registry);
    int status = registry_prepare(registry, sql, &statement, error);
    if (status != CT_OK) {
        return status;
    }
    const char *texts[] = {entry->id,      entry->program,   entry->arguments,
                           entry->workdir, entry->directory, entry->recorded_at};
    for (int i = 0; i < 6; i++) {
        bind_text(statement, i + 1, texts[i]);
    }
    sqlite3_bind_int64(statement, 7, (int64_t)entry->duration);
    if (entry->exit_status != INT32_MIN) {
        sqlite3_bind_int(statement, 8, entry->exit_status);
    }
    sqlite3_bind_int64(statement, 9, (int64_t)entry->steps);
    sqlite3_bind_int64(statement, 10, (int64_t)entry->calls);
    sqlite3_bind_int64(statement, 11, (int64_t)entry->bytes);
    bind_text(statement, 12, entry->python);
    return run(registry, statement, &entry->number, error);
}

int registry_move(struct registry *registry, const char *id, const char *directory,
                  struct ct_error *error)
{
    sqlite3_stmt *statement;
    registry_begin(registry);
    int status = registry_prepare(registry, "UPDATE recordings SET directory = ?2 WHERE id = ?1",
                                  &statement, error);
    if (status != CT_OK) {
        return status;
    }
    bind_text(statement, 1, id);
    bind_text(statement, 2, directory);
    return run(registry, statement, NULL, error);
}

int registry_remove(struct registry *registry, const char *id, struct ct_error *error)
{
    sqlite3_stmt *statement;
    registry_begin(registry);
    int status =
        registry_prepare(registry, "DELETE FROM recordings WHERE id = ?1", &statement, error);
    if (status != CT_OK) {
        return status;
    }
    bind_text(statement, 1, id);
    return run(registry, statement, NULL, error);
}
