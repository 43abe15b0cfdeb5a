#include "replay/session.h"

#include <stdlib.h>

#include "replay/exceptions.h"
#include "replay/session_internal.h"

enum { BLOCKS_AT_ONCE = 16 }; /* searched before the watch is asked again, at most */

int rp_session_new(struct rp_session **session, struct ctr_trace *trace, struct ct_error *error)
{
    struct rp_session *made = calloc(1, sizeof *made);
    *session = made;
    if (made == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a session");
    }
    made->trace = trace;
    made->classes = rp_classes_new(trace);
    if (made->classes == NULL) {
        rp_session_free(made);
        *session = NULL;
        return ct_fail(error, CT_ENOMEM, "no memory for a session");
    }
    int status = ctr_info(trace)->steps > 0
                     ? ctr_player_new(&made->player, trace, error)
                     : ct_fail(error, CT_ESTATE, "nothing was recorded: there is no step");
    if (status == CT_OK) {
        status = ctr_player_new(&made->scout, trace, error);
    }
    if (status == CT_OK) {
        status = rp_go(made, (struct rp_moment){0, 0}, error);
    }
    if (status != CT_OK) {
        rp_session_free(made);
        *session = NULL;
    }
    return status;
}

void rp_session_free(struct rp_session *session)
{
    if (session != NULL) {
        ctr_player_free(session->player);
        ctr_player_free(session->scout);
        ctr_player_free(session->past);
        rp_classes_free(session->classes);
        free(session->references.values);
        rp_breakpoints_free(session);
        rp_exceptions_clear(session);
        rp_kept_calls_free(session->kept_calls);
        rp_tasks_free(session->tasks);
        free(session);
    }
}

struct ctr_trace *rp_session_trace(const struct rp_session *session)
{
    return session->trace;
}

void rp_session_watch(struct rp_session *session, struct rp_watch watch)
{
    session->watch = watch;
}

const struct rp_position *rp_now(const struct rp_session *session)
{
    return &session->now;
}

int rp_go(struct rp_session *session, struct rp_moment moment, struct ct_error *error)
{
    struct rp_position position;
    int status = rp_locate(session, session->player, moment, &position, error);
    if (status == CT_OK) {
        session->now = position;
        rp_forget_references(&session->references);
        rp_forget_tasks(session->tasks);
    } else if (session->now.call != CTR_NO_CALL) { /* where it stood was there before */
        rp_locate(session, session->player, session->now.moment, &position, NULL);
    }
    return status;
}

int rp_look(struct rp_session *session, struct rp_moment moment, struct rp_position *position,
            struct ct_error *error)
{
    return rp_locate(session, session->scout, moment, position, error);
}

/* ---- searching ---- */

int rp_ask_watch(const struct rp_session *session, struct ctr_place from, struct ctr_place at,
                 struct ct_error *error)
{
    const struct rp_watch *watch = &session->watch;
    uint64_t done = from.block > at.block ? from.block - at.block : at.block - from.block;
    return watch->go_on == NULL ||
                   watch->go_on(watch->context, done, ctr_info(session->trace)->blocks)
               ? CT_OK
               : ct_fail(error, CT_ECANCEL, "the search was ended");
}

int rp_find(struct rp_session *session, const struct ctr_query *query, struct ctr_place from,
            bool backwards, struct ctr_page *page, struct ct_error *error)
{
    struct ctr_place at = from;
    for (uint32_t blocks = 1;; blocks = blocks < BLOCKS_AT_ONCE ? blocks * 2 : blocks) {
        int status = ctr_find(session->trace, query, at, backwards, blocks, page, error);
        if (status != CT_OK || page->done || page->count > 0) {
            return status;
        }
        at = page->next;
        status = rp_ask_watch(session, from, at, error);
        if (status != CT_OK) {
            return status;
        }
    }
}

int rp_find_one(struct rp_session *session, const struct ctr_query *query, struct ctr_place from,
                bool backwards, struct ctr_hit *hit, struct ct_error *error)
{
    struct ctr_page page = {.hits = hit, .capacity = 1};
    int status = rp_find(session, query, from, backwards, &page, error);
    return status == CT_OK && page.count == 0 ? ct_fail(error, CT_ESTATE, "there is none") : status;
}
