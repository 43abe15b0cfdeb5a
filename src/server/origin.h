/* Who may talk to the server: a page that came from it, under a name that only this machine can
 * have. A page of another site is refused by its Origin; one whose name was made to point here (DNS
 * rebinding), by its Host. */
#ifndef CT_SERVER_ORIGIN_H
#define CT_SERVER_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

/* Where the server is, as a client may call it. */
struct sv_place {
    uint16_t port;
    const char *reached; /* the address that was connected to; NULL: not known */
    const char *bound;   /* what the user said to listen at; NULL: nothing */
};

/* Whether `host` (the header's value, may be NULL) is `localhost`, a loopback address or one of the
 * place's, with its port. */
bool sv_host_is_ours(const char *host, const struct sv_place *place);

/* Whether a request with this Origin (NULL: it has none) may come from our own page. */
bool sv_origin_is_ours(const char *origin, const struct sv_place *place);

#endif
