/* One block of the file: its header, its checksum, its compression. Shared by writer, reader and
 * recovery. */
#ifndef CT_TRACE_BLOCK_H
#define CT_TRACE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/format.h"

struct ctr_block_info {
    uint8_t kind;  /* enum ctr_block_kind */
    uint8_t codec; /* enum ctr_codec */
    uint32_t number;
    uint32_t raw_size;
    uint32_t stored_size;
    uint64_t checksum; /* XXH64 of the stored bytes */
};

struct ctr_header {
    uint32_t version;
    uint32_t pid;
    uint8_t id[16];
    uint64_t start_ns;
};

void ctr_put_header(uint8_t to[CTR_HEADER_BYTES], const struct ctr_header *header);
int ctr_get_header(const uint8_t *from, size_t size, struct ctr_header *header,
                   struct ct_error *error);

void ctr_put_block_header(uint8_t to[CTR_BLOCK_HEADER_BYTES], const struct ctr_block_info *info);
/* CT_EFORMAT with a message when the 40 bytes at `from` are no block header. */
int ctr_get_block_header(const uint8_t *from, struct ctr_block_info *info, struct ct_error *error);

void ctr_put_trailer(uint8_t to[CTR_TRAILER_BYTES], uint64_t end_offset);
int ctr_get_trailer(const uint8_t *from, uint64_t *end_offset);

uint64_t ctr_checksum(const void *data, size_t size);

/* Compress with zstd level 1 into `to` (capacity from ctr_pack_bound); falls back to storing. Fills
 * codec, sizes and checksum of `info`; kind and number are the caller's. `context` is a ZSTD_CCtx
 * or NULL. Returns the bytes to store, which are `raw` itself when stored. */
const uint8_t *ctr_pack(void *context, const uint8_t *raw, size_t raw_size, uint8_t *to,
                        size_t capacity, struct ctr_block_info *info);
size_t ctr_pack_bound(size_t raw_size);

/* Check and decompress the stored bytes of `info` into `to` (raw_size bytes). */
int ctr_unpack(const struct ctr_block_info *info, const uint8_t *stored, uint8_t *to,
               struct ct_error *error);

#endif
