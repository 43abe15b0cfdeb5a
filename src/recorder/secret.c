#include "recorder/secret.h"

#include <stdlib.h>

enum {
    WORD = 1, /* letters, digits, underscore */
    DIGIT = 2,
    TOKEN = 4,  /* of base64url: WORD and '-' */
    BEGINS = 8, /* something looked for begins with it */
};

/* ---- tokens
 * ---------------------------------------------------------------------------------------- */

static const struct token_kind { /* those of one first character stand together */
    const char *prefix;
    uint8_t least; /* characters of base64url behind it */
} token_kinds[] = {
    {"AIza", 35},     {"AKIA", 16},        {"ASIA", 16},     {"SG.", 16},    {"dckr_pat_", 20},
    {"dop_v1_", 40},  {"ghp_", 30},        {"gho_", 30},     {"ghu_", 30},   {"ghs_", 30},
    {"ghr_", 30},     {"github_pat_", 22}, {"glpat-", 20},   {"hf_", 30},    {"npm_", 30},
    {"pypi-", 50},    {"rk_live_", 16},    {"shpat_", 30},   {"sk-", 40},    {"sk-ant-", 20},
    {"sk-proj-", 20}, {"sk_live_", 16},    {"sk_test_", 16}, {"whsec_", 24}, {"xapp-", 20},
    {"xoxa-", 16},    {"xoxb-", 16},       {"xoxp-", 16},    {"xoxr-", 16},  {"xoxs-", 16},
    {"ya29.", 20},
};

enum { TOKEN_KINDS = sizeof token_kinds / sizeof token_kinds[0] };

static uint8_t classes[256];  /* of bytes; filled on first use */
static uint8_t kinds_of[256]; /* the first kind of token that begins with it */

static void fill_classes(void)
{
    for (int c = 0; c < 256; c++) {
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c >= 0x80;
        bool is_token = (is_word && c < 0x80) || c == '-';
        classes[c] = (uint8_t)((is_word ? WORD : 0) | (c >= '0' && c <= '9' ? DIGIT | BEGINS : 0) |
                               (is_token ? TOKEN : 0));
    }
    for (int i = TOKEN_KINDS - 1; i >= 0; i--) {
        classes[(uint8_t)token_kinds[i].prefix[0]] |= BEGINS;
        kinds_of[(uint8_t)token_kinds[i].prefix[0]] = (uint8_t)i;
    }
    classes['-'] |= BEGINS; /* -----BEGIN */
    classes['e'] |= BEGINS; /* eyJ */
    classes[':'] |= BEGINS; /* :// */
}

static bool starts(const uint8_t *at, const uint8_t *end, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(end - at) >= size && memcmp(at, word, size) == 0;
}

static size_t token_length(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *from = at;
    while (at < end && (classes[*at] & TOKEN)) {
        at++;
    }
    return (size_t)(at - from);
}

static bool is_known_token(const uint8_t *at, const uint8_t *end)
{
    const struct token_kind *last = token_kinds + TOKEN_KINDS;
    const struct token_kind *kind = token_kinds + kinds_of[*at];
    for (; kind < last && kind->prefix[0] == (char)*at; kind++) {
        if (starts(at, end, kind->prefix) &&
            token_length(at + strlen(kind->prefix), end) >= kind->least) {
            return true;
        }
    }
    return false;
}

/* header.payload.signature, the header a JSON object, the signature perhaps missing. */
static bool is_web_token(const uint8_t *at, const uint8_t *end)
{
    enum { LEAST = 10 };
    if (!starts(at, end, "eyJ")) {
        return false;
    }
    for (int part = 0; part < 2; part++) {
        size_t length = token_length(at, end);
        at += length;
        if (length < LEAST || at == end || *at++ != '.') {
            return false;
        }
    }
    return true;
}

/* ---- the others
 * ------------------------------------------------------------------------------------ */

static bool is_private_key(const uint8_t *at, const uint8_t *end)
{
    enum { TITLE = 48 };
    if (!starts(at, end, "-----BEGIN ")) {
        return false;
    }
    for (int i = 0; i < TITLE && at < end; i++, at++) {
        if (starts(at, end, "PRIVATE KEY")) {
            return true;
        }
    }
    return false;
}

/* Lengths and first digits that are given out: other numbers pass the check by chance. */
static bool is_card_range(const uint8_t *digits, int count)
{
    int two = digits[0] * 10 + digits[1], four = two * 100 + digits[2] * 10 + digits[3];
    if (digits[0] == 4) {
        return count == 13 || count == 16 || count == 19;
    }
    if (two == 34 || two == 37) {
        return count == 15;
    }
    if (two == 30 || two == 36 || two == 38 || two == 39) {
        return count == 14;
    }
    bool is_issued = (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) || four == 6011 ||
                     two == 62 || two == 65 || (four >= 6440 && four <= 6499) ||
                     (four >= 3528 && four <= 3589);
    return is_issued && count == 16;
}

static bool has_right_check_digit(const uint8_t *digits, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int weighed = digits[count - 1 - i] << (i & 1);
        sum += weighed > 9 ? weighed - 9 : weighed;
    }
    return sum % 10 == 0;
}

/* Digits, perhaps in groups with one space or dash between them. Moves behind them. */
static bool take_card_number(const uint8_t **from, const uint8_t *end)
{
    enum { MOST = 19 };
    uint8_t digits[MOST + 1];
    int count = 0;
    const uint8_t *at = *from;
    for (; at < end; at++) {
        bool is_gap = (*at == ' ' || *at == '-') && at + 1 < end && (classes[at[1]] & DIGIT);
        if (classes[*at] & DIGIT) {
            digits[count < MOST ? count : MOST] = (uint8_t)(*at - '0');
            count += count <= MOST;
        } else if (!is_gap) {
            break;
        }
    }
    *from = at;
    bool is_alone = at == end || (!(classes[*at] & WORD) &&
                                  !(*at == '.' && at + 1 < end && (classes[at[1]] & DIGIT)));
    return is_alone && count <= MOST && count >= 13 && is_card_range(digits, count) &&
           has_right_check_digit(digits, count);
}

/* scheme://user:password@host, the password not masked already. */
static bool is_url_with_password(const uint8_t *at, const uint8_t *end)
{
    if (!starts(at, end, "://")) {
        return false;
    }
    const uint8_t *colon = NULL;
    bool is_masked = true;
    for (at += 3; at<end && * at> ' ' && *at != '/' && *at != '"' && *at != '\''; at++) {
        if (*at == '@') {
            return colon != NULL && at > colon + 1 && !is_masked;
        }
        if (colon == NULL) {
            colon = *at == ':' ? at : NULL;
        } else {
            is_masked = is_masked && *at == '*';
        }
    }
    return false;
}

/* ---- looking
 * --------------------------------------------------------------------------------------- */

static bool is_secret(const uint8_t *at, const uint8_t *end)
{
    return is_known_token(at, end) || is_web_token(at, end) || is_private_key(at, end) ||
           is_url_with_password(at, end);
}

static const uint8_t *word_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (classes[*at] & WORD)) {
        at++;
    }
    return at;
}

/* What begins with a letter or digit begins a word. */
bool secret_in_bytes(const uint8_t *text, size_t size)
{
    if (classes['0'] == 0) {
        fill_classes();
    }
    const uint8_t *at = text, *end = text + size;
    while (at < end) {
        uint8_t class = classes[*at];
        if ((class & DIGIT) != 0) {
            bool is_fraction = at > text && at[-1] == '.';
            if (take_card_number(&at, end) && !is_fraction) {
                return true;
            }
        } else if ((class & BEGINS) != 0 && is_secret(at, end)) {
            return true;
        } else {
            at++;
        }
        at = (class & WORD) != 0 ? word_end(at, end) : at;
    }
    return false;
}

/* What is no ASCII is part of no secret, whatever it is. */
static bool in_wide_text(PyObject *text, Py_ssize_t length)
{
    enum { OTHER = 0x80 };
    uint8_t *narrow = malloc((size_t)length);
    if (narrow == NULL) {
        return true;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        narrow[i] = c < OTHER ? (uint8_t)c : OTHER;
    }
    bool found = secret_in_bytes(narrow, (size_t)length);
    free(narrow);
    return found;
}

bool secret_in_text(PyObject *text, uint64_t limit)
{
    enum { BEYOND = 256 }; /* what begins before the cut is known by what is behind it */
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (limit != 0 && (uint64_t)length > limit + BEYOND) {
        length = (Py_ssize_t)limit + BEYOND;
    }
    return PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND
               ? secret_in_bytes(PyUnicode_1BYTE_DATA(text), (size_t)length)
               : in_wide_text(text, length);
}
