/* The file an export is written to: buffered, counted, limited. It appears under its name when it
 * is whole. Failures stick; the writer goes on and asks once in a while. */
#ifndef CT_EXPORT_OUT_H
#define CT_EXPORT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/new_file.h"

struct export_out {
    uint8_t *buffer;
    size_t used;
    uint64_t written; /* handed to the file already */
    uint64_t limit;   /* 0: none */
    int status;       /* what went wrong first */
    const char *path; /* as it was asked for */
    char *place;      /* where that leads to */
    struct ct_new_file file;
    struct ct_error *error;
};

enum {
    EXPORT_OUT_BYTES = 1 << 20,
    EXPORT_OUT_ROOM_MAX = 1 << 16, /* most that export_out_room() gives */
};

/* CT_ESTATE: something is there already that is no earlier export. */
int export_out_open(struct export_out *out, const char *path, uint64_t limit,
                    struct ct_error *error);

/* Give the file its name. */
int export_out_finish(struct export_out *out);

/* Release everything; a file that was not finished is removed. */
void export_out_close(struct export_out *out);

void export_out_flush(struct export_out *out);
void export_out_add_large(struct export_out *out, const void *data, size_t size);

/* Put other bytes in the place of `before` bytes; false when they are not in memory any more. */
bool export_out_replace(struct export_out *out, size_t offset, size_t before, const void *data,
                        size_t size);
/* Overwrite bytes, which may be in the file already. */
void export_out_patch(struct export_out *out, uint64_t offset, const void *data, size_t size);

static inline uint64_t export_out_size(const struct export_out *out)
{
    return out->written + out->used;
}

/* Where the next at most `size` bytes go; export_out_take() says how many there were. */
static inline uint8_t *export_out_room(struct export_out *out, size_t size)
{
    if (EXPORT_OUT_BYTES - out->used < size) {
        export_out_flush(out);
    }
    return out->buffer + out->used;
}

static inline void export_out_take(struct export_out *out, const uint8_t *end)
{
    out->used = (size_t)(end - out->buffer);
}

static inline void export_out_add(struct export_out *out, const void *data, size_t size)
{
    if (size > EXPORT_OUT_ROOM_MAX) {
        export_out_add_large(out, data, size);
        return;
    }
    uint8_t *to = export_out_room(out, size);
    __builtin_memcpy(to, data, size);
    out->used += size;
}

#endif
