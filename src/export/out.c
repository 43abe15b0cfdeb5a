#include "export/out.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "export/place.h"

enum { FILE_MODE = 0600 };

int export_out_open(struct export_out *out, const char *path, uint64_t limit,
                    struct ct_error *error)
{
    *out =
        (struct export_out){.limit = limit, .path = path, .file = CT_NEW_FILE_NONE, .error = error};
    out->status = export_place(path, EXPORT_TRACE, &out->place, error);
    if (out->status != CT_OK) {
        return out->status;
    }
    out->buffer = malloc(EXPORT_OUT_BYTES);
    if (out->buffer == NULL) {
        return out->status = ct_fail(error, CT_ENOMEM, "no memory to write '%s'", path);
    }
    return out->status = ct_new_file_open(&out->file, out->place, FILE_MODE, error);
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
    out->status = ct_write_all(out->file.fd, data, size, out->path, out->error);
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
    if (out->status == CT_OK && pwrite(out->file.fd, data, size, (off_t)offset) != (ssize_t)size) {
        out->status = ct_fail_errno(out->error, "cannot write '%s'", out->path);
    }
}

int export_out_finish(struct export_out *out)
{
    export_out_flush(out);
    if (out->status == CT_OK) {
        out->status = ct_new_file_finish(&out->file, out->error);
    }
    return out->status;
}

void export_out_close(struct export_out *out)
{
    ct_new_file_close(&out->file);
    free(out->place);
    free(out->buffer);
    *out = (struct export_out){.file = CT_NEW_FILE_NONE};
}
