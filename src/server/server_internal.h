/* What the files of the server share. All of it belongs to the loop's thread, but where it says
 * otherwise. */
#ifndef CT_SERVER_SERVER_INTERNAL_H
#define CT_SERVER_SERVER_INTERNAL_H

#include <event2/event.h>
#include <event2/http.h>
#include <pthread.h>
#include <time.h>

#include "dap/dap.h"
#include "server/connections.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/keys.h"
#include "server/recordings.h"
#include "server/server.h"
#include "server/token.h"

enum {
    SV_WORKERS = 8, /* so many searches may go on at once */
    SV_MAX_LISTENERS = 2,
    SV_SIGNALS = 3,
    SV_MAX_HEADER = 16 << 10, /* bytes of a request's line and header */
    SV_MAX_BODY = 1 << 20,
    SV_MAX_SESSIONS = 32,
    SV_MAX_PENDING = 64,          /* requests of one session that are not answered */
    SV_SESSION_SECONDS = 30 * 60, /* without a request and without a stream */
    SV_PING_SECONDS = 15,         /* a comment on a quiet stream */
    SV_STREAM_BYTES = 64 << 10,   /* handed to a connection at once */
    SV_END_SECONDS = 2,           /* what runs gets to end when the server does */
};

struct close_job;

/* The connection on which a session's events go out. */
struct sv_stream {
    struct evhttp_request *request; /* NULL: nobody listens */
    uint64_t next;                  /* event to send */
    bool is_writing;                /* what was sent is still on its way */
    time_t written;                 /* when the latest bytes were handed over */
};

struct sv_session {
    struct sv_session *next;
    char id[SV_TOKEN_TEXT_BYTES];
    struct sv_server *server;
    struct sv_strand strand;
    struct sv_recording *recording;
    struct dap_session *dap; /* the strand's, but for dap_session_cancel() */
    struct sv_events events; /* has its own lock */
    struct sv_stream stream;
    unsigned pending; /* requests */
    time_t used;
    struct sv_job *running_job; /* the strand's */
    struct close_job
        *close_job; /* made at the start, so that the end needs no memory; NULL: used */

    pthread_mutex_t lock;
    /* What follows is guarded by `lock`. */
    bool is_over; /* no further request is begun */
    bool is_running;
    int64_t running; /* seq */
};

struct sv_server {
    struct sv_options options;
    char token[SV_TOKEN_TEXT_BYTES];
    char *url;
    struct sv_keys keys;
    uint16_t port;
    struct sv_recordings recordings; /* has its own lock */
    struct sv_jobs *jobs;
    struct sv_connections connections;
    time_t session_seconds; /* SV_SESSION_SECONDS, but in tests */

    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *listeners[SV_MAX_LISTENERS];
    struct event *settle, *tick, *signals[SV_SIGNALS];
    struct sv_session *sessions;
    unsigned session_count; /* those being opened and closed, too */
    struct sv_strand lists; /* of recordings, being read */
    unsigned lists_pending;
    time_t used;   /* when somebody was last there */
    time_t ending; /* when the end began; 0: not yet */
};

/* Seconds of a clock that only goes on. */
time_t sv_now(void);

/* ---- http.c: replies ---- */

void sv_put_header(struct evhttp_request *request, const char *name, const char *value);
/* Those that every reply has. */
void sv_put_headers(struct evhttp_request *request, const char *type);
void sv_reply_json(struct evhttp_request *request, int code, const void *json, size_t size);
/* {"error": ...} */
void sv_reply_error(struct evhttp_request *request, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What there is at this path is not asked for so; `allowed` as in the header Allow. */
void sv_reply_not_allowed(struct evhttp_request *request, const char *allowed);

/* The callback for every request. */
void sv_handle(struct evhttp_request *request, void *server);

/* ---- window.c: the window's files ---- */

/* A page that says one thing. */
void sv_reply_page(struct evhttp_request *request, int code, const char *title, const char *text);
void sv_handle_file(struct sv_server *server, struct evhttp_request *request, const char *path);

/* ---- sessions.c ---- */

struct sv_session *sv_session_find(struct sv_server *server, const char *id);
/* Open one of the recording; answers the request when that is done. `first`: a message that it runs
 * at once, whose response is part of the answer; it is taken over; NULL: none. */
void sv_session_open(struct sv_server *server, struct evhttp_request *request,
                     const char *recording, char *first);
/* Have it run a message, and answer with its response. */
void sv_session_take(struct sv_session *session, struct evhttp_request *request, const char *json,
                     size_t size);
/* End what it runs, then the session; it is not found any more. */
void sv_session_close(struct sv_session *session);
void sv_sessions_tick(struct sv_server *server);

/* ---- stream.c: a session's events to its client ---- */

void sv_stream_start(struct sv_session *session, struct evhttp_request *request, uint64_t after);
/* Send what there is, if the connection took what was sent before. */
void sv_stream_pump(struct sv_session *session);
void sv_stream_ping(struct sv_session *session);
void sv_stream_end(struct sv_session *session);

#endif
