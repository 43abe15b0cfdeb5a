#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/assets.h"
#include "server/server_internal.h"

enum { FLUSH_MS = 50 }; /* for the last bytes to leave */

time_t sv_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* ---- The end ---- */

static bool is_in_use(const struct sv_server *server)
{
    for (const struct sv_session *at = server->sessions; at != NULL; at = at->next) {
        if (at->stream.request != NULL || at->pending > 0) {
            return true;
        }
    }
    return false;
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

/* Everyone is told, what runs is cancelled, nobody comes in any more. */
static void begin_end(struct sv_server *server)
{
    static const char event[] = "{\"seq\":0,\"type\":\"event\",\"event\":\"ct/server-ending\"}";
    if (server->ending != 0) {
        return;
    }
    server->ending = sv_now();
    for (size_t i = 0; i < SV_MAX_LISTENERS; i++) {
        if (server->listeners[i] != NULL) {
            evhttp_del_accept_socket(server->http, server->listeners[i]);
            server->listeners[i] = NULL;
        }
    }
    /* From here on a signal does what it does to any process. */
    for (size_t i = 0; i < SV_SIGNALS; i++) {
        free_event(server->signals[i]);
        server->signals[i] = NULL;
    }
    while (server->sessions != NULL) {
        sv_events_add(&server->sessions->events, event, sizeof event - 1);
        sv_session_close(server->sessions);
    }
}

static void end_if_done(struct sv_server *server)
{
    bool is_late = server->ending != 0 && sv_now() - server->ending > SV_END_SECONDS;
    bool is_done = server->session_count == 0 && server->lists_pending == 0;
    if (server->ending != 0 && (is_done || is_late)) {
        event_base_loopexit(server->base, &(struct timeval){0, FLUSH_MS * 1000});
    }
}

/* ---- What the loop wakes up for ---- */

static void on_settle(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct sv_server *server = context;
    sv_jobs_settle(server->jobs);
    for (struct sv_session *at = server->sessions; at != NULL; at = at->next) {
        sv_stream_pump(at);
    }
    end_if_done(server);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct sv_server *server = context;
    time_t now = sv_now();
    sv_connections_tick(&server->connections, now);
    sv_sessions_tick(server);
    if (is_in_use(server)) {
        server->used = now;
    }
    uint64_t idle_ms = (uint64_t)(now - server->used) * 1000;
    if (server->options.idle_ms != 0 && idle_ms >= server->options.idle_ms) {
        begin_end(server);
    }
    end_if_done(server);
}

static void on_signal(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    begin_end(context);
    end_if_done(context);
}

/* ---- Listening ---- */

static int listen_at(struct sv_server *server, struct ct_error *error)
{
    const struct sv_options *options = &server->options;
    const char *address = options->address == NULL ? "127.0.0.1" : options->address;
    if (options->port == 0 && options->wished_port != 0) {
        server->listeners[0] =
            evhttp_bind_socket_with_handle(server->http, address, options->wished_port);
    }
    errno = 0;
    if (server->listeners[0] == NULL) {
        server->listeners[0] = evhttp_bind_socket_with_handle(server->http, address, options->port);
    }
    if (server->listeners[0] == NULL) {
        errno = errno != 0 ? errno : EADDRNOTAVAIL; /* a name nobody knows leaves none */
        return ct_fail_errno(error, "cannot listen at %s, port %u", address,
                             (unsigned)options->port);
    }
    server->port = sv_port_of(evhttp_bound_socket_get_fd(server->listeners[0]));
    if (options->address == NULL) { /* where there is IPv6, `localhost` may be that */
        server->listeners[1] = evhttp_bind_socket_with_handle(server->http, "::1", server->port);
    }
    return CT_OK;
}

static int make_url(struct sv_server *server, struct ct_error *error)
{
    const char *address = server->options.address;
    bool is_any = address == NULL || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
    const char *host = is_any ? "127.0.0.1" : address;
    bool is_v6 = strchr(host, ':') != NULL;
    int size = asprintf(&server->url, "http://%s%s%s:%u/#token=%s", is_v6 ? "[" : "", host,
                        is_v6 ? "]" : "", (unsigned)server->port, server->token);
    if (size < 0) {
        server->url = NULL;
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    return CT_OK;
}

/* ---- Making and freeing ---- */

/* Who started us with a signal ignored (nohup, or a shell in the background) means it. */
static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int make_events(struct sv_server *server, struct ct_error *error)
{
    static const int signals[SV_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    bool has_all = true;
    for (size_t i = 0; i < SV_SIGNALS; i++) {
        if (is_ignored(signals[i])) {
            continue;
        }
        server->signals[i] = evsignal_new(server->base, signals[i], on_signal, server);
        has_all = has_all && server->signals[i] != NULL && event_add(server->signals[i], NULL) == 0;
    }
    server->settle =
        event_new(server->base, sv_jobs_fd(server->jobs), EV_READ | EV_PERSIST, on_settle, server);
    server->tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
    has_all = has_all && server->settle != NULL && event_add(server->settle, NULL) == 0 &&
              server->tick != NULL && event_add(server->tick, &(struct timeval){1, 0}) == 0;
    return has_all ? CT_OK : ct_fail(error, CT_ENOMEM, "out of memory");
}

/* What libevent warns of (no IPv6 here, say) is no news; what fails is said where it fails. */
static void ignore_log(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static int make_http(struct sv_server *server, struct ct_error *error)
{
    event_set_log_callback(ignore_log);
    server->base = event_base_new();
    server->http = server->base == NULL ? NULL : evhttp_new(server->base);
    if (server->http == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    evhttp_set_max_headers_size(server->http, SV_MAX_HEADER);
    evhttp_set_max_body_size(server->http, SV_MAX_BODY);
    evhttp_set_timeout(server->http, SV_REQUEST_SECONDS);
    /* All it knows: who asks in a wrong way gets our answer. */
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
                                                 EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(server->http, sv_handle, server);
    return CT_OK;
}

static int set_up(struct sv_server *server, struct ct_error *error)
{
    const struct sv_options *options = &server->options;
    int status = sv_recordings_init(&server->recordings, options->directory, error);
    status = status == CT_OK ? sv_token_make(server->token, error) : status;
    status = status == CT_OK ? make_http(server, error) : status;
    status = status == CT_OK ? listen_at(server, error) : status;
    status = status == CT_OK ? make_url(server, error) : status;
    status = status == CT_OK ? sv_jobs_new(&server->jobs, SV_WORKERS, error) : status;
    status = status == CT_OK ? make_events(server, error) : status;
    if (status == CT_OK) {
        sv_connections_init(&server->connections, server->http, server->port);
        server->session_seconds = SV_SESSION_SECONDS;
        server->used = sv_now();
    }
    return status;
}

int sv_server_new(struct sv_server **result, const struct sv_options *options,
                  struct ct_error *error)
{
    struct sv_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    server->options = *options;
    int status = set_up(server, error);
    if (status != CT_OK) {
        sv_server_free(server);
        return status;
    }
    *result = server;
    return CT_OK;
}

void sv_server_free(struct sv_server *server)
{
    if (server == NULL || server->session_count > 0 || server->lists_pending > 0) {
        return; /* what did not end in time is left to the end of the process */
    }
    sv_jobs_free(server->jobs);
    for (size_t i = 0; i < SV_SIGNALS; i++) {
        free_event(server->signals[i]);
    }
    free_event(server->settle);
    free_event(server->tick);
    if (server->http != NULL) {
        evhttp_free(server->http);
    }
    if (server->base != NULL) {
        event_base_free(server->base);
    }
    sv_recordings_clear(&server->recordings);
    free(server->url);
    free(server);
}

/* ---- For the caller ---- */

uint16_t sv_server_port(const struct sv_server *server)
{
    return server->port;
}

const char *sv_server_token(const struct sv_server *server)
{
    return server->token;
}

const char *sv_server_url(const struct sv_server *server)
{
    return server->url;
}

char *sv_server_open_path(struct sv_server *server)
{
    const char *key = sv_keys_make(&server->keys, sv_now());
    char *path;
    return key != NULL && asprintf(&path, "/open/%s", key) >= 0 ? path : NULL;
}

int sv_server_run(struct sv_server *server, struct ct_error *error)
{
    if (event_base_dispatch(server->base) < 0) {
        return ct_fail(error, CT_EIO, "the event loop failed");
    }
    return CT_OK;
}
