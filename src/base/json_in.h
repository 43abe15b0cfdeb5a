/* A JSON reader: one token after the other, from a file of any size or from memory.
 *
 * Strict: what RFC 8259 does not allow is an error that names the byte. Only a lone surrogate
 * written as an escape is let through, as three bytes (WTF-8). Memory is the longest text plus a
 * window of the file. */
#ifndef CT_BASE_JSON_IN_H
#define CT_BASE_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { CT_JSON_DEPTH_MAX = 1024 };

enum ct_json_token {
    CT_JSON_ERROR, /* sticks; `error` says what and where */
    CT_JSON_END,   /* of the document */
    CT_JSON_OBJECT,
    CT_JSON_OBJECT_END,
    CT_JSON_ARRAY,
    CT_JSON_ARRAY_END,
    CT_JSON_KEY,    /* `text` */
    CT_JSON_TEXT,   /* `text` */
    CT_JSON_NUMBER, /* `text`, as it is written */
    CT_JSON_TRUE,
    CT_JSON_FALSE,
    CT_JSON_NULL,
};

struct ct_json_in {
    struct ct_bytes text; /* of the token, with a NUL behind that `size` does not count */
    uint64_t offset;      /* where the token starts in the document */
    unsigned depth;       /* of open arrays and objects */
    char error[160];
    /* private */
    int fd;          /* -1: all is in the window */
    uint8_t *window; /* owned when fd >= 0 */
    const uint8_t *at, *end;
    uint64_t window_offset; /* of `end` in the document */
    size_t text_max;
    unsigned expected;
    bool is_object[CT_JSON_DEPTH_MAX];
};

/* Read from a descriptor, which stays the caller's. A text of more than `text_max` bytes is an
 * error. */
void ct_json_in_file(struct ct_json_in *json, int fd, size_t text_max);
/* Read what is in memory, which must stay. */
void ct_json_in_memory(struct ct_json_in *json, const void *text, size_t size);
void ct_json_in_clear(struct ct_json_in *json);

enum ct_json_token ct_json_next(struct ct_json_in *json);

/* Read to the end of the value that `token` began. False: an error. */
bool ct_json_skip(struct ct_json_in *json, enum ct_json_token token);

/* Whether the token's text is `word`. */
bool ct_json_is(const struct ct_json_in *json, const char *word);

/* The number as an integer; false when it is none, or beyond 64 bits. */
bool ct_json_integer(const struct ct_json_in *json, int64_t *value);

#endif
