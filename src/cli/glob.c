#include "cli/glob.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

enum { NO_CHARACTER = 0x110000 }; /* a byte that is none is a number above */

struct reader {
    const uint8_t *at, *end;
};

static bool is_over(const struct reader *reader)
{
    return reader->at == reader->end;
}

static uint32_t take(struct reader *reader)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const uint8_t *at = reader->at;
    size_t length = ct_utf8_length(at, (size_t)(reader->end - at));
    if (length == 0) {
        reader->at++;
        return NO_CHARACTER + *at;
    }
    uint32_t code = at[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        code = code << 6 | (at[i] & 0x3fu);
    }
    reader->at += length;
    return code;
}

static bool take_if(struct reader *reader, char wanted)
{
    bool is_there = !is_over(reader) && *reader->at == (uint8_t)wanted;
    reader->at += is_there;
    return is_there;
}

/* The next character of a pattern, as it is when a `\` stands before it. */
static uint32_t take_literal(struct reader *glob)
{
    struct reader behind = *glob;
    if (take_if(&behind, '\\') && !is_over(&behind)) {
        *glob = behind;
    }
    return take(glob);
}

/* What stands behind the opening bracket, up to the closing one. False: there is none, and the
 * bracket is only a character. */
static bool take_set(struct reader *glob, uint32_t code, bool *is_match)
{
    bool is_negated = take_if(glob, '!') || take_if(glob, '^');
    bool is_first = true;
    *is_match = is_negated;
    while (!is_over(glob) && (is_first || *glob->at != ']')) {
        is_first = false;
        uint32_t low = take_literal(glob);
        uint32_t high = low;
        struct reader range = *glob;
        if (take_if(&range, '-') && !is_over(&range) && *range.at != ']') {
            high = take_literal(&range);
            *glob = range;
        }
        if (code >= low && code <= high) {
            *is_match = !is_negated;
        }
    }
    return take_if(glob, ']');
}

/* Take what stands for one character; whether it may be this one. */
static bool take_one(struct reader *glob, uint32_t code)
{
    bool is_match;
    if (take_if(glob, '?')) {
        return true;
    }
    struct reader set = *glob;
    if (take_if(&set, '[') && take_set(&set, code, &is_match)) {
        *glob = set;
        return is_match;
    }
    return take_literal(glob) == code;
}

bool cli_glob_matches(const char *pattern, const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    struct reader rest = {bytes, bytes + size};
    struct reader glob = {(const uint8_t *)pattern, (const uint8_t *)strchr(pattern, '\0')};
    struct reader star_rest = rest, star_glob = glob; /* where to go on if a longer `*` is needed */
    bool has_star = false;
    while (!is_over(&rest)) {
        if (take_if(&glob, '*')) {
            has_star = true;
            star_glob = glob;
            star_rest = rest;
            continue;
        }
        uint32_t code = take(&rest);
        if (!is_over(&glob) && take_one(&glob, code)) {
            continue;
        }
        if (!has_star) {
            return false;
        }
        take(&star_rest);
        rest = star_rest;
        glob = star_glob;
    }
    while (take_if(&glob, '*')) {
    }
    return is_over(&glob);
}
