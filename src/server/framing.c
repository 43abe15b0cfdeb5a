#include "server/framing.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void sv_framing_clear(struct sv_framing *framing)
{
    ct_bytes_free(&framing->bytes);
    *framing = (struct sv_framing){0};
}

void sv_framing_add(struct sv_framing *framing, const void *data, size_t size)
{
    struct ct_bytes *bytes = &framing->bytes;
    if (framing->start > 0) {
        bytes->size -= framing->start;
        memmove(bytes->data, bytes->data + framing->start, bytes->size);
        framing->start = 0;
    }
    ct_bytes_add(bytes, data, size);
}

bool sv_framing_is_partial(const struct sv_framing *framing)
{
    return framing->bytes.size > framing->start;
}

/* The length of a line with its end, or 0: it has not ended. */
static size_t line_length(const char *at, size_t size)
{
    const char *end = size == 0 ? NULL : memchr(at, '\n', size);
    return end == NULL ? 0 : (size_t)(end + 1 - at);
}

static bool is_empty_line(const char *line, size_t length)
{
    return length == 1 || (length == 2 && line[0] == '\r');
}

/* Digits alone, with blanks around them. */
static bool parse_length(const char *at, const char *end, size_t *value)
{
    while (at < end && isspace((unsigned char)*at)) {
        at++;
    }
    while (end > at && isspace((unsigned char)end[-1])) {
        end--;
    }
    size_t number = 0;
    for (const char *digit = at; digit < end; digit++) {
        if (!isdigit((unsigned char)*digit)) {
            return false;
        }
        /* Beyond the limit one such number is as bad as another. */
        number = number > SV_MAX_MESSAGE ? number : number * 10 + (size_t)(*digit - '0');
    }
    *value = number;
    return end > at;
}

/* Read one header line. Those that are not Content-Length mean nothing to us. */
static int take_line(const char *line, size_t length, bool *has_length, size_t *value,
                     struct ct_error *error)
{
    static const char name[] = "Content-Length";
    const char *colon = memchr(line, ':', length);
    if (colon == NULL) {
        return ct_fail(error, CT_EFORMAT, "a header line has no colon");
    }
    size_t name_length = (size_t)(colon - line);
    if (name_length != sizeof name - 1 || strncasecmp(line, name, name_length) != 0) {
        return CT_OK;
    }
    size_t before = *value;
    if (!parse_length(colon + 1, line + length, value)) {
        return ct_fail(error, CT_EFORMAT, "a Content-Length is not a number");
    }
    if (*has_length && before != *value) {
        return ct_fail(error, CT_EFORMAT, "a message has two different Content-Lengths");
    }
    *has_length = true;
    return CT_OK;
}

/* The header lines at `at`. `*header` is their length with the empty line, 0 when that has not
 * arrived; `*body` is what Content-Length says. */
static int read_header(const char *at, size_t size, size_t *header, size_t *body,
                       struct ct_error *error)
{
    bool has_length = false;
    size_t used = 0;
    *header = 0;
    *body = 0;
    for (;;) {
        size_t length = line_length(at + used, size - used);
        if (used + length > SV_MAX_FRAME_HEADER || (length == 0 && size > SV_MAX_FRAME_HEADER)) {
            return ct_fail(error, CT_ELIMIT, "the header lines of a message exceed %d bytes",
                           SV_MAX_FRAME_HEADER);
        }
        if (length == 0) {
            return CT_OK;
        }
        const char *line = at + used;
        used += length;
        if (is_empty_line(line, length)) {
            break;
        }
        int status = take_line(line, length, &has_length, body, error);
        if (status != CT_OK) {
            return status;
        }
    }
    if (!has_length) {
        return ct_fail(error, CT_EFORMAT, "a message has no Content-Length");
    }
    *header = used;
    return CT_OK;
}

int sv_framing_next(struct sv_framing *framing, const char **json, size_t *size,
                    struct ct_error *error)
{
    *json = NULL;
    *size = 0;
    if (framing->bytes.failed) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    size_t arrived = framing->bytes.size - framing->start;
    if (arrived == 0) {
        return CT_OK;
    }
    const char *at = (const char *)framing->bytes.data + framing->start;
    size_t header, body;
    int status = read_header(at, arrived, &header, &body, error);
    if (status != CT_OK || header == 0) {
        return status;
    }
    if (body > SV_MAX_MESSAGE) {
        return ct_fail(error, CT_ELIMIT, "a message exceeds %d bytes", SV_MAX_MESSAGE);
    }
    if (arrived - header >= body) {
        *json = at + header;
        *size = body;
        framing->start += header + body;
    }
    return CT_OK;
}
