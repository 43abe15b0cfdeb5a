/* The debugger's server: the window and the debug adapter over HTTP, for this machine alone.
 *
 * One event loop owns every connection; a few threads run the requests. A session is one client's
 * view of a recording; sessions share the recordings. docs/reference/server.md has the protocol,
 * the limits, and who is let in. */
#ifndef CT_SERVER_SERVER_H
#define CT_SERVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct sv_options {
    const char *directory; /* of the recording that is served; NULL: none, the window lists them */
    const char *address;   /* to listen at; NULL: loopback */
    uint16_t port;         /* 0: one that is free */
    uint16_t wished_port;  /* taken where it is free, if `port` is 0; 0: none */
    const char *web;       /* serve the window from this folder; NULL: the embedded one */
    uint64_t idle_ms;      /* end after so long without a client; 0: never */
};

struct sv_server;

/* Open the recording and listen. Requests are answered by sv_server_run(). */
int sv_server_new(struct sv_server **server, const struct sv_options *options,
                  struct ct_error *error);
void sv_server_free(struct sv_server *server);

uint16_t sv_server_port(const struct sv_server *server);
const char *sv_server_token(const struct sv_server *server);
/* What to open in a browser: with the token behind '#', which is sent to nobody. */
const char *sv_server_url(const struct sv_server *server);

/* A path that a browser can be started with, though others see it: it opens the window once, and
 * soon. The caller frees; NULL: there are no random numbers. */
char *sv_server_open_path(struct sv_server *server);

/* Whether the window is part of this `ct`, or comes from a folder. */
bool sv_server_has_window(const struct sv_server *server);

/* Serve until SIGINT, SIGTERM, SIGHUP, or too long without a client. A second signal ends the
 * process. */
int sv_server_run(struct sv_server *server, struct ct_error *error);

#endif
