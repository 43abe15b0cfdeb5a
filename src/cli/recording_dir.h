/* The directory a recording goes to: made, locked, and free of an earlier recording.
 *
 * What was recorded there before is kept: it moves to `DIR/trace-<its id>/`. While another process
 * records into DIR, the newcomer takes the sub-directory `DIR/trace-<new id>/` instead. */
#ifndef CT_CLI_RECORDING_DIR_H
#define CT_CLI_RECORDING_DIR_H

#include <stdbool.h>

#include "base/lock.h"
#include "base/status.h"

struct recording_dir {
    char *path;       /* absolute */
    bool is_new;      /* made by recording_dir_take() */
    char *moved_to;   /* where the earlier recording went, or NULL */
    bool is_diverted; /* `path` is the newcomer's sub-directory */
    struct ct_lock lock;
};

/* Prepare `asked` for the recording `id` and hold its lock. */
int recording_dir_take(const char *asked, const char *id, struct recording_dir *dir,
                       struct ct_error *error);

/* Move the files of a recording to another directory, which is made if it is missing. Nothing is
 * overwritten: CT_ESTATE. */
int recording_files_move(const char *from, const char *to, struct ct_error *error);

/* Give the lock back; a new directory in which nothing was recorded is removed again. */
void recording_dir_release(struct recording_dir *dir);

#endif
