#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/new_file.h"

enum { COPY_BYTES = 1 << 20 };

char *ct_path_join(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    const char *separator = length != 0 && directory[length - 1] == '/' ? "" : "/";
    char *path = NULL;
    return asprintf(&path, "%s%s%s", directory, separator, name) < 0 ? NULL : path;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int make_directory(const char *path, bool *created, struct ct_error *error)
{
    *created = mkdir(path, 0777) == 0;
    int reason = errno;
    if (*created || is_directory(path)) {
        return CT_OK;
    }
    if (reason == EEXIST) {
        return ct_fail(error, CT_EIO, "'%s' is not a directory", path);
    }
    errno = reason;
    return ct_fail_errno(error, "cannot create the directory '%s'", path);
}

int ct_make_directories(const char *path, bool *created, struct ct_error *error)
{
    bool is_new = false;
    char *partial = strdup(path);
    if (partial == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    for (size_t end = strlen(partial); end > 1 && partial[end - 1] == '/'; end--) {
        partial[end - 1] = '\0';
    }
    int status = CT_OK;
    for (char *slash = strchr(partial + 1, '/'); slash != NULL && status == CT_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_directory(partial, &is_new, error);
        *slash = '/';
    }
    if (status == CT_OK) {
        status = make_directory(partial, &is_new, error);
    }
    free(partial);
    if (status == CT_OK && created != NULL) {
        *created = is_new;
    }
    return status;
}

/* Read up to `limit` bytes and one more, by which a longer file shows itself. */
static int read_descriptor(int fd, const char *path, size_t limit, char **data, size_t *size,
                           struct ct_error *error)
{
    size_t capacity = 4096;
    size_t used = 0;
    char *buffer = malloc(capacity);
    while (buffer != NULL) {
        ssize_t got = read(fd, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            free(buffer);
            return ct_fail_errno(error, "cannot read '%s'", path);
        }
        used += (size_t)got;
        if (used > limit) {
            free(buffer);
            return ct_fail(error, CT_ELIMIT, "'%s' is larger than %zu bytes", path, limit);
        }
        if (got == 0) {
            buffer[used] = '\0';
            *data = buffer;
            *size = used;
            return CT_OK;
        }
        if (capacity - used < 2) {
            char *larger = capacity > SIZE_MAX / 2 ? NULL : realloc(buffer, capacity * 2);
            if (larger == NULL) {
                free(buffer);
            }
            buffer = larger;
            capacity *= 2;
        }
    }
    return ct_fail(error, CT_ENOMEM, "out of memory while reading '%s'", path);
}

int ct_file_read(const char *path, size_t limit, char **data, size_t *size, struct ct_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ct_fail_errno(error, "cannot open '%s'", path);
    }
    int status = read_descriptor(fd, path, limit, data, size, error);
    close(fd);
    return status;
}

int ct_check_space(int fd, uint64_t least, const char *path, struct ct_error *error)
{
    struct statvfs about;
    bool is_short = least != 0 && fstatvfs(fd, &about) == 0 &&
                    (uint64_t)about.f_bavail * about.f_frsize < least;
    return is_short ? ct_fail(error, CT_ELIMIT, "less than %llu bytes are free where %s is",
                              (unsigned long long)least, path)
                    : CT_OK;
}

int ct_write_all(int fd, const void *data, size_t size, const char *path, struct ct_error *error)
{
    const char *from = data;
    while (size != 0) {
        ssize_t written = write(fd, from, size);
        if (written < 0 && errno != EINTR) {
            return ct_fail_errno(error, "cannot write '%s'", path);
        }
        if (written > 0) {
            from += written;
            size -= (size_t)written;
        }
    }
    return CT_OK;
}

int ct_file_replace(const char *path, const void *data, size_t size, mode_t mode,
                    struct ct_error *error)
{
    struct ct_new_file file;
    int status = ct_new_file_open(&file, path, mode, error);
    if (status == CT_OK) {
        status = ct_write_all(file.fd, data, size, path, error);
    }
    if (status == CT_OK) {
        status = ct_new_file_finish(&file, error);
    }
    ct_new_file_close(&file);
    return status;
}

static int copy_bytes(int from, int to, const char *from_path, const char *to_path,
                      struct ct_error *error)
{
    char *buffer = malloc(COPY_BYTES);
    if (buffer == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    int status = CT_OK;
    ssize_t got = 1;
    while (status == CT_OK && got != 0) {
        got = read(from, buffer, COPY_BYTES);
        if (got > 0) {
            status = ct_write_all(to, buffer, (size_t)got, to_path, error);
        } else if (got < 0 && errno != EINTR) {
            status = ct_fail_errno(error, "cannot read '%s'", from_path);
        }
    }
    free(buffer);
    return status;
}

static int copy_then_remove(const char *from, const char *to, struct ct_error *error)
{
    int source = open(from, O_RDONLY | O_CLOEXEC);
    if (source < 0) {
        return ct_fail_errno(error, "cannot open '%s'", from);
    }
    struct stat about;
    mode_t mode = fstat(source, &about) == 0 ? about.st_mode & 07777 : 0600;
    int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (target < 0) {
        close(source);
        return ct_fail_errno(error, "cannot create '%s'", to);
    }
    int status = copy_bytes(source, target, from, to, error);
    close(source);
    if (close(target) != 0 && status == CT_OK) {
        status = ct_fail_errno(error, "cannot write '%s'", to);
    }
    if (status != CT_OK) {
        unlink(to);
    } else if (unlink(from) != 0) {
        status = ct_fail_errno(error, "cannot remove '%s' after it was copied to '%s'", from, to);
    }
    return status;
}

int ct_file_move(const char *from, const char *to, struct ct_error *error)
{
    struct stat about;
    if (lstat(to, &about) == 0) {
        return ct_fail(error, CT_ESTATE, "cannot move '%s': '%s' exists already", from, to);
    }
    if (rename(from, to) == 0) {
        return CT_OK;
    }
    if (errno == EXDEV) {
        return copy_then_remove(from, to, error);
    }
    return ct_fail_errno(error, "cannot move '%s' to '%s'", from, to);
}
