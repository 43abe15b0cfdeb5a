/* What is UTF-8 and what is not. Overlong forms, surrogates and what is beyond Unicode are not. */
#ifndef CT_BASE_UTF8_H
#define CT_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `at`, of which `left` (not 0) are there; 0: it is none. */
size_t ct_utf8_length(const uint8_t *at, size_t left);

/* Bytes from the start that are UTF-8. */
size_t ct_utf8_prefix(const uint8_t *at, size_t size);

#endif
