/* The secret that a request must bring, and other names nobody can guess. */
#ifndef CT_SERVER_TOKEN_H
#define CT_SERVER_TOKEN_H

#include <stdbool.h>

#include "base/status.h"

enum { SV_TOKEN_TEXT_BYTES = 2 * 16 + 1 }; /* 128 bits, in hexadecimal digits, and the NUL */

int sv_token_make(char token[SV_TOKEN_TEXT_BYTES], struct ct_error *error);

/* Whether `given` (may be NULL) is the token. How long it takes does not tell where they differ. */
bool sv_token_is(const char token[SV_TOKEN_TEXT_BYTES], const char *given);

#endif
