#include <stdlib.h>
#include <string.h>

#include "server/message.h"
#include "server/server_internal.h"

struct close_job {
    struct sv_job job;
    struct sv_session *session;
};

/* ---- The sessions there are ---- */

struct sv_session *sv_session_find(struct sv_server *server, const char *id)
{
    struct sv_session *session = server->sessions;
    while (session != NULL && !sv_token_is(session->id, id)) {
        session = session->next;
    }
    return session;
}

static void link_session(struct sv_session *session)
{
    session->next = session->server->sessions;
    session->server->sessions = session;
}

static void unlink_session(struct sv_session *session)
{
    struct sv_session **at = &session->server->sessions;
    while (*at != NULL && *at != session) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = session->next;
    }
}

static void free_session(struct sv_session *session)
{
    session->server->session_count--;
    sv_events_clear(&session->events);
    pthread_mutex_destroy(&session->lock);
    free(session->close_job);
    free(session);
}

/* NULL: no memory, or no random numbers. */
static struct sv_session *new_session(struct sv_server *server)
{
    struct sv_session *session = calloc(1, sizeof *session);
    struct close_job *job = calloc(1, sizeof *job);
    if (session == NULL || job == NULL || sv_token_make(session->id, NULL) != CT_OK) {
        free(session);
        free(job);
        return NULL;
    }
    session->close_job = job;
    session->server = server;
    session->used = sv_now();
    pthread_mutex_init(&session->lock, NULL);
    sv_events_init(&session->events);
    server->session_count++;
    return session;
}

/* The one that has been left alone longest, when nobody listens to it; or NULL. */
static struct sv_session *oldest_alone(struct sv_server *server)
{
    struct sv_session *oldest = NULL;
    for (struct sv_session *at = server->sessions; at != NULL; at = at->next) {
        bool is_alone = at->stream.request == NULL && at->pending == 0;
        if (is_alone && (oldest == NULL || at->used <= oldest->used)) {
            oldest = at;
        }
    }
    return oldest;
}

/* ---- Requests ---- */

struct request_job {
    struct sv_job job;
    struct sv_session *session;
    struct evhttp_request *request;
    bool has_seq;
    int64_t seq;
    bool is_first; /* it came with the wish for the session: whose id is part of the reply */
    bool goes_on;  /* the session has not ended by it */
    struct ct_bytes response;
    size_t size;
    char json[];
};

/* What the session says while it runs a request. The strand's thread. */
static void take_answer(void *context, const char *json, size_t size)
{
    struct sv_session *session = context;
    struct request_job *job = (struct request_job *)session->running_job;
    struct ct_bytes text = {0};
    ct_bytes_add(&text, json, size);
    ct_bytes_add_byte(&text, '\0');
    bool is_response = !text.failed && job != NULL && job->response.size == 0 &&
                       sv_message_is_response((char *)text.data);
    if (is_response) {
        text.size--;
        job->response = text;
    } else {
        ct_bytes_free(&text);
        sv_events_add(&session->events, json, size);
        sv_jobs_wake(session->server->jobs);
    }
}

/* False: the session is over, nothing is to be begun. */
static bool begin_running(struct sv_session *session, const struct request_job *job)
{
    pthread_mutex_lock(&session->lock);
    bool begins = !session->is_over;
    session->is_running = begins && job->has_seq;
    session->running = job->seq;
    pthread_mutex_unlock(&session->lock);
    return begins;
}

static void run_request(struct sv_job *base)
{
    struct request_job *job = (struct request_job *)base;
    struct sv_session *session = job->session;
    if (!begin_running(session, job)) {
        return;
    }
    session->running_job = base;
    job->goes_on = dap_session_take(session->dap, job->json, job->size);
    session->running_job = NULL;
    pthread_mutex_lock(&session->lock);
    session->is_running = false;
    session->is_over = session->is_over || !job->goes_on;
    pthread_mutex_unlock(&session->lock);
}

static bool is_over(struct sv_session *session)
{
    pthread_mutex_lock(&session->lock);
    bool over = session->is_over;
    pthread_mutex_unlock(&session->lock);
    return over;
}

static void reply_opened(struct sv_session *session, struct evhttp_request *request,
                         const struct ct_bytes *response)
{
    struct ct_bytes json = {0};
    ct_bytes_add_format(&json, "{\"session\":\"%s\"", session->id);
    if (response != NULL) {
        ct_bytes_add_text(&json, ",\"response\":");
        ct_bytes_add(&json, response->data, response->size);
    }
    ct_bytes_add_byte(&json, '}');
    if (json.failed) {
        sv_reply_error(request, 500, "out of memory");
    } else {
        sv_reply_json(request, 200, json.data, json.size);
    }
    ct_bytes_free(&json);
}

static void answer_request(struct sv_job *base)
{
    struct request_job *job = (struct request_job *)base;
    struct sv_session *session = job->session;
    session->pending--;
    session->used = sv_now();
    sv_stream_pump(session); /* what came before the response may arrive before it */
    if (job->response.size > 0 && job->is_first) {
        reply_opened(session, job->request, &job->response);
    } else if (job->response.size > 0) {
        sv_reply_json(job->request, 200, job->response.data, job->response.size);
    } else if (is_over(session)) {
        sv_reply_error(job->request, 410, "the session has ended");
    } else {
        sv_reply_error(job->request, 500, "the session has no answer: out of memory");
    }
    bool is_known = !job->is_first || job->response.size > 0; /* else nobody knows its id */
    ct_bytes_free(&job->response);
    if (!job->goes_on || !is_known) {
        sv_session_close(session);
    }
    free(job);
}

struct message {
    const char *json;
    size_t size;
    bool is_first;
};

static void take(struct sv_session *session, struct evhttp_request *request,
                 const struct message *message)
{
    const char *json = message->json;
    size_t size = message->size;
    int64_t cancelled;
    bool is_cancel = dap_is_cancel(json, size, &cancelled);
    if (is_cancel) {
        dap_session_cancel(session->dap, cancelled);
    } else if (session->pending >= SV_MAX_PENDING) {
        sv_reply_error(request, 429, "%d requests of this session wait already", SV_MAX_PENDING);
        return;
    }
    struct request_job *job = calloc(1, sizeof *job + size + 1);
    if (job == NULL) {
        sv_reply_error(request, 500, "out of memory");
        return;
    }
    *job = (struct request_job){
        .job = {.run = run_request, .done = answer_request},
        .session = session,
        .request = request,
        .is_first = message->is_first,
        .goes_on = true,
        .size = size,
    };
    memcpy(job->json, json, size);
    job->has_seq = sv_message_seq(json, size, &job->seq);
    session->pending++;
    session->used = sv_now();
    sv_jobs_add(session->server->jobs, &session->strand, &job->job);
}

void sv_session_take(struct sv_session *session, struct evhttp_request *request, const char *json,
                     size_t size)
{
    take(session, request, &(struct message){json, size, false});
}

/* ---- Opening ---- */

struct open_job {
    struct sv_job job;
    struct sv_session *session;
    struct evhttp_request *request;
    char *first; /* message, owned; NULL: none */
    int status;
    struct ct_error error;
    char recording[];
};

static void run_open(struct sv_job *base)
{
    struct open_job *job = (struct open_job *)base;
    struct sv_session *session = job->session;
    struct sv_recordings *recordings = &session->server->recordings;
    job->status =
        sv_recordings_acquire(recordings, job->recording, &session->recording, &job->error);
    if (job->status != CT_OK) {
        return;
    }
    struct dap_options options = {
        .trace = session->recording->trace,
        .directory = session->recording->directory,
        .send = take_answer,
        .context = session,
    };
    job->status = dap_session_new(&session->dap, &options, &job->error);
    if (job->status != CT_OK) {
        sv_recordings_release(recordings, session->recording);
    }
}

static void answer_open(struct sv_job *base)
{
    struct open_job *job = (struct open_job *)base;
    struct sv_session *session = job->session;
    if (job->status != CT_OK) {
        int code = job->status == CT_EUSAGE ? 404 : job->status == CT_ELIMIT ? 429 : 500;
        sv_reply_error(job->request, code, "%s", job->error.message);
        free_session(session);
    } else {
        link_session(session);
        if (job->first != NULL) {
            take(session, job->request, &(struct message){job->first, strlen(job->first), true});
        } else {
            reply_opened(session, job->request, NULL);
        }
        if (session->server->ending != 0) {
            sv_session_close(session);
        }
    }
    free(job->first);
    free(job);
}

void sv_session_open(struct sv_server *server, struct evhttp_request *request,
                     const char *recording, char *first)
{
    struct sv_session *old = server->session_count >= SV_MAX_SESSIONS ? oldest_alone(server) : NULL;
    if (old != NULL) {
        sv_session_close(old);
    } else if (server->session_count >= SV_MAX_SESSIONS) {
        sv_reply_error(request, 429, "%d sessions are open already", SV_MAX_SESSIONS);
        free(first);
        return;
    }
    size_t size = strlen(recording) + 1;
    struct open_job *job = calloc(1, sizeof *job + size);
    struct sv_session *session = job == NULL ? NULL : new_session(server);
    if (session == NULL) {
        free(job);
        free(first);
        sv_reply_error(request, 500, "out of memory");
        return;
    }
    job->first = first;
    job->job = (struct sv_job){.run = run_open, .done = answer_open};
    job->session = session;
    job->request = request;
    memcpy(job->recording, recording, size);
    sv_jobs_add(server->jobs, &session->strand, &job->job);
}

/* ---- The end ---- */

static void run_close(struct sv_job *base)
{
    struct sv_session *session = ((struct close_job *)base)->session;
    dap_session_free(session->dap);
    sv_recordings_release(&session->server->recordings, session->recording);
}

static void finish_close(struct sv_job *base)
{
    free_session(((struct close_job *)base)->session);
    free(base);
}

void sv_session_close(struct sv_session *session)
{
    struct close_job *job = session->close_job;
    if (job == NULL) {
        return; /* it is closing */
    }
    session->close_job = NULL;
    pthread_mutex_lock(&session->lock);
    session->is_over = true;
    bool is_running = session->is_running;
    int64_t running = session->running;
    pthread_mutex_unlock(&session->lock);
    if (is_running) {
        dap_session_cancel(session->dap, running);
    }
    unlink_session(session);
    sv_stream_end(session);
    *job = (struct close_job){{.run = run_close, .done = finish_close}, session};
    sv_jobs_add(session->server->jobs, &session->strand, &job->job);
}

void sv_sessions_tick(struct sv_server *server)
{
    time_t now = sv_now();
    struct sv_session *next;
    for (struct sv_session *session = server->sessions; session != NULL; session = next) {
        next = session->next;
        if (session->stream.request != NULL) {
            session->used = now;
            sv_stream_ping(session);
        } else if (session->pending == 0 && now - session->used >= server->session_seconds) {
            sv_session_close(session);
        }
    }
}
