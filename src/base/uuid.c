#include "base/uuid.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { NS_PER_MS = 1000000, MS_PER_S = 1000 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ct_uuid7_make(uint8_t uuid[CT_UUID_BYTES], struct ct_error *error)
{
    if (getrandom(uuid, CT_UUID_BYTES, 0) != CT_UUID_BYTES) {
        return ct_fail_errno(error, "cannot get random bytes for an identifier");
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
    for (int i = 0; i < 6; i++) {
        uuid[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    /* The twelve bits after the milliseconds hold their fraction, which keeps the order of
     * identifiers made within one millisecond. */
    unsigned fraction = (unsigned)((uint64_t)(now.tv_nsec % NS_PER_MS) * 4096 / NS_PER_MS);
    uuid[6] = (uint8_t)(0x70 | (fraction >> 8));
    uuid[7] = (uint8_t)fraction;
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
    return CT_OK;
}

static bool is_dash_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void ct_uuid_format(const uint8_t uuid[CT_UUID_BYTES], char text[CT_UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *to = text;
    for (int i = 0; i < CT_UUID_BYTES; i++) {
        if (is_dash_before(i)) {
            *to++ = '-';
        }
        *to++ = digits[uuid[i] >> 4];
        *to++ = digits[uuid[i] & 15];
    }
    *to = '\0';
}

bool ct_uuid_parse(const char *text, uint8_t uuid[CT_UUID_BYTES])
{
    if (strlen(text) != CT_UUID_TEXT_BYTES - 1) {
        return false;
    }
    const char *from = text;
    for (int i = 0; i < CT_UUID_BYTES; i++) {
        if (is_dash_before(i) && *from++ != '-') {
            return false;
        }
        int high = hex_digit(from[0]);
        int low = hex_digit(from[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        uuid[i] = (uint8_t)(high << 4 | low);
        from += 2;
    }
    return true;
}
