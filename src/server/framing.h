/* The base protocol under DAP: header lines, an empty line, then as many bytes of JSON as
 * Content-Length says. Bytes arrive in pieces of any size. */
#ifndef CT_SERVER_FRAMING_H
#define CT_SERVER_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    SV_MAX_MESSAGE = 4 << 20,   /* bytes of one message from a client */
    SV_MAX_FRAME_HEADER = 4096, /* bytes of the header lines before it */
};

/* Starts from `{0}`. */
struct sv_framing {
    struct ct_bytes bytes; /* that have arrived */
    size_t start;          /* of what has not been given out */
};

void sv_framing_clear(struct sv_framing *framing);

/* Take bytes that have arrived. What was given out before is gone. */
void sv_framing_add(struct sv_framing *framing, const void *data, size_t size);

/* The next whole message, borrowed until the next sv_framing_add(); `*json` is NULL when more
 * bytes are needed. CT_EFORMAT, CT_ELIMIT: nobody can say where the next message begins. */
int sv_framing_next(struct sv_framing *framing, const char **json, size_t *size,
                    struct ct_error *error);

/* Whether the bytes end in the middle of a message. */
bool sv_framing_is_partial(const struct sv_framing *framing);

#endif
