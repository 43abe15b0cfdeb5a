#include "export/out.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { FILE_MODE = 0600 };

int export_out_open(struct export_out *out, const char *path, uint64_t limit,
                    struct ct_error *error)
{
    *out = (struct export_out){.fd = -1, .limit = limit, .path = path, .error = error};
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        /* Replaced like any other it would be gone: think of /dev/null. */
        return out->status = ct_fail(error, CT_ESTATE, "cannot create '%s': it is no file", path);
    }
    out->buffer = malloc(EXPORT_OUT_BYTES);
    if (out->buffer == NULL || asprintf(&out->part, "%s.part", path) < 0) {
        out->part = NULL;
        return out->status = ct_fail(error, CT_ENOMEM, "no memory to write '%s'", path);
    }
    out->fd = open(out->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (out->fd < 0) {
        free(out->part);
        out->part = NULL;
        return out->status = ct_fail_errno(error, "cannot create '%s'", path);
    }
    return CT_OK;
}

static void write_out(struct export_out *out, const void *data, size_t size)
{
    if (out->status != CT_OK) {
        return;
    }
    if (out->limit != 0 && out->written + size > out->limit) {
        out->status = ct_fail(out->error, CT_ELIMIT, "'%s' would be larger than %llu bytes",
                              out->path, (unsigned long long)out->limit);
        return;
    }
    out->status = ct_write_all(out->fd, data, size, out->path, out->error);
    out->written += size;
}

void export_out_flush(struct export_out *out)
{
    write_out(out, out->buffer, out->used);
    out->used = 0;
}

void export_out_add_large(struct export_out *out, const void *data, size_t size)
{
    export_out_flush(out);
    write_out(out, data, size);
}

bool export_out_replace(struct export_out *out, size_t offset, size_t before, const void *data,
                        size_t size)
{
    if (out->written != 0 || out->used + size > EXPORT_OUT_BYTES) {
        return false;
    }
    uint8_t *to = out->buffer + offset;
    memmove(to + size, to + before, out->used - offset - before);
    memcpy(to, data, size);
    out->used += size - before;
    return true;
}

void export_out_patch(struct export_out *out, uint64_t offset, const void *data, size_t size)
{
    export_out_flush(out);
    if (out->status == CT_OK && pwrite(out->fd, data, size, (off_t)offset) != (ssize_t)size) {
        out->status = ct_fail_errno(out->error, "cannot write '%s'", out->path);
    }
}

int export_out_finish(struct export_out *out)
{
    export_out_flush(out);
    if (out->status == CT_OK && rename(out->part, out->path) != 0) {
        out->status = ct_fail_errno(out->error, "cannot create '%s'", out->path);
    }
    if (out->status == CT_OK) {
        free(out->part);
        out->part = NULL;
    }
    return out->status;
}

void export_out_close(struct export_out *out)
{
    if (out->fd >= 0) {
        close(out->fd);
    }
    if (out->part != NULL) {
        unlink(out->part);
        free(out->part);
    }
    free(out->buffer);
    *out = (struct export_out){.fd = -1};
}
