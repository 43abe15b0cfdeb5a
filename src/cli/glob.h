/* Patterns as a shell has them: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before what is meant as it is.
 *
 * fnmatch() goes by the locale, and in one of UTF-8 glibc takes a character for its bytes where it
 * does not match otherwise. */
#ifndef CT_CLI_GLOB_H
#define CT_CLI_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the whole text, UTF-8, matches. A byte that is no part of a character is one. */
bool cli_glob_matches(const char *glob, const char *text, size_t size);

#endif
