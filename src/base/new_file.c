#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINK_BYTES = 64, TRIES = 100 };

/* By this path a file without a name gets one. */
static void own_link(const struct ct_new_file *file, char link[LINK_BYTES])
{
    snprintf(link, LINK_BYTES, "/proc/self/fd/%d", file->fd);
}

/* The folder the file goes to; the caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return strdup(".");
    }
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* False: not every file system has files without a name, nor every container a /proc. */
static bool open_nameless(struct ct_new_file *file, mode_t mode)
{
    char link[LINK_BYTES];
    struct stat about;
    char *folder = folder_of(file->path);
    file->fd = folder == NULL ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    free(folder);
    if (file->fd < 0) {
        return false;
    }
    own_link(file, link);
    if (lstat(link, &about) != 0) {
        close(file->fd);
        file->fd = -1;
    }
    return file->fd >= 0;
}

static int open_named(struct ct_new_file *file, struct ct_error *error)
{
    if (asprintf(&file->name, "%s.new-XXXXXX", file->path) < 0) {
        file->name = NULL;
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    file->fd = mkostemp(file->name, O_CLOEXEC);
    if (file->fd < 0) {
        free(file->name);
        file->name = NULL;
        return ct_fail_errno(error, "cannot create '%s'", file->path);
    }
    return CT_OK;
}

int ct_new_file_open(struct ct_new_file *file, const char *path, mode_t mode,
                     struct ct_error *error)
{
    *file = (struct ct_new_file){.fd = -1, .path = path};
    if (!open_nameless(file, mode)) {
        int status = open_named(file, error);
        if (status != CT_OK) {
            return status;
        }
    }
    if (fchmod(file->fd, mode) != 0) {
        /* Some file systems keep one mode for all files; the content matters more. */
        errno = 0;
    }
    return CT_OK;
}

/* A name beside the one it is going to have, for the moment of the replacement. */
static bool link_beside(struct ct_new_file *file, const char *link)
{
    bool is_taken = true;
    for (int i = 0; i < TRIES && is_taken; i++) {
        uint32_t number;
        if (getrandom(&number, sizeof number, 0) != sizeof number ||
            asprintf(&file->name, "%s.new-%06x", file->path, number & 0xffffff) < 0) {
            break;
        }
        if (linkat(AT_FDCWD, link, AT_FDCWD, file->name, AT_SYMLINK_FOLLOW) == 0) {
            return true;
        }
        is_taken = errno == EEXIST;
        free(file->name);
    }
    file->name = NULL;
    return false;
}

/* A link replaces nothing: where the name is taken, another one is to be renamed to it. */
static bool give_name(struct ct_new_file *file)
{
    char link[LINK_BYTES];
    own_link(file, link);
    return linkat(AT_FDCWD, link, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0 ||
           (errno == EEXIST && link_beside(file, link));
}

int ct_new_file_finish(struct ct_new_file *file, struct ct_error *error)
{
    if (file->name == NULL && !give_name(file)) {
        return ct_fail_errno(error, "cannot create '%s'", file->path);
    }
    bool is_written = close(file->fd) == 0;
    file->fd = -1;
    if (!is_written) {
        return ct_fail_errno(error, "cannot write '%s'", file->path);
    }
    if (file->name != NULL && rename(file->name, file->path) != 0) {
        return ct_fail_errno(error, "cannot replace '%s'", file->path);
    }
    free(file->name);
    file->name = NULL;
    return CT_OK;
}

void ct_new_file_close(struct ct_new_file *file)
{
    if (file->fd >= 0) {
        close(file->fd);
    }
    if (file->name != NULL) {
        unlink(file->name);
        free(file->name);
    }
    *file = CT_NEW_FILE_NONE;
}
