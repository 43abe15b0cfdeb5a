#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock_descriptor(int fd, int kind)
{
    int result;
    do {
        result = flock(fd, kind | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* The owner before us may have removed the file between our open() and flock(). */
static bool is_still_at(int fd, const char *path)
{
    struct stat held;
    struct stat named;
    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

int ct_lock_take(struct ct_lock *lock, const char *path, struct ct_error *error)
{
    *lock = CT_LOCK_NONE;
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            return ct_fail_errno(error, "cannot create the lock file '%s'", path);
        }
        if (lock_descriptor(fd, LOCK_EX) != 0) {
            bool is_busy = errno == EWOULDBLOCK;
            int status = is_busy ? ct_fail(error, CT_ESTATE, "'%s' is locked", path)
                                 : ct_fail_errno(error, "cannot lock '%s'", path);
            close(fd);
            return status;
        }
        if (is_still_at(fd, path)) {
            lock->fd = fd;
            lock->path = strdup(path);
            return CT_OK;
        }
        close(fd);
    }
}

void ct_lock_release(struct ct_lock *lock)
{
    if (lock->fd >= 0) {
        if (lock->path != NULL) {
            unlink(lock->path);
        }
        close(lock->fd);
    }
    free(lock->path);
    *lock = CT_LOCK_NONE;
}

bool ct_file_is_locked(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    /* Shared, so that two who look do not take each other for the owner. */
    bool is_locked = lock_descriptor(fd, LOCK_SH) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return is_locked;
}
