/* Variable-length integers: seven bits a byte, least significant first, the top bit set on every
 * byte but the last (LEB128). A 64-bit number takes 1 to 10 bytes. */
#ifndef CT_BASE_VARINT_H
#define CT_BASE_VARINT_H

#include <stdbool.h>
#include <stdint.h>

enum { CT_VARINT_MAX = 10 };

/* Write `value` at `to` (room for CT_VARINT_MAX bytes) and return the byte after it. */
static inline uint8_t *ct_varint_put(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)value | 0x80;
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

/* Signed to unsigned so that small magnitudes stay small: 0, -1, 1, -2 become 0, 1, 2, 3. */
static inline uint64_t ct_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t ct_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* A window of bytes being read. A read past the end, or a number longer than 64 bits, sets
 * `failed` and yields 0 from then on, so that a decoder asks once per record. */
struct ct_cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline uint8_t ct_get_byte(struct ct_cursor *cursor)
{
    if (cursor->at >= cursor->end) {
        cursor->failed = true;
        return 0;
    }
    return *cursor->at++;
}

uint64_t ct_get_varint_slow(struct ct_cursor *cursor);

static inline uint64_t ct_get_varint(struct ct_cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at < 0x80) {
        return *cursor->at++;
    }
    return ct_get_varint_slow(cursor);
}

/* A number of 32 bits; a larger one sets `failed`. */
static inline uint32_t ct_get_varint32(struct ct_cursor *cursor)
{
    uint64_t value = ct_get_varint(cursor);
    cursor->failed |= value > UINT32_MAX;
    return (uint32_t)value;
}

static inline int64_t ct_get_zigzag(struct ct_cursor *cursor)
{
    return ct_unzigzag(ct_get_varint(cursor));
}

/* The next `count` bytes, or NULL (and `failed`) when there are fewer. */
static inline const uint8_t *ct_get_bytes(struct ct_cursor *cursor, uint64_t count)
{
    if (cursor->failed || count > (uint64_t)(cursor->end - cursor->at)) {
        cursor->failed = true;
        return (const uint8_t *)0;
    }
    const uint8_t *from = cursor->at;
    cursor->at += count;
    return from;
}

#endif
