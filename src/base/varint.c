#include "base/varint.h"

uint64_t ct_get_varint_slow(struct ct_cursor *cursor)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (cursor->at >= cursor->end) {
            break;
        }
        uint8_t byte = *cursor->at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    cursor->failed = true;
    return 0;
}
