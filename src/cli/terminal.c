#include "cli/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"

enum { DEFAULT_WIDTH = 80, LEAST_WIDTH = 20, MOST_WIDTH = 10000 };

unsigned terminal_width(FILE *file)
{
    struct winsize size;
    if (!isatty(fileno(file))) {
        return 0;
    }
    const char *asked = getenv("COLUMNS");
    long width = asked == NULL ? 0 : strtol(asked, NULL, 10);
    if (width <= 0 && ioctl(fileno(file), TIOCGWINSZ, &size) == 0) {
        width = size.ws_col;
    }
    return width <= 0 || width > MOST_WIDTH ? DEFAULT_WIDTH
           : width < LEAST_WIDTH            ? LEAST_WIDTH
                                            : (unsigned)width;
}

bool terminal_has_color(FILE *file)
{
    const char *none = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(file)) && (none == NULL || none[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

/* ---- How wide a text is ---- */

/* Characters of East Asian scripts and pictures take two columns. */
static const struct {
    uint32_t first, last;
} wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};

static uint32_t code_of(const uint8_t *at, size_t length)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = at[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        code = code << 6 | (at[i] & 0x3fu);
    }
    return code;
}

static size_t columns_of(uint32_t code)
{
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code >= wide[i].first && code <= wide[i].last) {
            return 2;
        }
    }
    return 1;
}

/* The character at `at`: its bytes (what is not UTF-8 comes byte by byte), and its columns. */
static size_t character(const uint8_t *at, size_t left, size_t *columns)
{
    size_t length = ct_utf8_length(at, left);
    *columns = length == 0 ? 1 : columns_of(code_of(at, length));
    return length == 0 ? 1 : length;
}

/* Columns that a text in UTF-8 takes. */
static size_t text_columns(const void *text, size_t size)
{
    const uint8_t *at = text;
    size_t total = 0;
    size_t columns;
    for (size_t done = 0; done < size; total += columns) {
        done += character(at + done, size - done, &columns);
    }
    return total;
}

/* ---- Cutting ---- */

#define ELLIPSIS "\xe2\x80\xa6"

/* Bytes from the start that fit into `room` columns. */
static size_t fitting_start(const struct ct_bytes *text, size_t room)
{
    size_t columns;
    size_t done = 0;
    while (done < text->size) {
        size_t length = character(text->data + done, text->size - done, &columns);
        if (columns > room) {
            break;
        }
        room -= columns;
        done += length;
    }
    return done;
}

/* Where what fits at the end begins. */
static size_t fitting_end(const struct ct_bytes *text, size_t room)
{
    size_t total = text_columns(text->data, text->size);
    size_t done = 0;
    while (done < text->size && total > room) {
        size_t columns;
        done += character(text->data + done, text->size - done, &columns);
        total -= columns;
    }
    return done;
}

static void add_cut(const struct ct_bytes *text, size_t columns, enum terminal_cut cut,
                    struct ct_bytes *to)
{
    if (cut == CUT_END) {
        ct_bytes_add(to, text->data, fitting_start(text, columns - 1));
        ct_bytes_add_text(to, ELLIPSIS);
    } else {
        size_t start = fitting_end(text, columns - 1);
        ct_bytes_add_text(to, ELLIPSIS);
        ct_bytes_add(to, text->data + start, text->size - start);
    }
}

void terminal_fit(const struct ct_bytes *text, size_t columns, enum terminal_cut cut,
                  bool is_padded, struct ct_bytes *to)
{
    size_t start = to->size;
    if (columns == 0 || text_columns(text->data, text->size) <= columns) {
        ct_bytes_add(to, text->data, text->size);
    } else {
        add_cut(text, columns, cut, to);
    }
    size_t used = to->failed ? columns : text_columns(to->data + start, to->size - start);
    for (; is_padded && used < columns; used++) {
        ct_bytes_add_byte(to, ' ');
    }
}
