/* Whole files and directories: the few things every part does with them, with messages that name
 * the path. Descriptors opened here are closed on exec; paths are bytes and never interpreted. */
#ifndef CT_BASE_FILE_H
#define CT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

/* "directory/name"; the caller frees. NULL when out of memory. */
char *ct_path_join(const char *directory, const char *name);

/* Create `path` and its missing parents. `created` (may be NULL) tells whether `path` itself is
 * new. An existing directory is success; anything else in the way is an error. */
int ct_make_directories(const char *path, bool *created, struct ct_error *error);

/* Read a whole file. More than `limit` bytes is CT_ELIMIT. `*data` is the caller's to free and
 * ends in a NUL that `*size` does not count. */
int ct_file_read(const char *path, size_t limit, char **data, size_t *size, struct ct_error *error);

/* CT_ELIMIT: less than `least` bytes (0: no limit) are free on the file system of `fd`, which is
 * called `path`. */
int ct_check_space(int fd, uint64_t least, const char *path, struct ct_error *error);

/* Write all of `data` to a descriptor, over interruptions and short writes. */
int ct_write_all(int fd, const void *data, size_t size, const char *path, struct ct_error *error);

/* Replace `path` by a file with these bytes: readers see the old content or the new one. */
int ct_file_replace(const char *path, const void *data, size_t size, mode_t mode,
                    struct ct_error *error);

/* Move a file; across file systems by copy. Never overwrites: an existing `to` is CT_ESTATE. */
int ct_file_move(const char *from, const char *to, struct ct_error *error);

#endif
