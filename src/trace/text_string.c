/* str and bytes as Python's repr writes them. */
#include "trace/text_internal.h"
#include "trace/unprintable.h"

static const char hex[] = "0123456789abcdef";

/* Escape sequence of `width` digits: \xXX, \uXXXX, \UXXXXXXXX. */
static void add_escape(struct ct_bytes *to, char letter, int width, uint32_t code)
{
    char text[10] = {'\\', letter};
    for (int i = 0; i < width; i++) {
        text[2 + i] = hex[code >> (4 * (width - 1 - i)) & 15];
    }
    ct_bytes_add(to, text, (size_t)2 + (size_t)width);
}

static void add_code_escape(struct ct_bytes *to, uint32_t code)
{
    if (code <= 0xff) {
        add_escape(to, 'x', 2, code);
    } else if (code <= 0xffff) {
        add_escape(to, 'u', 4, code);
    } else {
        add_escape(to, 'U', 8, code);
    }
}

/* Python prefers ' and takes " when that saves escapes. */
static char choose_quote(const uint8_t *text, size_t size)
{
    bool has_single = memchr(text, '\'', size) != NULL;
    return has_single && memchr(text, '"', size) == NULL ? '"' : '\'';
}

/* The escape an ASCII byte needs in both str and bytes; false when it stands for itself. */
static bool add_ascii_escape(struct ct_bytes *to, uint8_t byte, char quote)
{
    char letter = 0;
    switch (byte) {
    case '\t':
        letter = 't';
        break;
    case '\n':
        letter = 'n';
        break;
    case '\r':
        letter = 'r';
        break;
    case '\\':
        letter = '\\';
        break;
    default:
        if (byte == (uint8_t)quote) {
            letter = quote;
        } else if (byte < 0x20 || byte == 0x7f) {
            add_escape(to, 'x', 2, byte);
            return true;
        } else {
            return false;
        }
    }
    ct_bytes_add_byte(to, '\\');
    ct_bytes_add_byte(to, (uint8_t)letter);
    return true;
}

static bool is_printable(uint32_t code)
{
    size_t low = 0;
    size_t high = sizeof unprintable / sizeof unprintable[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > unprintable[middle][1]) {
            low = middle + 1;
        } else if (code >= unprintable[middle][0]) {
            return false;
        } else {
            high = middle;
        }
    }
    return true;
}

/* Decode one character of WTF-8 that is not ASCII. A byte that is not part of one counts as the
 * lone surrogate Python's surrogateescape makes of it. Returns its length. */
static size_t decode(const uint8_t *at, const uint8_t *end, uint32_t *code)
{
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t value = at[0] & (0xffu >> (length + 1));
    bool is_valid = at[0] >= 0xc2 && at[0] <= 0xf4 && (size_t)(end - at) >= length;
    for (size_t i = 1; is_valid && i < length; i++) {
        is_valid = (at[i] & 0xc0) == 0x80;
        value = value << 6 | (at[i] & 0x3f);
    }
    if (!is_valid || value < least[length] || value > 0x10ffff) {
        *code = 0xdc00u | at[0];
        return 1;
    }
    *code = value;
    return length;
}

/* The characters between repr's quotes. Without a quote (0) the text is no literal: a backslash
 * stands for itself. */
static void add_escaped(const uint8_t *text, size_t size, char quote, struct ct_bytes *to)
{
    const uint8_t *end = text + size;
    const uint8_t *plain = text; /* start of what goes out as it is */
    for (const uint8_t *at = text; at < end;) {
        size_t length = 1;
        uint32_t code = *at;
        bool is_plain =
            code >= 0x20 && code < 0x7f && (quote == 0 || (code != (uint8_t)quote && code != '\\'));
        if (code >= 0x80) {
            length = decode(at, end, &code);
            is_plain = is_printable(code);
        }
        if (!is_plain) {
            ct_bytes_add(to, plain, (size_t)(at - plain));
            if (code >= 0x80) {
                add_code_escape(to, code);
            } else {
                add_ascii_escape(to, (uint8_t)code, quote);
            }
            plain = at + length;
        }
        at += length;
    }
    ct_bytes_add(to, plain, (size_t)(end - plain));
}

void ctr_text_str(const uint8_t *text, size_t size, struct ct_bytes *to)
{
    char quote = size > 0 ? choose_quote(text, size) : '\'';
    ct_bytes_add_byte(to, (uint8_t)quote);
    add_escaped(text, size, quote, to);
    ct_bytes_add_byte(to, (uint8_t)quote);
}

void ctr_text_line(const uint8_t *text, size_t size, struct ct_bytes *to)
{
    add_escaped(text, size, 0, to);
}

static void add_bytes(const uint8_t *bytes, size_t size, bool is_array, struct ct_bytes *to)
{
    char quote = size > 0 ? choose_quote(bytes, size) : '\'';
    ct_bytes_add_byte(to, 'b');
    ct_bytes_add_byte(to, (uint8_t)quote);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x80) {
            add_escape(to, 'x', 2, bytes[i]);
        } else if (is_array && bytes[i] == '\'') {
            ct_bytes_add_text(to, "\\'");
        } else if (!add_ascii_escape(to, bytes[i], quote)) {
            ct_bytes_add_byte(to, bytes[i]);
        }
    }
    ct_bytes_add_byte(to, (uint8_t)quote);
}

void ctr_text_bytes(const uint8_t *bytes, size_t size, struct ct_bytes *to)
{
    add_bytes(bytes, size, false, to);
}

void ctr_text__bytearray(const uint8_t *bytes, size_t size, struct ct_bytes *to)
{
    add_bytes(bytes, size, true, to);
}
