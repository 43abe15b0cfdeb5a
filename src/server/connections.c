#include "server/connections.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "server/server_internal.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

static uint16_t port_of(const union address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return ntohs(address->v4.sin_port);
    case AF_INET6:
        return ntohs(address->v6.sin6_port);
    default:
        return 0;
    }
}

uint16_t sv_port_of(int fd)
{
    union address local = {0};
    socklen_t size = sizeof local;
    return getsockname(fd, &local.any, &size) == 0 ? port_of(&local) : 0;
}

/* The port of the client on this descriptor; 0: it is no connection of ours. */
static uint16_t peer_of(const struct sv_connections *connections, int fd)
{
    union address peer = {0};
    socklen_t size = sizeof peer;
    bool is_ours = sv_port_of(fd) == connections->port && getpeername(fd, &peer.any, &size) == 0;
    return is_ours ? port_of(&peer) : 0;
}

static int descriptor_of(struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    return connection == NULL ? -1
                              : bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
}

const char *sv_connection_local(struct evhttp_request *request, char *text, unsigned size)
{
    union address local = {0};
    socklen_t local_size = sizeof local;
    if (getsockname(descriptor_of(request), &local.any, &local_size) != 0) {
        return NULL;
    }
    if (local.any.sa_family == AF_INET) {
        return inet_ntop(AF_INET, &local.v4.sin_addr, text, size);
    }
    return local.any.sa_family == AF_INET6 ? inet_ntop(AF_INET6, &local.v6.sin6_addr, text, size)
                                           : NULL;
}

/* ---- Letting in ---- */

static void set_accepting(struct evhttp_bound_socket *bound, void *is_accepting)
{
    struct evconnlistener *listener = evhttp_bound_socket_get_listener(bound);
    if (*(const bool *)is_accepting) {
        evconnlistener_enable(listener);
    } else {
        evconnlistener_disable(listener);
    }
}

/* Bring the table up to date; the number of connections. */
static unsigned count_connections(struct sv_connections *connections, time_t now)
{
    unsigned count = 0;
    for (int fd = 0; fd < SV_MAX_DESCRIPTORS; fd++) {
        struct sv_connection *at = &connections->all[fd];
        uint16_t peer = peer_of(connections, fd);
        if (peer != at->peer) {
            *at = (struct sv_connection){.peer = peer, .since = now};
        }
        count += peer != 0;
    }
    connections->accepted = count;
    return count;
}

static void let_in(struct sv_connections *connections, time_t now)
{
    bool is_accepting = count_connections(connections, now) < SV_MAX_CONNECTIONS;
    if (is_accepting == connections->is_closed) {
        connections->is_closed = !is_accepting;
        evhttp_foreach_bound_socket(connections->http, set_accepting, &is_accepting);
    }
}

/* libevent asks for what reads a new connection. While a reply goes out it reads on, to see the
 * client leave, and keeps what comes: no more than this. */
static struct bufferevent *make_reader(struct event_base *base, void *context)
{
    struct sv_connections *connections = context;
    if (++connections->accepted >= SV_MAX_CONNECTIONS) {
        let_in(connections, sv_now());
    }
    struct bufferevent *reader = bufferevent_socket_new(base, -1, 0);
    if (reader != NULL) {
        bufferevent_setwatermark(reader, EV_READ, 0, SV_MAX_HEADER + SV_MAX_BODY);
    }
    return reader;
}

void sv_connections_init(struct sv_connections *connections, struct evhttp *http, uint16_t port)
{
    memset(connections, 0, sizeof *connections);
    connections->http = http;
    connections->port = port;
    connections->request_seconds = SV_REQUEST_SECONDS;
    evhttp_set_bevcb(http, make_reader, connections);
}

/* ---- Requests ---- */

static void note_answered(struct evhttp_request *request, void *context)
{
    struct sv_connections *connections = context;
    int fd = descriptor_of(request);
    if (fd >= 0 && fd < SV_MAX_DESCRIPTORS) {
        connections->all[fd].is_busy = false;
        connections->all[fd].since = sv_now();
    }
}

void sv_connections_begin(struct sv_connections *connections, struct evhttp_request *request)
{
    int fd = descriptor_of(request);
    /* Or an event waits until the client has acknowledged the one before, which it puts off. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (fd >= 0 && fd < SV_MAX_DESCRIPTORS) {
        connections->all[fd] = (struct sv_connection){
            .peer = peer_of(connections, fd), .is_busy = true, .since = sv_now()};
        evhttp_request_set_on_complete_cb(request, note_answered, connections);
    }
}

void sv_connections_tick(struct sv_connections *connections, time_t now)
{
    let_in(connections, now);
    for (int fd = 0; fd < SV_MAX_DESCRIPTORS; fd++) {
        struct sv_connection *at = &connections->all[fd];
        if (at->peer != 0 && !at->is_busy && now - at->since >= connections->request_seconds) {
            shutdown(fd, SHUT_RDWR); /* libevent sees its end, and closes it */
            at->since = now;
        }
    }
}
