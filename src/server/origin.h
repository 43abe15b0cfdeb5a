/* Who may talk to the server: a page that came from it, under a name that only this machine can
 * have. A page of another site is refused by its Origin; one whose name was made to point here (DNS
 * rebinding), by its Host. */
#ifndef CT_SERVER_ORIGIN_H
#define CT_SERVER_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `host` (the header's value, may be NULL) names this server: `localhost`, a loopback
 * address or `local`, the address the client reached, with our port. */
bool sv_host_is_ours(const char *host, const char *local, uint16_t port);

/* Whether a request with this Origin (NULL: it has none) may come from our own page. */
bool sv_origin_is_ours(const char *origin, const char *local, uint16_t port);

#endif
