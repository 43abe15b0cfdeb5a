/* A growing byte buffer, and little-endian loads and stores that work at any alignment. */
#ifndef CT_BASE_BYTES_H
#define CT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Start from `{0}`; the buffer owns `data`. After a failed allocation `failed` is set, further
 * writes do nothing, and the caller asks once at the end. */
struct ct_bytes {
    uint8_t *data;
    size_t size;     /* bytes used */
    size_t capacity; /* bytes allocated */
    bool failed;
};

void ct_bytes_free(struct ct_bytes *bytes);

/* Make room for `count` more bytes and return where they start, or NULL (then `failed` is set). */
uint8_t *ct_bytes_reserve(struct ct_bytes *bytes, size_t count);

void ct_bytes_add(struct ct_bytes *bytes, const void *data, size_t count);
void ct_bytes_add_byte(struct ct_bytes *bytes, uint8_t byte);
void ct_bytes_add_text(struct ct_bytes *bytes, const char *text);
void ct_bytes_add_format(struct ct_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ct_bytes_add_varint(struct ct_bytes *bytes, uint64_t value);
void ct_bytes_add_zigzag(struct ct_bytes *bytes, int64_t value);
/* A varint length, then the bytes. */
void ct_bytes_add_block(struct ct_bytes *bytes, const void *data, size_t count);
void ct_bytes_add_u32(struct ct_bytes *bytes, uint32_t value);
void ct_bytes_add_u64(struct ct_bytes *bytes, uint64_t value);

static inline uint16_t ct_load16(const void *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint32_t ct_load32(const void *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint64_t ct_load64(const void *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void ct_store16(void *to, uint16_t value)
{
    memcpy(to, &value, sizeof value);
}

static inline void ct_store32(void *to, uint32_t value)
{
    memcpy(to, &value, sizeof value);
}

static inline void ct_store64(void *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the trace format is little-endian; big-endian machines are not supported"
#endif

#endif
