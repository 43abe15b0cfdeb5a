#include "trace/source_text.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

enum { NAME_BYTES = 64, PIECE_BYTES = 4096 };

/* ---- which encoding ---- */

static const char *line_end(const char *at, const char *end)
{
    while (at < end && *at != '\n' && *at != '\r') {
        at++;
    }
    return at;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\f')) {
        at++;
    }
    return at;
}

static bool is_name_byte(char byte)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    return is_letter || (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-_.", byte));
}

/* The name behind "coding:" or "coding=" in a comment. False: there is none. */
static bool read_cookie(const char *at, const char *end, char name[NAME_BYTES])
{
    static const char word[] = "coding";
    size_t size = 0;
    while ((at = memmem(at, (size_t)(end - at), word, sizeof word - 1)) != NULL) {
        at += sizeof word - 1;
        if (at < end && (*at == ':' || *at == '=')) {
            at = skip_blanks(at + 1, end);
            while (at < end && is_name_byte(*at) && size < NAME_BYTES - 1) {
                name[size++] = *at == '_' ? '-' : *at;
                at++;
            }
            name[size] = '\0';
            return size > 0;
        }
    }
    return false;
}

/* On the first line or, behind a comment or nothing, on the second. */
static bool find_cookie(struct ctr_text bytes, char name[NAME_BYTES])
{
    const char *at = bytes.bytes, *end = at + bytes.size;
    for (unsigned line = 0; line < 2 && at < end; line++) {
        const char *stop = line_end(at, end);
        const char *first = skip_blanks(at, stop);
        if (first < stop && *first != '#') {
            return false;
        }
        if (read_cookie(first, stop, name)) {
            return true;
        }
        at = stop + (stop < end) + (end - stop > 1 && stop[0] == '\r' && stop[1] == '\n');
    }
    return false;
}

static bool begins(const char *name, const char *word)
{
    size_t size = strlen(word);
    return strncasecmp(name, word, size) == 0 && (name[size] == '\0' || name[size] == '-');
}

/* What iconv calls it; NULL: it is UTF-8. */
static const char *name_for_iconv(const char *name)
{
    static const struct {
        const char *python, *iconv;
    } names[] = {{"utf-8", NULL},           {"utf8", NULL},
                 {"latin-1", "ISO-8859-1"}, {"iso-8859-1", "ISO-8859-1"},
                 {"latin1", "ISO-8859-1"},  {"iso-latin-1", "ISO-8859-1"},
                 {"mac-roman", "MACINTOSH"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (begins(name, names[i].python)) {
            return names[i].iconv;
        }
    }
    return name;
}

/* ---- its text ---- */

static void convert(iconv_t with, struct ctr_text bytes, struct ct_bytes *to)
{
    char piece[PIECE_BYTES], *in = (char *)(uintptr_t)bytes.bytes;
    size_t left = bytes.size;
    while (left > 0 && !to->failed) {
        char *out = piece;
        size_t room = sizeof piece;
        bool is_whole = iconv(with, &in, &left, &out, &room) != (size_t)-1;
        ct_bytes_add(to, piece, sizeof piece - room);
        if (!is_whole && errno != E2BIG) { /* a byte without a meaning, or the end of half a one */
            ct_bytes_add_text(to, "\xef\xbf\xbd");
            in++;
            left--;
        }
    }
}

int ctr_source_text(struct ctr_text bytes, struct ctr_text *text, uint8_t **buffer)
{
    static const char mark[] = "\xef\xbb\xbf";
    char name[NAME_BYTES] = "";
    *text = bytes;
    *buffer = NULL;
    if (bytes.size >= sizeof mark - 1 && memcmp(bytes.bytes, mark, sizeof mark - 1) == 0) {
        text->bytes += sizeof mark - 1;
        text->size -= sizeof mark - 1;
        return CT_OK;
    }
    const char *encoding = find_cookie(bytes, name) ? name_for_iconv(name) : NULL;
    iconv_t with = encoding != NULL ? iconv_open("UTF-8", encoding) : (iconv_t)-1;
    if (with == (iconv_t)-1) {
        return CT_OK;
    }
    struct ct_bytes converted = {0};
    convert(with, bytes, &converted);
    iconv_close(with);
    if (converted.failed) {
        ct_bytes_free(&converted);
        return CT_ENOMEM;
    }
    if (converted.size > 0) {
        *text = (struct ctr_text){(const char *)converted.data, converted.size};
        *buffer = converted.data;
    }
    return CT_OK;
}
