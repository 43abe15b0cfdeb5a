#include "base/utf8.h"

#include <stdbool.h>

#include "base/bytes.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

static bool are_continuations(const uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_continuation(at[i])) {
            return false;
        }
    }
    return true;
}

/* What may follow a lead byte: how many bytes, and the range of the first of them, which keeps out
 * overlong forms, surrogates and what is beyond Unicode. */
static const struct lead {
    uint8_t first, last;
    uint8_t more;
    uint8_t low, high;
} leads[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf},
    {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
    {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

size_t ct_utf8_length(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        const struct lead *lead = &leads[i];
        if (at[0] >= lead->first && at[0] <= lead->last) {
            bool fits = left > lead->more && at[1] >= lead->low && at[1] <= lead->high;
            return fits && are_continuations(at + 1, lead->more) ? lead->more + 1u : 0;
        }
    }
    return 0;
}

size_t ct_utf8_prefix(const uint8_t *at, size_t size)
{
    size_t done = 0;
    while (done < size) {
        /* Eight at a time while they are ASCII. */
        if (size - done >= 8 && (ct_load64(at + done) & 0x8080808080808080ull) == 0) {
            done += 8;
            continue;
        }
        size_t length = ct_utf8_length(at + done, size - done);
        if (length == 0) {
            break;
        }
        done += length;
    }
    return done;
}
