/* What the files of the list share: the open database, its statements, its errors. */
#ifndef CT_REGISTRY_INTERNAL_H
#define CT_REGISTRY_INTERNAL_H

#include <sqlite3.h>

#include "registry/registry.h"

struct registry {
    sqlite3 *db; /* NULL: there is no list yet */
    char *path;
    int64_t deadline; /* of the running call, in milliseconds of the monotonic clock */
};

/* A call begins: from now on it may wait for other processes for so long. */
void registry_begin(struct registry *registry);

int registry_prepare(struct registry *registry, const char *sql, sqlite3_stmt **statement,
                     struct ct_error *error);

/* SQLITE_ROW, SQLITE_DONE, or the error after all waiting; a statement on its first row starts
 * again after a wait. */
int registry_step(struct registry *registry, sqlite3_stmt *statement, bool is_first);

/* Turn SQLite's code into ours, with a message. */
int registry_fail(struct registry *registry, int code, struct ct_error *error);

/* Put into the list what recorders announced that ran without ct. */
void registry_take_new(void);

#endif
