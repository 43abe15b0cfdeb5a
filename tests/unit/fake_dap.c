/* A debug adapter that does what a transport's tests need, in place of src/dap.
 *
 * Every request is answered with its arguments as body. "wait" runs until it is cancelled, "tell"
 * sends `count` events first, "disconnect" ends the session. */
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dap/dap.h"

enum { MAX_CANCELLED = 16 };

struct dap_session {
    struct dap_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t cancelled[MAX_CANCELLED];
    unsigned cancelled_count;
};

int dap_session_new(struct dap_session **session, const struct dap_options *options,
                    struct ct_error *error)
{
    *session = calloc(1, sizeof **session);
    if (*session == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    (*session)->options = *options;
    pthread_mutex_init(&(*session)->lock, NULL);
    pthread_cond_init(&(*session)->changed, NULL);
    return CT_OK;
}

void dap_session_free(struct dap_session *session)
{
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

static void send_object(struct dap_session *session, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    session->options.send(session->options.context, text, strlen(text));
    free(text);
    json_decref(object);
}

static bool is_cancelled(const struct dap_session *session, int64_t seq)
{
    for (unsigned i = 0; i < session->cancelled_count; i++) {
        if (session->cancelled[i] == seq) {
            return true;
        }
    }
    return false;
}

static void wait_for_cancel(struct dap_session *session, int64_t seq)
{
    pthread_mutex_lock(&session->lock);
    while (!is_cancelled(session, seq)) {
        pthread_cond_wait(&session->changed, &session->lock);
    }
    pthread_mutex_unlock(&session->lock);
}

static void tell(struct dap_session *session, json_int_t count)
{
    for (json_int_t i = 0; i < count; i++) {
        send_object(session, json_pack("{s:i, s:s, s:s, s:{s:I}}", "seq", 0, "type", "event",
                                       "event", "told", "body", "number", i));
    }
}

bool dap_session_take(struct dap_session *session, const char *json, size_t size)
{
    json_t *request = json_loadb(json, size, 0, NULL);
    const char *command = json_string_value(json_object_get(request, "command"));
    json_int_t seq = json_integer_value(json_object_get(request, "seq"));
    json_t *arguments = json_object_get(request, "arguments");
    bool is_wait = command != NULL && strcmp(command, "wait") == 0;
    if (is_wait) {
        wait_for_cancel(session, seq);
    } else if (command != NULL && strcmp(command, "tell") == 0) {
        tell(session, json_integer_value(json_object_get(arguments, "count")));
    }
    send_object(session, json_pack("{s:i, s:s, s:I, s:b, s:s, s:O*}", "seq", 0, "type", "response",
                                   "request_seq", seq, "success", command != NULL && !is_wait,
                                   "command", command == NULL ? "" : command, "body", arguments));
    bool goes_on = command == NULL || strcmp(command, "disconnect") != 0;
    json_decref(request);
    return goes_on;
}

void dap_session_cancel(struct dap_session *session, int64_t seq)
{
    pthread_mutex_lock(&session->lock);
    if (session->cancelled_count < MAX_CANCELLED) {
        session->cancelled[session->cancelled_count++] = seq;
    }
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

bool dap_is_cancel(const char *json, size_t size, int64_t *seq)
{
    json_t *request = json_loadb(json, size, 0, NULL);
    const char *command = json_string_value(json_object_get(request, "command"));
    json_t *id = json_object_get(json_object_get(request, "arguments"), "requestId");
    bool is_cancel = command != NULL && strcmp(command, "cancel") == 0 && json_is_integer(id);
    *seq = json_integer_value(id);
    json_decref(request);
    return is_cancel;
}
