#include "server/token.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

int sv_token_make(char token[SV_TOKEN_TEXT_BYTES], struct ct_error *error)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[(SV_TOKEN_TEXT_BYTES - 1) / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return ct_fail_errno(error, "the system has no random numbers");
    }
    for (size_t i = 0; i < sizeof random; i++) {
        token[2 * i] = digits[random[i] >> 4];
        token[2 * i + 1] = digits[random[i] & 15];
    }
    token[2 * sizeof random] = '\0';
    return CT_OK;
}

bool sv_token_is(const char token[SV_TOKEN_TEXT_BYTES], const char *given)
{
    if (given == NULL || strlen(given) != SV_TOKEN_TEXT_BYTES - 1) {
        return false;
    }
    volatile uint8_t difference = 0; /* every byte is compared, whatever the compiler thinks */
    for (size_t i = 0; i < SV_TOKEN_TEXT_BYTES - 1; i++) {
        difference = (uint8_t)(difference | (token[i] ^ given[i]));
    }
    return difference == 0;
}
