/* Walks the blocks of a trace file from its start: how a trace without trailer is read, and how any
 * trace is checked. */
#include <stdlib.h>
#include <sys/mman.h>

#include "trace/trace_internal.h"

struct ctr_walk ctr_walk_start(const uint8_t *map, uint64_t size)
{
    return (struct ctr_walk){.map = map, .size = size, .at = CTR_HEADER_BYTES};
}

static bool at_trailer(const struct ctr_walk *walk)
{
    uint64_t end;
    return walk->has_end && walk->size - walk->at == CTR_TRAILER_BYTES &&
           ctr_get_trailer(walk->map + walk->at, &end) == CT_OK;
}

static int check_bounds(const struct ctr_walk *walk, const struct ctr_block_info *info,
                        struct ct_error *error)
{
    if (info->stored_size > walk->size - walk->at - CTR_BLOCK_HEADER_BYTES) {
        return ct_fail(error, CT_EFORMAT, "the file ends inside a block");
    }
    const uint8_t *stored = walk->map + walk->at + CTR_BLOCK_HEADER_BYTES;
    if (ctr_checksum(stored, info->stored_size) != info->checksum) {
        return ct_fail(error, CT_EFORMAT, "the checksum of block %u does not match", info->number);
    }
    return CT_OK;
}

int ctr_walk_next(struct ctr_walk *walk, struct ctr_block_info *info, uint64_t *offset,
                  struct ct_error *error)
{
    if (walk->at == walk->size || at_trailer(walk)) {
        return CT_ESTATE;
    }
    if (walk->has_end) {
        return ct_fail(error, CT_EFORMAT, "bytes that are no trailer follow the last block");
    }
    if (walk->size - walk->at < CTR_BLOCK_HEADER_BYTES) {
        return ct_fail(error, CT_EFORMAT, "the file ends inside a block header");
    }
    int status = ctr_get_block_header(walk->map + walk->at, info, error);
    if (status != CT_OK) {
        return status;
    }
    if (info->number != walk->next[info->kind]) {
        return ct_fail(error, CT_EFORMAT, "block %u stands where block %u should", info->number,
                       walk->next[info->kind]);
    }
    status = check_bounds(walk, info, error);
    if (status != CT_OK) {
        return status;
    }
    walk->next[info->kind]++;
    walk->has_end = info->kind == CTR_END;
    *offset = walk->at;
    walk->at += CTR_BLOCK_HEADER_BYTES + info->stored_size;
    return CT_OK;
}

/* The pages of a block that was read need not count as ours: the system keeps them while it has
 * room, and a long trace passes by without filling our memory. `map` is a mapped file of `size`
 * bytes. */
static void let_pages_go(const uint8_t *map, uint64_t size, uint64_t from, uint64_t end)
{
    enum { AROUND = 64 * 1024 }; /* what the system maps, aligned, when a page in it is read */
    uintptr_t first = (uintptr_t)map, last = first + size;
    uintptr_t low = (first + from) / AROUND * AROUND;
    uintptr_t high = (first + end + AROUND - 1) / AROUND * AROUND;
    low = low > first ? low : first;
    high = high < last ? high : last;
    madvise((void *)low, high - low, MADV_DONTNEED);
}

/* INDEX and END blocks have no limit of their own in the format; this one keeps a damaged size from
 * asking for the machine's memory. A directory entry is at most 30 bytes. */
#define LARGEST_RAW (64u * 1024 * 1024)

int ctr_load_block(const uint8_t *map, uint64_t size, uint64_t offset, uint8_t kind,
                   struct ctr_block_info *info, uint8_t **raw, struct ct_error *error)
{
    *raw = NULL;
    if (offset < CTR_HEADER_BYTES || offset > size || size - offset < CTR_BLOCK_HEADER_BYTES) {
        return ct_fail(error, CT_EFORMAT, "a block should be at byte %llu, outside the file",
                       (unsigned long long)offset);
    }
    int status = ctr_get_block_header(map + offset, info, error);
    if (status != CT_OK) {
        return status;
    }
    if (info->kind != kind || info->raw_size > LARGEST_RAW ||
        info->stored_size > size - offset - CTR_BLOCK_HEADER_BYTES) {
        return ct_fail(error, CT_EFORMAT, "the block at byte %llu is not what the index says",
                       (unsigned long long)offset);
    }
    uint8_t *bytes = malloc((size_t)info->raw_size + 1);
    if (bytes == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a block of %u bytes", info->raw_size);
    }
    status = ctr_unpack(info, map + offset + CTR_BLOCK_HEADER_BYTES, bytes, error);
    if (status != CT_OK) {
        free(bytes);
        return status;
    }
    let_pages_go(map, size, offset, offset + CTR_BLOCK_HEADER_BYTES + info->stored_size);
    *raw = bytes;
    return CT_OK;
}
