/* Requests: who may ask, and who answers. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "server/origin.h"
#include "server/server_internal.h"

/* ---- Replies ---- */

void sv_put_header(struct evhttp_request *request, const char *name, const char *value)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_remove_header(headers, name);
    evhttp_add_header(headers, name, value);
}

void sv_put_headers(struct evhttp_request *request, const char *type)
{
    static const char *const always[][2] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
    };
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        sv_put_header(request, always[i][0], always[i][1]);
    }
    sv_put_header(request, "Content-Type", type);
}

void sv_reply_json(struct evhttp_request *request, int code, const void *json, size_t size)
{
    struct evbuffer *body = evbuffer_new();
    bool has_memory = body != NULL && evbuffer_add(body, json, size) == 0;
    sv_put_headers(request, "application/json");
    evhttp_send_reply(request, has_memory ? code : 500, NULL, has_memory ? body : NULL);
    if (body != NULL) {
        evbuffer_free(body);
    }
}

void sv_reply_error(struct evhttp_request *request, int code, const char *format, ...)
{
    char text[CT_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct ct_bytes json = {0};
    ct_bytes_add_text(&json, "{\"error\":");
    ct_json_append_text(&json, text, strlen(text));
    ct_bytes_add_byte(&json, '}');
    sv_reply_json(request, code, json.data, json.failed ? 0 : json.size);
    ct_bytes_free(&json);
}

void sv_reply_not_allowed(struct evhttp_request *request, const char *allowed)
{
    sv_put_header(request, "Allow", allowed);
    sv_reply_error(request, 405, "only %s is possible here", allowed);
}

/* ---- Who may ask ---- */

/* A header's value; NULL: it is not there, or there twice, which only an attacker sends. */
static const char *only_header(struct evhttp_request *request, const char *name)
{
    const char *value = NULL;
    unsigned count = 0;
    const struct evkeyval *header;
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    for (header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        if (strcasecmp(header->key, name) == 0) {
            value = header->value;
            count++;
        }
    }
    return count == 1 ? value : NULL;
}

static bool has_header(struct evhttp_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request), name) != NULL;
}

static bool is_from_here(const struct sv_server *server, struct evhttp_request *request)
{
    char text[64];
    const struct sv_place place = {
        .port = server->port,
        .reached = sv_connection_local(request, text, sizeof text),
        .bound = server->options.address,
    };
    if (!sv_host_is_ours(only_header(request, "Host"), &place)) {
        sv_reply_error(request, 403, "this name is not the server's own");
        return false;
    }
    const char *origin = only_header(request, "Origin");
    bool is_odd = origin == NULL && has_header(request, "Origin");
    if (is_odd || !sv_origin_is_ours(origin, &place)) {
        sv_reply_error(request, 403, "pages of other sites may not ask");
        return false;
    }
    return true;
}

static bool has_token(const struct sv_server *server, struct evhttp_request *request)
{
    if (sv_token_is(server->token, only_header(request, "X-CT-Token"))) {
        return true;
    }
    sv_reply_error(request, 403, "the token is missing or wrong: open the window with `ct replay`");
    return false;
}

/* ---- What is asked ---- */

static int read_body(struct evhttp_request *request, const char **data, size_t *size)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    *size = evbuffer_get_length(body);
    *data = *size == 0 ? "" : (const char *)evbuffer_pullup(body, -1);
    return *data == NULL ? CT_ENOMEM : CT_OK;
}

/* The list is a database that others may have locked: that is no work for the loop. */
struct list_job {
    struct sv_job job;
    struct sv_server *server;
    struct evhttp_request *request;
    struct ct_json_out json;
    int status;
    struct ct_error error;
};

static void run_list(struct sv_job *base)
{
    struct list_job *job = (struct list_job *)base;
    job->status = sv_recordings_list(&job->server->recordings, &job->json, &job->error);
}

static void answer_list(struct sv_job *base)
{
    struct list_job *job = (struct list_job *)base;
    job->server->lists_pending--;
    if (job->status == CT_OK) {
        sv_reply_json(job->request, 200, job->json.bytes.data, job->json.bytes.size);
    } else {
        sv_reply_error(job->request, 500, "%s", job->error.message);
    }
    ct_json_clear(&job->json);
    free(job);
}

static void list_recordings(struct sv_server *server, struct evhttp_request *request)
{
    struct list_job *job = server->lists_pending < SV_MAX_PENDING ? calloc(1, sizeof *job) : NULL;
    if (job == NULL) {
        sv_reply_error(request, 429, "%d requests for the list wait already", SV_MAX_PENDING);
        return;
    }
    job->job = (struct sv_job){.run = run_list, .done = answer_list};
    job->server = server;
    job->request = request;
    ct_json_init(&job->json, NULL);
    server->lists_pending++;
    sv_jobs_add(server->jobs, &server->lists, &job->job);
}

/* A path for a browser that is to be started: it works once, and soon. */
static void make_key(struct sv_server *server, struct evhttp_request *request)
{
    char *path = sv_server_open_path(server);
    struct ct_bytes json = {0};
    if (path == NULL) {
        sv_reply_error(request, 500, "the system has no random numbers");
    } else {
        ct_bytes_add_format(&json, "{\"path\":\"%s\"}", path);
        sv_reply_json(request, 200, json.data, json.failed ? 0 : json.size);
    }
    ct_bytes_free(&json);
    free(path);
}

/* Whoever brings a key gets the token, behind a '#', where the window takes it from. */
static void redeem_key(struct sv_server *server, struct evhttp_request *request, const char *key)
{
    char location[16 + SV_TOKEN_TEXT_BYTES];
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET) {
        sv_reply_not_allowed(request, "GET");
    } else if (!sv_keys_take(&server->keys, key, sv_now())) {
        sv_reply_page(request, 410, "This link has been used",
                      "It opens the window once. <code>ct replay</code> makes a new one.");
    } else {
        snprintf(location, sizeof location, "/#token=%s", server->token);
        sv_put_headers(request, "text/plain");
        sv_put_header(request, "Location", location);
        evhttp_send_reply(request, 303, NULL, NULL);
    }
}

/* The body is {"recording": ID, "first": MESSAGE}; "" is the one that is served, and there need not
 * be a first message. */
static void open_session(struct sv_server *server, struct evhttp_request *request)
{
    const char *data;
    size_t size;
    json_t *body =
        read_body(request, &data, &size) == CT_OK ? json_loadb(data, size, 0, NULL) : NULL;
    const char *recording = json_string_value(json_object_get(body, "recording"));
    const json_t *first = json_object_get(body, "first");
    char *message = json_is_object(first) ? json_dumps(first, JSON_COMPACT) : NULL;
    uint8_t uuid[CT_UUID_BYTES];
    if (first != NULL && !json_is_object(first)) {
        sv_reply_error(request, 400, "\"first\" must be a request");
    } else if (recording == NULL || (recording[0] != '\0' && !ct_uuid_parse(recording, uuid))) {
        sv_reply_error(request, 400, "the body must be {\"recording\": ID}");
        free(message);
    } else if (first != NULL && message == NULL) {
        sv_reply_error(request, 500, "out of memory");
    } else {
        sv_session_open(server, request, recording, message);
    }
    json_decref(body);
}

static void close_session(struct sv_session *session, struct evhttp_request *request)
{
    sv_session_close(session);
    sv_reply_json(request, 200, "{}", 2);
}

static void take_request(struct sv_session *session, struct evhttp_request *request)
{
    const char *data;
    size_t size;
    if (read_body(request, &data, &size) != CT_OK) {
        sv_reply_error(request, 500, "out of memory");
    } else if (size == 0) {
        sv_reply_error(request, 400, "the body must be a request of the Debug Adapter Protocol");
    } else {
        sv_session_take(session, request, data, size);
    }
}

static void stream_events(struct sv_session *session, struct evhttp_request *request)
{
    const char *latest = only_header(request, "Last-Event-ID");
    char *end = NULL;
    errno = 0;
    unsigned long long after = latest == NULL ? 0 : strtoull(latest, &end, 10);
    if (latest != NULL && (errno != 0 || end == latest || *end != '\0')) {
        sv_reply_error(request, 400, "Last-Event-ID is not a number");
        return;
    }
    sv_stream_start(session, request, after);
}

/* ---- Routes ---- */

struct route {
    const char *path; /* behind /api; '*' stands for a session's id */
    enum evhttp_cmd_type method;
    const char *method_name;
    void (*serve)(struct sv_server *server, struct evhttp_request *request);
    void (*serve_session)(struct sv_session *session, struct evhttp_request *request);
};

static const struct route routes[] = {
    {"/open", EVHTTP_REQ_POST, "POST", make_key, NULL},
    {"/recordings", EVHTTP_REQ_GET, "GET", list_recordings, NULL},
    {"/sessions", EVHTTP_REQ_POST, "POST", open_session, NULL},
    {"/sessions/*", EVHTTP_REQ_DELETE, "DELETE", NULL, close_session},
    {"/sessions/*/dap", EVHTTP_REQ_POST, "POST", NULL, take_request},
    {"/sessions/*/events", EVHTTP_REQ_GET, "GET", NULL, stream_events},
};

/* Whether a path has a route's form; the session's id is copied out. */
static bool matches(const char *form, const char *path, char id[SV_TOKEN_TEXT_BYTES])
{
    const char *star = strchr(form, '*');
    if (star == NULL) {
        return strcmp(form, path) == 0;
    }
    size_t before = (size_t)(star - form);
    if (strncmp(form, path, before) != 0) {
        return false;
    }
    size_t length = strcspn(path + before, "/");
    if (length != SV_TOKEN_TEXT_BYTES - 1 || strcmp(star + 1, path + before + length) != 0) {
        return false;
    }
    memcpy(id, path + before, length);
    id[length] = '\0';
    return true;
}

static void handle_api(struct sv_server *server, struct evhttp_request *request, const char *path)
{
    char id[SV_TOKEN_TEXT_BYTES];
    const struct route *route = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && route == NULL; i++) {
        route = matches(routes[i].path, path, id) ? &routes[i] : NULL;
    }
    struct sv_session *session =
        route != NULL && route->serve_session != NULL ? sv_session_find(server, id) : NULL;
    if (route == NULL) {
        sv_reply_error(request, 404, "there is nothing here");
    } else if (evhttp_request_get_command(request) != route->method) {
        sv_reply_not_allowed(request, route->method_name);
    } else if (server->ending != 0) {
        sv_reply_error(request, 503, "the server ends");
    } else if (route->serve != NULL) {
        route->serve(server, request);
    } else if (session == NULL) {
        sv_reply_error(request, 404, "there is no such session, or it has ended");
    } else {
        route->serve_session(session, request);
    }
}

void sv_handle(struct evhttp_request *request, void *context)
{
    static const char api[] = "/api/";
    static const char open[] = "/open/";
    struct sv_server *server = context;
    sv_connections_begin(&server->connections, request);
    /* Compared as it came: what is encoded is nothing of ours. */
    const char *uri = evhttp_request_get_uri(request);
    if (uri == NULL || uri[0] != '/') {
        sv_reply_error(request, 400, "the request names no path");
        return;
    }
    if (!is_from_here(server, request)) {
        return;
    }
    char *path = strndup(uri, strcspn(uri, "?#"));
    if (path == NULL) {
        sv_reply_error(request, 500, "out of memory");
    } else if (strncmp(path, open, sizeof open - 1) == 0) {
        redeem_key(server, request, path + sizeof open - 1);
    } else if (strncmp(path, api, sizeof api - 1) != 0) {
        sv_handle_file(server, request, path);
    } else if (has_token(server, request)) {
        server->used = sv_now();
        handle_api(server, request, path + sizeof api - 2);
    }
    free(path);
}
