#include "base/json_out.h"

#include <errno.h>

#include "base/utf8.h"

enum { FLUSH_BYTES = 64 * 1024 };

static const char hex_digits[] = "0123456789abcdef";

/* What an ASCII byte becomes: 0 itself, 'u' a \u00xx escape, otherwise the letter after '\'. */
static const uint8_t escapes[128] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',  [0x04] = 'u', [0x05] = 'u',
    [0x06] = 'u', [0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f', ['\r'] = 'r', [0x0e] = 'u', [0x0f] = 'u',  [0x10] = 'u', [0x11] = 'u',
    [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',  [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',  [0x1c] = 'u', [0x1d] = 'u',
    [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

static void append_unicode_escape(struct ct_bytes *bytes, unsigned unit)
{
    uint8_t text[6] = {'\\',
                       'u',
                       (uint8_t)hex_digits[unit >> 12 & 15],
                       (uint8_t)hex_digits[unit >> 8 & 15],
                       (uint8_t)hex_digits[unit >> 4 & 15],
                       (uint8_t)hex_digits[unit & 15]};
    ct_bytes_add(bytes, text, sizeof text);
}

static bool is_surrogate_at(const uint8_t *at, size_t left)
{
    return left >= 3 && at[0] == 0xed && at[1] >= 0xa0 && at[1] <= 0xbf && (at[2] & 0xc0) == 0x80;
}

/* Escape what is not well-formed UTF-8; returns how many bytes that took. */
static size_t append_stray(struct ct_bytes *bytes, const uint8_t *at, size_t left)
{
    if (is_surrogate_at(at, left)) {
        append_unicode_escape(bytes, 0xd000u | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu));
        return 3;
    }
    append_unicode_escape(bytes, 0xdc00u | at[0]);
    return 1;
}

static void append_ascii_escape(struct ct_bytes *bytes, uint8_t byte)
{
    if (escapes[byte] == 'u') {
        append_unicode_escape(bytes, byte);
    } else {
        uint8_t text[2] = {'\\', escapes[byte]};
        ct_bytes_add(bytes, text, sizeof text);
    }
}

void ct_json_append_text(struct ct_bytes *bytes, const void *text, size_t size)
{
    const uint8_t *at = text;
    const uint8_t *end = at + size;
    const uint8_t *plain = at; /* start of the bytes that go out as they are */
    ct_bytes_add_byte(bytes, '"');
    while (at < end) {
        if (*at < 128 && escapes[*at] == 0) {
            at++;
            continue;
        }
        size_t length = *at < 128 ? 0 : ct_utf8_length(at, (size_t)(end - at));
        if (length != 0) {
            at += length;
            continue;
        }
        ct_bytes_add(bytes, plain, (size_t)(at - plain));
        if (*at < 128) {
            append_ascii_escape(bytes, *at);
            at++;
        } else {
            at += append_stray(bytes, at, (size_t)(end - at));
        }
        plain = at;
    }
    ct_bytes_add(bytes, plain, (size_t)(end - plain));
    ct_bytes_add_byte(bytes, '"');
}

void ct_json_init(struct ct_json_out *json, FILE *file)
{
    *json = (struct ct_json_out){.file = file};
}

static void flush_to_file(struct ct_json_out *json)
{
    if (json->file == NULL || json->bytes.size == 0) {
        return;
    }
    size_t written = fwrite(json->bytes.data, 1, json->bytes.size, json->file);
    if (written != json->bytes.size && json->file_errno == 0) {
        json->file_errno = errno != 0 ? errno : EIO;
    }
    json->bytes.size = 0;
}

static void begin_value(struct ct_json_out *json)
{
    if (json->needs_comma) {
        ct_bytes_add_byte(&json->bytes, ',');
    }
    json->needs_comma = true;
}

static void end_value(struct ct_json_out *json)
{
    if (json->bytes.size >= FLUSH_BYTES) {
        flush_to_file(json);
    }
}

static void open_container(struct ct_json_out *json, uint8_t bracket)
{
    begin_value(json);
    ct_bytes_add_byte(&json->bytes, bracket);
    json->needs_comma = false;
}

static void close_container(struct ct_json_out *json, uint8_t bracket)
{
    ct_bytes_add_byte(&json->bytes, bracket);
    json->needs_comma = true;
    end_value(json);
}

void ct_json_begin_object(struct ct_json_out *json)
{
    open_container(json, '{');
}

void ct_json_end_object(struct ct_json_out *json)
{
    close_container(json, '}');
}

void ct_json_begin_array(struct ct_json_out *json)
{
    open_container(json, '[');
}

void ct_json_end_array(struct ct_json_out *json)
{
    close_container(json, ']');
}

void ct_json_key(struct ct_json_out *json, const char *name)
{
    begin_value(json);
    ct_json_append_text(&json->bytes, name, strlen(name));
    ct_bytes_add_byte(&json->bytes, ':');
    json->needs_comma = false;
}

void ct_json_put_bool(struct ct_json_out *json, const char *name, bool value)
{
    ct_json_key(json, name);
    ct_json_bool(json, value);
}

void ct_json_put_int(struct ct_json_out *json, const char *name, int64_t value)
{
    ct_json_key(json, name);
    ct_json_int(json, value);
}

void ct_json_put_uint(struct ct_json_out *json, const char *name, uint64_t value)
{
    ct_json_key(json, name);
    ct_json_uint(json, value);
}

void ct_json_put_text(struct ct_json_out *json, const char *name, const char *text)
{
    ct_json_key(json, name);
    ct_json_text(json, text);
}

void ct_json_raw(struct ct_json_out *json, const void *text, size_t size)
{
    begin_value(json);
    ct_bytes_add(&json->bytes, text, size);
    end_value(json);
}

void ct_json_null(struct ct_json_out *json)
{
    ct_json_raw(json, "null", 4);
}

void ct_json_bool(struct ct_json_out *json, bool value)
{
    ct_json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void ct_json_int(struct ct_json_out *json, int64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)value);
    ct_json_raw(json, text, (size_t)length);
}

void ct_json_uint(struct ct_json_out *json, uint64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    ct_json_raw(json, text, (size_t)length);
}

void ct_json_text_n(struct ct_json_out *json, const void *text, size_t size)
{
    begin_value(json);
    ct_json_append_text(&json->bytes, text, size);
    end_value(json);
}

void ct_json_text(struct ct_json_out *json, const char *text)
{
    ct_json_text_n(json, text, strlen(text));
}

int ct_json_finish(struct ct_json_out *json, struct ct_error *error)
{
    flush_to_file(json);
    if (json->bytes.failed) {
        return ct_fail(error, CT_ENOMEM, "out of memory while writing JSON");
    }
    if (json->file_errno != 0) {
        errno = json->file_errno;
        return ct_fail_errno(error, "cannot write JSON");
    }
    return CT_OK;
}

void ct_json_clear(struct ct_json_out *json)
{
    ct_bytes_free(&json->bytes);
    *json = (struct ct_json_out){0};
}
