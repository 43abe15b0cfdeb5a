/* A file that takes its name when it is whole. Until then it is nameless where the file system can
 * do that, and so gone with its process, however that ends; elsewhere its name is nobody else's. */
#ifndef CT_BASE_NEW_FILE_H
#define CT_BASE_NEW_FILE_H

#include <sys/types.h>

#include "base/status.h"

struct ct_new_file {
    int fd;           /* to read and write; -1: not open */
    const char *path; /* what it is going to be called; the caller's */
    char *name;       /* what it is called for now; NULL: nothing */
};

#define CT_NEW_FILE_NONE ((struct ct_new_file){.fd = -1})

/* Begin a file that is to be called `path`; nothing is there yet. */
int ct_new_file_open(struct ct_new_file *file, const char *path, mode_t mode,
                     struct ct_error *error);

/* Give it its name, and close it. What had the name before is replaced. */
int ct_new_file_finish(struct ct_new_file *file, struct ct_error *error);

/* Release it; one that has not got its name is removed. */
void ct_new_file_close(struct ct_new_file *file);

#endif
