#include "base/json_find.h"

#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* The start of the next string's content at or after `at`, or NULL. Outside strings JSON has no
 * backslashes, so a walk from quote to quote never mistakes content for structure. */
static const char *next_string(const char *at)
{
    const char *quote = strchr(at, '"');
    return quote == NULL ? NULL : quote + 1;
}

/* The closing quote of the string whose content starts at `at`, or NULL. */
static const char *string_end(const char *at)
{
    while (*at != '\0' && *at != '"') {
        at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return *at == '"' ? at : NULL;
}

static char unescape(const char **at)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *(*at)++;
    if (letter == 'u') {
        char digits[5] = {0};
        memcpy(digits, *at, strnlen(*at, 4));
        *at += strlen(digits);
        unsigned long unit = strtoul(digits, NULL, 16);
        return unit > 0 && unit < 128 ? (char)unit : '?';
    }
    const char *found = strchr(letters, letter);
    return found == NULL ? '?' : meanings[found - letters];
}

static bool copy_text(const char *at, const char *end, char *text, size_t capacity)
{
    size_t used = 0;
    while (at < end) {
        if (used + 1 >= capacity) {
            text[used] = '\0';
            return false;
        }
        char byte = *at++;
        text[used++] = byte == '\\' ? unescape(&at) : byte;
    }
    text[used] = '\0';
    return true;
}

bool ct_json_find_text(const char *json, const char *key, char *text, size_t capacity)
{
    size_t key_size = strlen(key);
    const char *start = next_string(json);
    while (start != NULL) {
        const char *end = string_end(start);
        if (end == NULL) {
            return false;
        }
        const char *after = skip_space(end + 1);
        bool is_key =
            *after == ':' && (size_t)(end - start) == key_size && memcmp(start, key, key_size) == 0;
        if (is_key && *(after = skip_space(after + 1)) == '"') {
            const char *value_end = string_end(after + 1);
            return value_end != NULL && copy_text(after + 1, value_end, text, capacity);
        }
        start = next_string(end + 1);
    }
    return false;
}
