#include "base/json_in.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"

enum { WINDOW_BYTES = 64 * 1024 };

/* What may come next. */
enum expected {
    VALUE,        /* of the document, of a key, or after a comma in an array */
    VALUE_OR_END, /* behind '[' */
    KEY_OR_END,   /* behind '{' */
    COMMA_OR_END, /* behind a value in an array or object */
    END_OF_DOCUMENT,
    FAILED,
};

/* ---- Bytes ---- */

static void begin(struct ct_json_in *json, int fd, size_t text_max)
{
    json->text = (struct ct_bytes){0};
    json->offset = 0;
    json->depth = 0;
    json->error[0] = '\0';
    json->fd = fd;
    json->window = NULL;
    json->at = json->end = NULL;
    json->window_offset = 0;
    json->text_max = text_max;
    json->expected = VALUE;
}

void ct_json_in_file(struct ct_json_in *json, int fd, size_t text_max)
{
    begin(json, fd, text_max);
    json->window = malloc(WINDOW_BYTES);
    json->at = json->end = json->window;
}

void ct_json_in_memory(struct ct_json_in *json, const void *text, size_t size)
{
    begin(json, -1, size);
    json->at = text;
    json->end = json->at + size;
    json->window_offset = size;
}

void ct_json_in_clear(struct ct_json_in *json)
{
    free(json->window);
    ct_bytes_free(&json->text);
}

static uint64_t here(const struct ct_json_in *json)
{
    return json->window_offset - (uint64_t)(json->end - json->at);
}

static enum ct_json_token fail(struct ct_json_in *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum ct_json_token fail(struct ct_json_in *json, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(json->error, sizeof json->error, format, args);
    va_end(args);
    json->expected = FAILED;
    return CT_JSON_ERROR;
}

/* The next byte without taking it; -1 at the end, or when it cannot be read (then it has failed).
 */
static int peek(struct ct_json_in *json)
{
    if (json->at < json->end) {
        return *json->at;
    }
    if (json->fd < 0) {
        return -1;
    }
    if (json->window == NULL) {
        fail(json, "out of memory");
        return -1;
    }
    ssize_t got;
    do {
        got = read(json->fd, json->window, WINDOW_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        fail(json, "byte %llu: %m", (unsigned long long)here(json));
    }
    json->at = json->window;
    json->end = json->window + (got > 0 ? got : 0);
    json->window_offset += (uint64_t)(got > 0 ? got : 0);
    return got > 0 ? *json->at : -1;
}

static bool is_failed(const struct ct_json_in *json)
{
    return json->expected == FAILED;
}

/* A byte that must not be here; or the end, where it must not be. */
static enum ct_json_token fail_here(struct ct_json_in *json, const char *wanted)
{
    if (is_failed(json)) {
        return CT_JSON_ERROR;
    }
    int byte = peek(json);
    unsigned long long offset = here(json);
    if (is_failed(json)) {
        return CT_JSON_ERROR;
    }
    if (byte < 0) {
        return fail(json, "byte %llu: the file ends where %s should be", offset, wanted);
    }
    if (byte > 0x20 && byte < 0x7f) {
        return fail(json, "byte %llu: '%c' where %s should be", offset, byte, wanted);
    }
    return fail(json, "byte %llu: byte 0x%02x where %s should be", offset, byte, wanted);
}

static int next_after_space(struct ct_json_in *json)
{
    int byte;
    while ((byte = peek(json)) == ' ' || byte == '\n' || byte == '\r' || byte == '\t') {
        json->at++;
    }
    return byte;
}

/* ---- Texts ---- */

/* Put the NUL behind it. */
static enum ct_json_token end_text(struct ct_json_in *json, enum ct_json_token token)
{
    ct_bytes_add_byte(&json->text, '\0');
    if (json->text.failed) {
        return fail(json, "out of memory");
    }
    json->text.size--;
    return token;
}

static int hex_value(int byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    int letter = byte | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The four digits of \uXXXX; -1: failed. */
static int read_unit(struct ct_json_in *json)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(peek(json));
        if (digit < 0) {
            fail_here(json, "a hexadecimal digit");
            return -1;
        }
        unit = unit << 4 | digit;
        json->at++;
    }
    return unit;
}

static void add_character(struct ct_bytes *text, uint32_t code)
{
    uint8_t bytes[4];
    size_t size = 0;
    if (code < 0x80) {
        bytes[size++] = (uint8_t)code;
    } else if (code < 0x800) {
        bytes[size++] = (uint8_t)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        bytes[size++] = (uint8_t)(0xe0 | code >> 12);
        bytes[size++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    } else {
        bytes[size++] = (uint8_t)(0xf0 | code >> 18);
        bytes[size++] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        bytes[size++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    if (code >= 0x80) {
        bytes[size++] = (uint8_t)(0x80 | (code & 0x3f));
    }
    ct_bytes_add(text, bytes, size);
}

/* A high surrogate that was written just before becomes one character with this low one. */
static void add_unit(struct ct_json_in *json, uint32_t unit, uint32_t *high)
{
    if (*high != 0 && (unit & 0xfc00) == 0xdc00) {
        json->text.size -= 3;
        unit = 0x10000 + ((*high & 0x3ff) << 10 | (unit & 0x3ff));
    }
    *high = (unit & 0xfffffc00) == 0xd800 ? unit : 0;
    add_character(&json->text, unit);
}

/* Behind the backslash. */
static bool read_escape(struct ct_json_in *json, uint32_t *high)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    int byte = peek(json);
    if (byte == 'u') {
        json->at++;
        int unit = read_unit(json);
        if (unit >= 0) {
            add_unit(json, (uint32_t)unit, high);
        }
        return unit >= 0;
    }
    const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
    if (letter == NULL) {
        fail_here(json, "an escape");
        return false;
    }
    json->at++;
    *high = 0;
    ct_bytes_add_byte(&json->text, (uint8_t)meant[letter - letters]);
    return true;
}

/* Take bytes as they are, up to the next that means something. */
static void take_plain(struct ct_json_in *json)
{
    const uint8_t *start = json->at;
    while (json->at < json->end && *json->at >= 0x20 && *json->at < 0x80 && *json->at != '"' &&
           *json->at != '\\') {
        json->at++;
    }
    ct_bytes_add(&json->text, start, (size_t)(json->at - start));
}

/* One character that is not ASCII; it may lie across two windows. */
static bool take_wide(struct ct_json_in *json)
{
    uint8_t bytes[4];
    size_t size = 0;
    uint64_t offset = here(json);
    do {
        int byte = peek(json);
        if (byte < 0x80 || (size > 0 && byte >= 0xc0)) {
            break;
        }
        bytes[size++] = (uint8_t)byte;
        json->at++;
    } while (ct_utf8_length(bytes, size) == 0 && size < sizeof bytes);
    if (is_failed(json)) {
        return false;
    }
    if (size == 0 || ct_utf8_length(bytes, size) != size) {
        fail(json, "byte %llu: text that is not UTF-8", (unsigned long long)offset);
        return false;
    }
    ct_bytes_add(&json->text, bytes, size);
    return true;
}

/* Behind the opening quote. */
static enum ct_json_token read_text(struct ct_json_in *json, enum ct_json_token token)
{
    uint32_t high = 0;
    json->text.size = 0;
    for (;;) {
        int byte = peek(json);
        if (byte == '"') {
            json->at++;
            return end_text(json, token);
        }
        if (byte == '\\') {
            json->at++;
            if (!read_escape(json, &high)) {
                return CT_JSON_ERROR;
            }
        } else if (byte >= 0x80) {
            high = 0;
            if (!take_wide(json)) {
                return CT_JSON_ERROR;
            }
        } else if (byte >= 0x20) {
            high = 0;
            take_plain(json);
        } else {
            return fail_here(json, byte < 0 ? "the end of a text" : "a character of a text");
        }
        if (json->text.size > json->text_max) {
            return fail(json, "byte %llu: a text of more than %zu bytes",
                        (unsigned long long)json->offset, json->text_max);
        }
    }
}

/* ---- Numbers and words ---- */

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* False: there is none, where one must be, or there are too many. */
static bool take_digits(struct ct_json_in *json)
{
    if (!is_digit(peek(json))) {
        fail_here(json, "a digit");
        return false;
    }
    while (is_digit(peek(json))) {
        if (json->text.size > json->text_max) {
            fail(json, "byte %llu: a number of more than %zu bytes",
                 (unsigned long long)json->offset, json->text_max);
            return false;
        }
        ct_bytes_add_byte(&json->text, *json->at++);
    }
    return !is_failed(json);
}

static bool take_if(struct ct_json_in *json, int a, int b)
{
    int byte = peek(json);
    bool is_taken = byte >= 0 && (byte == a || byte == b);
    if (is_taken) {
        ct_bytes_add_byte(&json->text, *json->at++);
    }
    return is_taken;
}

static enum ct_json_token read_number(struct ct_json_in *json)
{
    json->text.size = 0;
    take_if(json, '-', '-');
    if (take_if(json, '0', '0')) {
        if (is_digit(peek(json))) {
            return fail_here(json, "the end of a number that begins with 0");
        }
    } else if (!take_digits(json)) {
        return CT_JSON_ERROR;
    }
    if (take_if(json, '.', '.') && !take_digits(json)) {
        return CT_JSON_ERROR;
    }
    if (take_if(json, 'e', 'E')) {
        take_if(json, '+', '-');
        if (!take_digits(json)) {
            return CT_JSON_ERROR;
        }
    }
    return end_text(json, CT_JSON_NUMBER);
}

static enum ct_json_token read_word(struct ct_json_in *json, const char *word,
                                    enum ct_json_token token)
{
    for (const char *letter = word; *letter != '\0'; letter++) {
        if (peek(json) != *letter) {
            return fail_here(json, word);
        }
        json->at++;
    }
    return token;
}

/* ---- Structure ---- */

static void after_value(struct ct_json_in *json)
{
    if (!is_failed(json)) {
        json->expected = json->depth == 0 ? END_OF_DOCUMENT : COMMA_OR_END;
    }
}

static enum ct_json_token open_container(struct ct_json_in *json, bool is_object)
{
    if (json->depth == CT_JSON_DEPTH_MAX) {
        return fail(json, "byte %llu: nested more than %d levels deep",
                    (unsigned long long)json->offset, CT_JSON_DEPTH_MAX);
    }
    json->at++;
    json->is_object[json->depth++] = is_object;
    json->expected = is_object ? KEY_OR_END : VALUE_OR_END;
    return is_object ? CT_JSON_OBJECT : CT_JSON_ARRAY;
}

static enum ct_json_token close_container(struct ct_json_in *json)
{
    bool is_object = json->is_object[--json->depth];
    json->at++;
    after_value(json);
    return is_object ? CT_JSON_OBJECT_END : CT_JSON_ARRAY_END;
}

static enum ct_json_token read_scalar(struct ct_json_in *json, int byte)
{
    switch (byte) {
    case '"':
        json->at++;
        return read_text(json, CT_JSON_TEXT);
    case 't':
        return read_word(json, "true", CT_JSON_TRUE);
    case 'f':
        return read_word(json, "false", CT_JSON_FALSE);
    case 'n':
        return read_word(json, "null", CT_JSON_NULL);
    default:
        return byte == '-' || is_digit(byte) ? read_number(json) : fail_here(json, "a value");
    }
}

static enum ct_json_token read_value(struct ct_json_in *json, int byte)
{
    if (byte == '{' || byte == '[') {
        return open_container(json, byte == '{');
    }
    enum ct_json_token token = read_scalar(json, byte);
    after_value(json);
    return token;
}

static enum ct_json_token read_key(struct ct_json_in *json, int byte)
{
    if (byte != '"') {
        return fail_here(json, "a key");
    }
    json->at++;
    enum ct_json_token token = read_text(json, CT_JSON_KEY);
    if (token == CT_JSON_ERROR || next_after_space(json) != ':') {
        return fail_here(json, "':'");
    }
    json->at++;
    json->expected = VALUE;
    return token;
}

enum ct_json_token ct_json_next(struct ct_json_in *json)
{
    int byte = is_failed(json) ? -1 : next_after_space(json);
    if (is_failed(json)) {
        return CT_JSON_ERROR;
    }
    bool is_in_object = json->depth > 0 && json->is_object[json->depth - 1];
    bool is_comma = json->expected == COMMA_OR_END && byte == ',';
    if (is_comma) {
        json->at++;
        byte = next_after_space(json);
    }
    json->offset = here(json);
    if (json->expected == END_OF_DOCUMENT) {
        return byte < 0 && !is_failed(json) ? CT_JSON_END
                                            : fail_here(json, "the end of the document");
    }
    bool may_end = json->expected != VALUE && !is_comma;
    if (may_end && byte == (is_in_object ? '}' : ']')) {
        return close_container(json);
    }
    if (json->expected == COMMA_OR_END && !is_comma) {
        return fail_here(json, is_in_object ? "',' or '}'" : "',' or ']'");
    }
    bool wants_key = json->expected == KEY_OR_END || (is_comma && is_in_object);
    return wants_key ? read_key(json, byte) : read_value(json, byte);
}

bool ct_json_skip(struct ct_json_in *json, enum ct_json_token token)
{
    bool is_container = token == CT_JSON_OBJECT || token == CT_JSON_ARRAY;
    unsigned outside = json->depth - is_container;
    while (token != CT_JSON_ERROR && json->depth > outside) {
        token = ct_json_next(json);
    }
    return token != CT_JSON_ERROR;
}

bool ct_json_is(const struct ct_json_in *json, const char *word)
{
    return json->text.size == strlen(word) && memcmp(json->text.data, word, json->text.size) == 0;
}

bool ct_json_integer(const struct ct_json_in *json, int64_t *value)
{
    const char *text = (const char *)json->text.data;
    char *end;
    if (json->text.size == 0) {
        return false;
    }
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}
