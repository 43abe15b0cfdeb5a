/* Opening the list: where it is, its version, and patience with other processes. */
#include "registry/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/data.h"
#include "registry/registry_internal.h"

#define FILE_NAME "recordings.db"

enum {
    PATIENCE_MS = 5000,
    PAUSE_MS = 5,
    FILE_MODE = 0600,
};

/* ---- Patience ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void registry_begin(struct registry *registry)
{
    registry->deadline = now_ms() + PATIENCE_MS;
}

/* Wait a little for other processes; false when the time is up. */
static bool wait_a_little(struct registry *registry)
{
    /* Not all the same, so that those who wait do not come back all at once. */
    struct timespec pause = {.tv_nsec = (PAUSE_MS + getpid() % 16) * 1000000l};
    nanosleep(&pause, NULL);
    return now_ms() < registry->deadline;
}

static int on_busy(void *registry, int count)
{
    (void)count;
    return wait_a_little(registry);
}

static bool is_busy(int code)
{
    return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
}

int registry_step(struct registry *registry, sqlite3_stmt *statement, bool is_first)
{
    int code = sqlite3_step(statement);
    /* In some places SQLite gives up without asking on_busy(). */
    while (is_first && is_busy(code) && wait_a_little(registry)) {
        sqlite3_reset(statement);
        code = sqlite3_step(statement);
    }
    return code;
}

/* ---- Errors and statements ---- */

int registry_fail(struct registry *registry, int code, struct ct_error *error)
{
    const char *path = registry->path;
    const char *text = registry->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(registry->db);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ct_fail(error, CT_ENOMEM, "out of memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ct_fail(error, CT_EFORMAT,
                       "the list of recordings '%s' is damaged (%s): move that file away, and a "
                       "new list begins",
                       path, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ct_fail(error, CT_ESTATE,
                       "the list of recordings '%s' is in use by others for too long", path);
    default:
        return ct_fail(error, CT_EIO, "the list of recordings '%s' cannot be used: %s", path, text);
    }
}

int registry_prepare(struct registry *registry, const char *sql, sqlite3_stmt **statement,
                     struct ct_error *error)
{
    int code;
    do {
        code = sqlite3_prepare_v2(registry->db, sql, -1, statement, NULL);
    } while (is_busy(code) && wait_a_little(registry));
    return code == SQLITE_OK ? CT_OK : registry_fail(registry, code, error);
}

static int execute(struct registry *registry, const char *sql, struct ct_error *error)
{
    sqlite3_stmt *statement;
    int status = registry_prepare(registry, sql, &statement, error);
    if (status != CT_OK) {
        return status;
    }
    int code = registry_step(registry, statement, true);
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        status = registry_fail(registry, code, error);
    }
    sqlite3_finalize(statement);
    return status;
}

/* ---- The schema ---- */

/* What takes a list of version i to version i + 1. What is released stays as it is. */
static const char *const migrations[] = {
    "CREATE TABLE recordings ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " program TEXT NOT NULL,"
    " arguments TEXT NOT NULL," /* a JSON array */
    " workdir TEXT NOT NULL,"
    " directory TEXT NOT NULL,"
    " recorded_at TEXT NOT NULL," /* 2026-11-22T10:00:00.123Z */
    " duration INTEGER NOT NULL," /* milliseconds */
    " exit_status INTEGER,"       /* NULL: not known */
    " steps INTEGER NOT NULL,"
    " calls INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " python TEXT NOT NULL)",
};

enum { VERSION = sizeof migrations / sizeof migrations[0] };

static int read_version(struct registry *registry, int *version, struct ct_error *error)
{
    sqlite3_stmt *statement;
    int status = registry_prepare(registry, "PRAGMA user_version", &statement, error);
    if (status != CT_OK) {
        return status;
    }
    int code = registry_step(registry, statement, true);
    if (code == SQLITE_ROW) {
        *version = sqlite3_column_int(statement, 0);
    } else {
        status = registry_fail(registry, code, error);
    }
    sqlite3_finalize(statement);
    if (status == CT_OK && (*version > VERSION || *version < 0)) {
        status = ct_fail(error, CT_EVERSION,
                         "the list of recordings '%s' has version %d, and this ct reads up to %d: "
                         "use the newer ct, or move that file away",
                         registry->path, *version, VERSION);
    }
    return status;
}

/* Inside a transaction: another process may have done it in between. */
static int migrate_locked(struct registry *registry, struct ct_error *error)
{
    int version = 0;
    int status = read_version(registry, &version, error);
    for (int i = version; status == CT_OK && i < VERSION; i++) {
        status = execute(registry, migrations[i], error);
    }
    if (status == CT_OK) {
        char set_version[48];
        snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", VERSION);
        status = execute(registry, set_version, error);
    }
    return status == CT_OK ? execute(registry, "COMMIT", error) : status;
}

static int migrate(struct registry *registry, struct ct_error *error)
{
    int status = execute(registry, "BEGIN IMMEDIATE", error);
    if (status == CT_OK) {
        status = migrate_locked(registry, error);
        if (status != CT_OK) {
            execute(registry, "ROLLBACK", NULL);
        }
    }
    return status;
}

/* ---- Opening ---- */

char *registry_path(void)
{
    return ct_data_path(FILE_NAME);
}

/* An empty file, for nobody else to read. */
static int make_file(const char *path, struct ct_error *error)
{
    int status = ct_data_make(error);
    if (status == CT_OK) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
        if (fd < 0) {
            return ct_fail_errno(error, "the list of recordings '%s' cannot be made", path);
        }
        close(fd);
    }
    return status;
}

static int open_database(struct registry *registry, const char *name, int flags,
                         struct ct_error *error)
{
    int code = sqlite3_open_v2(name, &registry->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        return registry_fail(registry, code, error);
    }
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_handler(registry->db, on_busy, registry);
    return CT_OK;
}

/* Read-only media: nobody else writes there, and no files can be made beside it. */
static int open_immutable(struct registry *registry, struct ct_error *error)
{
    char *name = sqlite3_mprintf("file:%s?immutable=1", registry->path);
    if (name == NULL || strpbrk(registry->path, "?#%") != NULL) {
        sqlite3_free(name);
        return ct_fail(error, CT_EIO, "the list of recordings '%s' cannot be read", registry->path);
    }
    sqlite3_close(registry->db);
    registry->db = NULL;
    int status = open_database(registry, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error);
    sqlite3_free(name);
    return status;
}

static int open_to_look(struct registry *registry, struct ct_error *error)
{
    struct stat about;
    int version = 0;
    if (stat(registry->path, &about) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return CT_OK;
    }
    /* Read-only where it cannot be written, says SQLite. */
    int status = open_database(registry, registry->path, SQLITE_OPEN_READWRITE, error);
    if (status == CT_OK) {
        status = read_version(registry, &version, error);
    }
    if (status == CT_EIO && open_immutable(registry, error) == CT_OK) {
        status = read_version(registry, &version, error);
    }
    if (status == CT_OK && version == 0) { /* being made at this moment, or never used */
        sqlite3_close(registry->db);
        registry->db = NULL;
    }
    return status;
}

static int open_to_change(struct registry *registry, struct ct_error *error)
{
    int version = 0;
    int status = make_file(registry->path, error);
    if (status == CT_OK) {
        status = open_database(registry, registry->path, SQLITE_OPEN_READWRITE, error);
    }
    if (status == CT_OK) {
        status = read_version(registry, &version, error);
    }
    if (status == CT_OK) {
        /* Where the file system has no shared memory, or others are at it, it stays as it is. */
        execute(registry, "PRAGMA journal_mode = WAL", NULL);
        execute(registry, "PRAGMA synchronous = NORMAL", NULL);
    }
    if (status == CT_OK && version < VERSION) {
        status = migrate(registry, error);
    }
    return status;
}

static int open_with(struct registry **opened, int (*open_it)(struct registry *, struct ct_error *),
                     struct ct_error *error)
{
    *opened = NULL;
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    registry->path = registry_path();
    registry_begin(registry);
    int status =
        registry->path != NULL
            ? open_it(registry, error)
            : ct_fail(error, CT_EIO, "there is no home directory for a list of recordings");
    if (status != CT_OK) {
        registry_close(registry);
        return status;
    }
    *opened = registry;
    return CT_OK;
}

int registry_open(struct registry **registry, struct ct_error *error)
{
    registry_take_new();
    return open_with(registry, open_to_look, error);
}

int registry_open_to_write(struct registry **registry, struct ct_error *error)
{
    return open_with(registry, open_to_change, error);
}

void registry_close(struct registry *registry)
{
    if (registry != NULL) {
        sqlite3_close(registry->db);
        free(registry->path);
        free(registry);
    }
}
