/* Find one text in a small JSON document that is known to be well-formed.
 *
 * Good for a key that occurs once, such as an identifier in a metadata file. It does not validate
 * the document, so the caller checks what it gets. */
#ifndef CT_BASE_JSON_FIND_H
#define CT_BASE_JSON_FIND_H

#include <stdbool.h>
#include <stddef.h>

/* Copy the text of the first member named `key` whose value is a string. False when there is none
 * (`text` is untouched), or it does not fit into `capacity` bytes with its NUL (`text` is cut).
 * Escapes above \u007f become '?'. */
bool ct_json_find_text(const char *json, const char *key, char *text, size_t capacity);

#endif
