/* Who is connected, found out by asking the system: how many there are, and who is slow.
 *
 * libevent bounds the silence between two bytes of a request; a client that sends one byte now and
 * then could stay for ever, and nothing bounds how many there are. */
#ifndef CT_SERVER_CONNECTIONS_H
#define CT_SERVER_CONNECTIONS_H

#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    SV_MAX_CONNECTIONS = 64, /* while there are so many, nobody is let in */
    SV_REQUEST_SECONDS = 60, /* to send a request, the pause before it included */
    SV_MAX_DESCRIPTORS = 256,
};

struct sv_connection {
    uint16_t peer; /* its port, 0: there is none on this descriptor */
    bool is_busy;  /* its request is being answered */
    time_t since;  /* it is connected, or was answered */
};

struct sv_connections {
    struct sv_connection all[SV_MAX_DESCRIPTORS]; /* by descriptor */
    uint16_t port;
    unsigned accepted;      /* since they were counted */
    bool is_closed;         /* nobody is let in */
    time_t request_seconds; /* SV_REQUEST_SECONDS, but in tests */
    struct evhttp *http;
};

/* The port at our end of a socket; 0: it has none. */
uint16_t sv_port_of(int fd);

void sv_connections_init(struct sv_connections *connections, struct evhttp *http, uint16_t port);

/* A request has come; it is over when it is answered. */
void sv_connections_begin(struct sv_connections *connections, struct evhttp_request *request);

/* Count them, end the slow ones; let somebody in again, or not. */
void sv_connections_tick(struct sv_connections *connections, time_t now);

/* The address by which the client reached us, as text. NULL: not known. */
const char *sv_connection_local(struct evhttp_request *request, char *text, unsigned size);

#endif
