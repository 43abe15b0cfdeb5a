#include "trace/amend.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "trace/block.h"

enum { MAX_END_BYTES = 64 << 20 }; /* the directories of a trace of some terabytes */

static int read_at(int fd, const char *path, uint64_t offset, void *to, size_t size,
                   struct ct_error *error)
{
    ssize_t got = pread(fd, to, size, (off_t)offset);
    if (got < 0) {
        return ct_fail_errno(error, "cannot read %s", path);
    }
    return (size_t)got == size ? CT_OK : ct_fail(error, CT_EFORMAT, "%s is cut short", path);
}

static int find_end(int fd, const char *path, uint64_t *offset, struct ct_error *error)
{
    off_t size = lseek(fd, 0, SEEK_END);
    uint8_t trailer[CTR_TRAILER_BYTES];
    if (size < CTR_HEADER_BYTES + CTR_TRAILER_BYTES) {
        return ct_fail(error, CT_ESTATE, "%s is not finished", path);
    }
    int status = read_at(fd, path, (uint64_t)size - sizeof trailer, trailer, sizeof trailer, error);
    if (status == CT_OK && ctr_get_trailer(trailer, offset) != CT_OK) {
        status = ct_fail(error, CT_ESTATE, "%s is not finished", path);
    }
    return status;
}

static int read_end(int fd, const char *path, uint64_t offset, struct ct_bytes *raw,
                    struct ct_error *error)
{
    uint8_t header[CTR_BLOCK_HEADER_BYTES];
    struct ctr_block_info info;
    int status = read_at(fd, path, offset, header, sizeof header, error);
    if (status == CT_OK) {
        status = ctr_get_block_header(header, &info, error);
    }
    if (status != CT_OK) {
        return status;
    }
    if (info.kind != CTR_END || info.raw_size > MAX_END_BYTES || info.stored_size > MAX_END_BYTES) {
        return ct_fail(error, CT_EFORMAT, "%s: its trailer points at no END block", path);
    }
    uint8_t *stored = malloc((size_t)info.stored_size + 1);
    uint8_t *to = ct_bytes_reserve(raw, info.raw_size);
    if (stored == NULL || to == NULL) {
        free(stored);
        return ct_fail(error, CT_ENOMEM, "no memory for the end of %s", path);
    }
    status = read_at(fd, path, offset + sizeof header, stored, info.stored_size, error);
    if (status == CT_OK) {
        status = ctr_unpack(&info, stored, to, error);
    }
    if (status == CT_OK) {
        raw->size = info.raw_size;
    }
    free(stored);
    return status;
}

/* A reader that comes while this happens finds an unfinished trace and scans it. */
static int write_end(int fd, const char *path, uint64_t offset, const struct ct_bytes *raw,
                     struct ct_error *error)
{
    struct ct_bytes out = {0};
    struct ctr_block_info info = {.kind = CTR_END};
    size_t bound = ctr_pack_bound(raw->size);
    uint8_t *packed = malloc(bound);
    uint8_t header[CTR_BLOCK_HEADER_BYTES], trailer[CTR_TRAILER_BYTES];
    if (packed == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for the end of %s", path);
    }
    const uint8_t *stored = ctr_pack(NULL, raw->data, raw->size, packed, bound, &info);
    ctr_put_block_header(header, &info);
    ctr_put_trailer(trailer, offset);
    ct_bytes_add(&out, header, sizeof header);
    ct_bytes_add(&out, stored, info.stored_size);
    ct_bytes_add(&out, trailer, sizeof trailer);
    int status = CT_OK;
    if (out.failed) {
        status = ct_fail(error, CT_ENOMEM, "no memory for the end of %s", path);
    } else if (ftruncate(fd, (off_t)offset) != 0 ||
               pwrite(fd, out.data, out.size, (off_t)offset) != (ssize_t)out.size) {
        status = ct_fail_errno(error, "cannot write %s", path);
    }
    free(packed);
    ct_bytes_free(&out);
    return status;
}

static int amend(int fd, const char *path, int32_t exit_status, struct ct_error *error)
{
    uint64_t offset = 0;
    struct ct_bytes raw = {0};
    int status = find_end(fd, path, &offset, error);
    if (status == CT_OK) {
        status = read_end(fd, path, offset, &raw, error);
    }
    if (status == CT_OK) {
        struct ct_cursor cursor = {raw.data, raw.data + raw.size, false};
        struct ct_bytes amended = {0};
        ct_bytes_add_varint(&amended, ct_get_varint(&cursor));
        ct_get_zigzag(&cursor);
        ct_bytes_add_zigzag(&amended, exit_status);
        ct_bytes_add(&amended, cursor.at, (size_t)(cursor.end - cursor.at));
        status = cursor.failed || amended.failed
                     ? ct_fail(error, CT_EFORMAT, "the END block of %s is damaged", path)
                     : write_end(fd, path, offset, &amended, error);
        ct_bytes_free(&amended);
    }
    ct_bytes_free(&raw);
    return status;
}

int ctr_amend_exit_status(const char *path, int32_t exit_status, struct ct_error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return ct_fail_errno(error, "cannot open %s", path);
    }
    int status = amend(fd, path, exit_status, error);
    close(fd);
    return status;
}
