#include "trace/block.h"

#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "base/bytes.h"

enum { ZSTD_LEVEL = 1 };

uint64_t ctr_checksum(const void *data, size_t size)
{
    return XXH64(data, size, 0);
}

void ctr_put_header(uint8_t to[CTR_HEADER_BYTES], const struct ctr_header *header)
{
    memset(to, 0, CTR_HEADER_BYTES);
    memcpy(to, CTR_MAGIC, 8);
    ct_store32(to + 8, header->version);
    ct_store32(to + 12, header->pid);
    memcpy(to + 16, header->id, 16);
    ct_store64(to + 32, header->start_ns);
    ct_store64(to + 56, ctr_checksum(to, 56));
}

int ctr_get_header(const uint8_t *from, size_t size, struct ctr_header *header,
                   struct ct_error *error)
{
    if (size == 0) {
        return ct_fail(error, CT_EFORMAT, "the file is empty");
    }
    if (size < 8 || memcmp(from, CTR_MAGIC, 8) != 0) {
        return ct_fail(error, CT_EFORMAT, "not a trace (wrong magic)");
    }
    if (size < CTR_HEADER_BYTES) {
        return ct_fail(error, CT_EFORMAT, "the file ends inside its header (%zu bytes)", size);
    }
    header->version = ct_load32(from + 8);
    if (header->version > CTR_VERSION) {
        return ct_fail(error, CT_EVERSION,
                       "format version %u is newer than this program reads (%d); update it",
                       header->version, CTR_VERSION);
    }
    if (ct_load64(from + 56) != ctr_checksum(from, 56)) {
        return ct_fail(error, CT_EFORMAT, "the header's checksum does not match");
    }
    header->pid = ct_load32(from + 12);
    memcpy(header->id, from + 16, 16);
    header->start_ns = ct_load64(from + 32);
    return CT_OK;
}

void ctr_put_block_header(uint8_t to[CTR_BLOCK_HEADER_BYTES], const struct ctr_block_info *info)
{
    memset(to, 0, CTR_BLOCK_HEADER_BYTES);
    ct_store32(to, CTR_BLOCK_MAGIC);
    to[4] = info->kind;
    to[5] = info->codec;
    ct_store32(to + 8, info->number);
    ct_store32(to + 12, info->raw_size);
    ct_store32(to + 16, info->stored_size);
    ct_store64(to + 24, info->checksum);
    ct_store64(to + 32, ctr_checksum(to, 32));
}

int ctr_get_block_header(const uint8_t *from, struct ctr_block_info *info, struct ct_error *error)
{
    if (ct_load32(from) != CTR_BLOCK_MAGIC) {
        return ct_fail(error, CT_EFORMAT, "no block starts here");
    }
    if (ct_load64(from + 32) != ctr_checksum(from, 32)) {
        return ct_fail(error, CT_EFORMAT, "a block header's checksum does not match");
    }
    info->kind = from[4];
    info->codec = from[5];
    info->number = ct_load32(from + 8);
    info->raw_size = ct_load32(from + 12);
    info->stored_size = ct_load32(from + 16);
    info->checksum = ct_load64(from + 24);
    if (info->kind < CTR_EVENTS || info->kind > CTR_END || info->codec > CTR_ZSTD) {
        return ct_fail(error, CT_EFORMAT, "a block of unknown kind %u, codec %u", info->kind,
                       info->codec);
    }
    if ((info->kind == CTR_EVENTS || info->kind == CTR_DEFS) &&
        info->raw_size > CTR_BLOCK_MAX_BYTES) {
        return ct_fail(error, CT_EFORMAT, "a block of %u bytes, more than any block has",
                       info->raw_size);
    }
    if (info->codec == CTR_STORED && info->raw_size != info->stored_size) {
        return ct_fail(error, CT_EFORMAT, "a stored block with two sizes");
    }
    return CT_OK;
}

void ctr_put_trailer(uint8_t to[CTR_TRAILER_BYTES], uint64_t end_offset)
{
    memset(to, 0, CTR_TRAILER_BYTES);
    ct_store64(to, end_offset);
    ct_store64(to + 16, CTR_TRAILER_MAGIC);
    ct_store64(to + 24, ctr_checksum(to, 24));
}

int ctr_get_trailer(const uint8_t *from, uint64_t *end_offset)
{
    if (ct_load64(from + 16) != CTR_TRAILER_MAGIC ||
        ct_load64(from + 24) != ctr_checksum(from, 24)) {
        return CT_EFORMAT;
    }
    *end_offset = ct_load64(from);
    return CT_OK;
}

size_t ctr_pack_bound(size_t raw_size)
{
    return ZSTD_compressBound(raw_size);
}

const uint8_t *ctr_pack(void *context, const uint8_t *raw, size_t raw_size, uint8_t *to,
                        size_t capacity, struct ctr_block_info *info)
{
    size_t packed = context != NULL
                        ? ZSTD_compressCCtx(context, to, capacity, raw, raw_size, ZSTD_LEVEL)
                        : ZSTD_compress(to, capacity, raw, raw_size, ZSTD_LEVEL);
    const uint8_t *stored = to;
    info->codec = CTR_ZSTD;
    if (ZSTD_isError(packed) || packed >= raw_size) {
        stored = raw;
        packed = raw_size;
        info->codec = CTR_STORED;
    }
    info->raw_size = (uint32_t)raw_size;
    info->stored_size = (uint32_t)packed;
    info->checksum = ctr_checksum(stored, packed);
    return stored;
}

int ctr_unpack(const struct ctr_block_info *info, const uint8_t *stored, uint8_t *to,
               struct ct_error *error)
{
    if (ctr_checksum(stored, info->stored_size) != info->checksum) {
        return ct_fail(error, CT_EFORMAT, "block %u is damaged: its checksum does not match",
                       info->number);
    }
    if (info->codec == CTR_STORED) {
        memcpy(to, stored, info->raw_size);
        return CT_OK;
    }
    size_t got = ZSTD_decompress(to, info->raw_size, stored, info->stored_size);
    if (ZSTD_isError(got) || got != info->raw_size) {
        return ct_fail(error, CT_EFORMAT, "block %u does not decompress", info->number);
    }
    return CT_OK;
}
