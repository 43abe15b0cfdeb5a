#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"

enum { FIRST_CAPACITY = 256 };

void ct_bytes_free(struct ct_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct ct_bytes){0};
}

uint8_t *ct_bytes_reserve(struct ct_bytes *bytes, size_t count)
{
    if (bytes->failed) {
        return NULL;
    }
    if (count > bytes->capacity - bytes->size) {
        size_t capacity = bytes->capacity ? bytes->capacity : FIRST_CAPACITY;
        while (capacity - bytes->size < count) {
            if (capacity > SIZE_MAX / 2) {
                bytes->failed = true;
                return NULL;
            }
            capacity *= 2;
        }
        uint8_t *data = realloc(bytes->data, capacity);
        if (data == NULL) {
            bytes->failed = true;
            return NULL;
        }
        bytes->data = data;
        bytes->capacity = capacity;
    }
    return bytes->data + bytes->size;
}

void ct_bytes_add(struct ct_bytes *bytes, const void *data, size_t count)
{
    uint8_t *to = ct_bytes_reserve(bytes, count);
    if (to != NULL && count != 0) {
        memcpy(to, data, count);
        bytes->size += count;
    }
}

void ct_bytes_add_byte(struct ct_bytes *bytes, uint8_t byte)
{
    ct_bytes_add(bytes, &byte, 1);
}

void ct_bytes_add_text(struct ct_bytes *bytes, const char *text)
{
    ct_bytes_add(bytes, text, strlen(text));
}

void ct_bytes_add_format(struct ct_bytes *bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *to = length < 0 ? NULL : ct_bytes_reserve(bytes, (size_t)length + 1);
    if (to != NULL) {
        vsnprintf((char *)to, (size_t)length + 1, format, again);
        bytes->size += (size_t)length;
    }
    va_end(again);
}

void ct_bytes_add_varint(struct ct_bytes *bytes, uint64_t value)
{
    uint8_t *to = ct_bytes_reserve(bytes, CT_VARINT_MAX);
    if (to != NULL) {
        bytes->size += (size_t)(ct_varint_put(to, value) - to);
    }
}

void ct_bytes_add_zigzag(struct ct_bytes *bytes, int64_t value)
{
    ct_bytes_add_varint(bytes, ct_zigzag(value));
}

void ct_bytes_add_block(struct ct_bytes *bytes, const void *data, size_t count)
{
    ct_bytes_add_varint(bytes, count);
    ct_bytes_add(bytes, data, count);
}

void ct_bytes_add_u32(struct ct_bytes *bytes, uint32_t value)
{
    ct_bytes_add(bytes, &value, sizeof value);
}

void ct_bytes_add_u64(struct ct_bytes *bytes, uint64_t value)
{
    ct_bytes_add(bytes, &value, sizeof value);
}
