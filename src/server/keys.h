/* Keys that open the window once: a browser is started with a URL that others can see (in the list
 * of processes), so the URL holds no token but a key that is worth nothing when it was used. */
#ifndef CT_SERVER_KEYS_H
#define CT_SERVER_KEYS_H

#include <stdbool.h>
#include <time.h>

#include "server/token.h"

enum {
    SV_MAX_KEYS = 8, /* that wait; a further one takes the oldest's place */
    SV_KEY_SECONDS = 60,
};

struct sv_keys {
    struct {
        char text[SV_TOKEN_TEXT_BYTES]; /* "": used */
        time_t until;
    } all[SV_MAX_KEYS];
    unsigned next;
};

/* Make a key; it stays here. NULL: the system has no random numbers. */
const char *sv_keys_make(struct sv_keys *keys, time_t now);

/* Whether it is one that waits; from now on it is none. */
bool sv_keys_take(struct sv_keys *keys, const char *key, time_t now);

#endif
