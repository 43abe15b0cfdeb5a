/* Recording identifiers: UUIDs of version 7, so that sorting them sorts by time of creation. */
#ifndef CT_BASE_UUID_H
#define CT_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum {
    CT_UUID_BYTES = 16,
    CT_UUID_TEXT_BYTES = 37, /* 36 characters and the terminating NUL */
};

/* Make a new identifier from the clock and the kernel's random source. */
int ct_uuid7_make(uint8_t uuid[CT_UUID_BYTES], struct ct_error *error);

/* The usual text, lower case: 8-4-4-4-12 hexadecimal digits. */
void ct_uuid_format(const uint8_t uuid[CT_UUID_BYTES], char text[CT_UUID_TEXT_BYTES]);

/* Read that text, in either case, of any version. False when `text` is anything else. */
bool ct_uuid_parse(const char *text, uint8_t uuid[CT_UUID_BYTES]);

#endif
