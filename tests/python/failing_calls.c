/* Preloaded into `ct record` and its program: one system call on a path below $FAIL_BELOW fails, the
 * $FAIL_AT-th of all processes, with $FAIL_WITH. They are counted in the file $FAIL_COUNT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *below;
static size_t below_size;
static int with;
static unsigned at;
static _Atomic unsigned *count; /* shared by the processes */

__attribute__((constructor)) static void read_orders(void)
{
    const char *file = getenv("FAIL_COUNT");
    below = getenv("FAIL_BELOW");
    if (file == NULL || below == NULL) {
        return;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR);
    void *map = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    below_size = strlen(below);
    with = atoi(getenv("FAIL_WITH"));
    at = (unsigned)atoi(getenv("FAIL_AT"));
    count = map == MAP_FAILED ? NULL : map;
}

/* Whether the call on this path is the one that fails. */
static bool fails(const char *path)
{
    if (count == NULL || strncmp(path, below, below_size) != 0 ||
        atomic_fetch_add(count, 1) + 1 != at) {
        return false;
    }
    errno = with;
    return true;
}

static bool fails_on(int fd)
{
    char link[64], path[PATH_MAX];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = fd < 0 ? -1 : readlink(link, path, sizeof path - 1);
    errno = before;
    path[size < 0 ? 0 : size] = '\0';
    return fails(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    return fails(path) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

static mode_t mode_of(int flags, va_list *more)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(*more, mode_t) : 0;
}

#define OPENS(name)                                        \
    int name(const char *path, int flags, ...)             \
    {                                                      \
        va_list more;                                      \
        va_start(more, flags);                             \
        mode_t mode = mode_of(flags, &more);               \
        va_end(more);                                      \
        return open_any(AT_FDCWD, path, flags, mode);      \
    }
OPENS(open)
OPENS(open64)

#define ON_PATH(type, name, failure, parameters, arguments) \
    type name parameters                                    \
    {                                                       \
        return fails(path) ? failure : REAL(name) arguments; \
    }
ON_PATH(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
ON_PATH(FILE *, fopen64, NULL, (const char *path, const char *mode), (path, mode))
ON_PATH(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
ON_PATH(int, unlink, -1, (const char *path), (path))
ON_PATH(int, rename, -1, (const char *path, const char *to), (path, to))
ON_PATH(int, access, -1, (const char *path, int how), (path, how))
ON_PATH(int, stat, -1, (const char *path, struct stat *about), (path, about))

int linkat(int folder, const char *path, int to_folder, const char *to, int flags)
{
    return fails(to) ? -1 : REAL(linkat)(folder, path, to_folder, to, flags);
}

#define ON_FD(type, name, parameters, arguments)           \
    type name parameters                                   \
    {                                                      \
        return fails_on(fd) ? -1 : REAL(name) arguments;   \
    }
ON_FD(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t to), (fd, from, size, to))
ON_FD(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t to), (fd, from, size, to))
ON_FD(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
ON_FD(int, fstat, (int fd, struct stat *about), (fd, about))
ON_FD(int, ftruncate, (int fd, off_t size), (fd, size))
ON_FD(int, ftruncate64, (int fd, off64_t size), (fd, size))
ON_FD(int, fstatvfs, (int fd, struct statvfs *about), (fd, about))
ON_FD(int, flock, (int fd, int how), (fd, how))

int posix_fallocate(int fd, off_t from, off_t size)
{
    return fails_on(fd) ? with : REAL(posix_fallocate)(fd, from, size);
}

int posix_fallocate64(int fd, off64_t from, off64_t size)
{
    return fails_on(fd) ? with : REAL(posix_fallocate64)(fd, from, size);
}

void *mmap(void *where, size_t size, int access, int flags, int fd, off_t from)
{
    if (fd >= 0 && fails_on(fd)) {
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, where, size, access, flags, fd, from);
}

/* Duplicating is how the writer gets a high descriptor. */
int fcntl64(int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    long argument = va_arg(more, long);
    va_end(more);
    if (command == F_DUPFD_CLOEXEC && fails_on(fd)) {
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...) __attribute__((alias("fcntl64")));
