/* Moments: the steps of each thread in their order and, behind a step, the times at which a frame
 * that was on the stack there has been left. */
#include <stdlib.h>

#include "replay/session_internal.h"

enum { PAGE = 64, LARGE_PAGE = 8192 };

static int no_moment(struct rp_moment moment, struct ct_error *error)
{
    return ct_fail(error, CT_EUSAGE, "there is no moment %llu.%u", (unsigned long long)moment.step,
                   moment.left);
}

/* ---- how a stack is left ---- */

struct descent { /* from a step on, the frames of its thread's stack one after another */
    struct rp_session *session;
    struct ctr_player *player; /* put on the step once a frame is left */
    uint64_t step;
    uint32_t thread;
    uint32_t left;       /* so many have been left */
    struct ctr_hit last; /* the latest of these leaves */
    bool is_over;        /* the thread's next step came, or the trace ended */
};

static const struct ctr_frame *frame_of(const struct descent *descent, uint32_t index)
{
    return ctr_player_frame(descent->player, descent->thread, index, NULL);
}

/* What is left is the frame that runs now, and another is below it: only then does one go on. */
static bool leaves_running(const struct descent *descent, const struct ctr_hit *hit)
{
    const struct ctr_frame *running = frame_of(descent, descent->left);
    return running != NULL && running->call == hit->call &&
           frame_of(descent, descent->left + 1) != NULL;
}

static int take_leaves(struct descent *descent, const struct ctr_page *page, uint32_t most,
                       struct ctr_place end, struct ct_error *error)
{
    for (size_t i = 0; i < page->count && descent->left < most; i++) {
        const struct ctr_hit *hit = &page->hits[i];
        descent->is_over = hit->event == CTR_EVENT_LINE || !rp_place_is_before(hit->place, end);
        if (descent->is_over) {
            return CT_OK;
        }
        struct ctr_event event;
        int status = ctr_player_seek(descent->player, descent->step, &event, error);
        if (status != CT_OK) {
            return status;
        }
        if (leaves_running(descent, hit)) {
            descent->left++;
            descent->last = *hit;
        }
    }
    descent->is_over = page->done;
    return CT_OK;
}

/* Go on until `most` have been left, or to a record at or behind `end`. Where a deep recursion ends
 * there are many: each page reads its block anew. */
static int descend(struct descent *descent, struct ctr_place from, uint32_t most,
                   struct ctr_place end, struct ct_error *error)
{
    struct ctr_hit hits[PAGE], *more = NULL;
    struct ctr_page page = {.hits = hits, .capacity = PAGE, .next = from};
    struct ctr_query query = rp_of_thread(descent->thread, RP_LEAVES | RP_LINE);
    int status = CT_OK;
    query.is_bounded = true;
    query.bound = end.block;
    while (status == CT_OK && !descent->is_over && descent->left < most) {
        status = rp_find(descent->session, &query, page.next, false, &page, error);
        if (status == CT_OK) {
            status = take_leaves(descent, &page, most, end, error);
        }
        if (more == NULL && !descent->is_over && descent->left < most) {
            more = malloc(LARGE_PAGE * sizeof *more);
            page.hits = more != NULL ? more : hits;
            page.capacity = more != NULL ? LARGE_PAGE : PAGE;
        }
    }
    free(more);
    return status;
}

/* ---- standing on a moment ---- */

static void describe(struct ctr_player *player, const struct ctr_event *event,
                     struct rp_moment moment, struct rp_position *position)
{
    const struct ctr_frame *frame = ctr_player_frame(player, event->thread, moment.left > 0, NULL);
    *position = (struct rp_position){
        .moment = moment,
        .place = {event->block, ctr_player_at(player)},
        .tick = event->tick,
        .thread = event->thread,
        .call = frame != NULL ? frame->call : CTR_NO_CALL,
        .plan = frame != NULL ? frame->plan : 0,
        .line = frame != NULL ? frame->line : 0,
        .is_turn = moment.left == 0 && event->number == 1,
        .left_by = event->kind,
        .result = event->value,
    };
    position->has_below =
        ctr_player_frame(player, event->thread, (moment.left > 0) + 1, NULL) != NULL;
}

int rp_locate(struct rp_session *session, struct ctr_player *player, struct rp_moment moment,
              struct rp_position *position, struct ct_error *error)
{
    struct ctr_event event;
    int status = ctr_player_seek(player, moment.step, &event, error);
    if (status != CT_OK || event.frame == NULL) {
        return status != CT_OK ? status : no_moment(moment, error);
    }
    if (moment.left > 0) {
        struct descent descent = {
            .session = session, .player = player, .step = moment.step, .thread = event.thread};
        struct ctr_place from = {event.block, ctr_player_at(player) + 1};
        status = descend(&descent, from, moment.left, ctr_place_end(session->trace), error);
        if (status == CT_OK && descent.left < moment.left) {
            return no_moment(moment, error);
        }
        if (status == CT_OK) {
            struct ctr_place place = descent.last.place;
            status = ctr_player_seek_record(player, place.block, place.at, &event, error);
        }
    }
    if (status == CT_OK) {
        describe(player, &event, moment, position);
        status = position->call == CTR_NO_CALL ? no_moment(moment, error) : CT_OK;
    }
    return status;
}

/* ---- neighbours ---- */

int rp_moment_before(struct rp_session *session, uint32_t thread, struct ctr_place place,
                     struct rp_moment *moment, struct ct_error *error)
{
    struct ctr_query lines = rp_of_thread(thread, RP_LINE);
    struct ctr_hit hit;
    int status = rp_find_one(session, &lines, place, true, &hit, error);
    if (status != CT_OK) {
        return status;
    }
    *moment = (struct rp_moment){hit.step, 0};
    struct descent descent = {
        .session = session, .player = session->scout, .step = hit.step, .thread = thread};
    status = descend(&descent, rp_behind(hit.place), UINT32_MAX, place, error);
    moment->left = descent.left;
    return status;
}

int rp_moment_previous(struct rp_session *session, const struct rp_position *from,
                       struct rp_moment *moment, struct ct_error *error)
{
    if (from->moment.left > 0) {
        *moment = (struct rp_moment){from->moment.step, from->moment.left - 1};
        return CT_OK;
    }
    return rp_moment_before(session, from->thread, from->place, moment, error);
}

int rp_moment_next(struct rp_session *session, const struct rp_position *from,
                   struct rp_moment *moment, struct ct_error *error)
{
    struct ctr_hit hits[PAGE];
    struct ctr_page page = {.hits = hits, .capacity = PAGE, .next = rp_behind(from->place)};
    struct ctr_query query = rp_of_thread(from->thread, RP_LEAVES | RP_LINE);
    do {
        int status = rp_find(session, &query, page.next, false, &page, error);
        if (status != CT_OK) {
            return status;
        }
        for (size_t i = 0; i < page.count; i++) {
            if (hits[i].event == CTR_EVENT_LINE) {
                *moment = (struct rp_moment){hits[i].step, 0};
                return CT_OK;
            }
            if (hits[i].call == from->call && from->has_below) {
                *moment = (struct rp_moment){from->moment.step, from->moment.left + 1};
                return CT_OK;
            }
        }
    } while (!page.done);
    return ct_fail(error, CT_ESTATE, "the thread's last moment");
}
