/* A session's life, one message after another, and requests that are not wanted any more. */
#include <stdlib.h>
#include <string.h>

#include "dap/dap_internal.h"

enum { PATIENCE_MS = 500 };

/* Look at a trace. One without steps can still be asked what it is. */
void dap_open_replay(struct dap_session *session)
{
    session->replay = NULL;
    if (rp_session_new(&session->replay, session->trace, &session->no_replay) == CT_OK) {
        rp_session_watch(session->replay, (struct rp_watch){dap_go_on_searching, session});
    }
}

int dap_session_new(struct dap_session **session, const struct dap_options *options,
                    struct ct_error *error)
{
    struct dap_session *made = calloc(1, sizeof *made);
    *session = NULL;
    if (made == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a session");
    }
    made->options = *options;
    made->stops_on_entry = true;
    made->patience = PATIENCE_MS;
    made->batch = -1;
    if (options->directory != NULL) {
        made->directory = strdup(options->directory);
    }
    if ((options->directory != NULL && made->directory == NULL) ||
        pthread_mutex_init(&made->lock, NULL) != 0) {
        free(made->directory);
        free(made);
        return ct_fail(error, CT_ENOMEM, "no memory for a session");
    }
    made->trace = options->trace;
    if (made->trace != NULL) {
        dap_open_replay(made);
    }
    *session = made;
    return CT_OK;
}

void dap_session_free(struct dap_session *session)
{
    if (session == NULL) {
        return;
    }
    dap_breakpoints_free(session);
    rp_session_free(session->replay);
    if (session->owns_trace) {
        ctr_close(session->trace);
    }
    pthread_mutex_destroy(&session->lock);
    free(session->directory);
    free(session->frames);
    free(session->names);
    ct_bytes_free(&session->name_texts);
    free(session->targets);
    free(session->lines_run);
    free(session->sources);
    ct_bytes_free(&session->waiting);
    free(session);
}

/* ---- cancelling ---- */

void dap_session_cancel(struct dap_session *session, int64_t seq)
{
    pthread_mutex_lock(&session->lock);
    session->cancelled[session->cancel_count++ % DAP_CANCELS] = seq;
    pthread_mutex_unlock(&session->lock);
}

/* Where it is among those remembered; DAP_CANCELS: it is not. With the lock held. */
static unsigned find_cancel(const struct dap_session *session, int64_t seq)
{
    unsigned count = session->cancel_count < DAP_CANCELS ? session->cancel_count : DAP_CANCELS;
    unsigned at = 0;
    while (at < count && session->cancelled[at] != seq) {
        at++;
    }
    return at < count ? at : DAP_CANCELS;
}

bool dap_is_cancelled(struct dap_session *session, int64_t seq)
{
    pthread_mutex_lock(&session->lock);
    bool found = find_cancel(session, seq) < DAP_CANCELS ||
                 (session->batch >= 0 && find_cancel(session, session->batch) < DAP_CANCELS);
    pthread_mutex_unlock(&session->lock);
    return found;
}

void dap_forget_cancel(struct dap_session *session, int64_t seq)
{
    pthread_mutex_lock(&session->lock);
    unsigned at = find_cancel(session, seq);
    if (at < DAP_CANCELS) {
        session->cancelled[at] = INT64_MIN; /* no request has it */
    }
    pthread_mutex_unlock(&session->lock);
}
