/* A lock between processes: held by an open descriptor, so it cannot outlive its owner.
 *
 * The lock is flock() on a file of its own. The file is removed when the lock is given back;
 * one left behind by a killed process is not locked and hinders nobody. */
#ifndef CT_BASE_LOCK_H
#define CT_BASE_LOCK_H

#include <stdbool.h>

#include "base/status.h"

struct ct_lock {
    int fd; /* -1: not held */
    char *path;
};

#define CT_LOCK_NONE ((struct ct_lock){.fd = -1})

/* Take the lock at `path` without waiting. CT_ESTATE: another process holds it. */
int ct_lock_take(struct ct_lock *lock, const char *path, struct ct_error *error);

/* Give it back and remove its file; does nothing when not held. */
void ct_lock_release(struct ct_lock *lock);

/* Whether another process holds flock() on this file (which is not created). */
bool ct_file_is_locked(const char *path);

#endif
