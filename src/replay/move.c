#include "replay/move.h"

#include <stdlib.h>

#include "replay/lines.h"
#include "replay/session_internal.h"
#include "trace/calls.h"

enum {
    CODE_GENERATOR = 0x20, /* of co_flags */
    CODE_ASYNC_GENERATOR = 0x200,
    EVENTS_AT_ONCE = 64,
};

/* A move on its way. */
struct course {
    struct rp_session *session;
    const struct rp_position *from;
    bool backwards;
    enum rp_end end; /* unless it arrives */
    struct rp_moment to;
};

const char *rp_move_name(enum rp_move move)
{
    static const char *const names[RP_MOVES] = {
        [RP_INTO] = "into", [RP_OVER] = "over", [RP_OVER_LINE] = "over line", [RP_OUT] = "out"};
    return (unsigned)move < RP_MOVES ? names[move] : "unknown";
}

const char *rp_end_name(enum rp_end end)
{
    static const char *const names[RP_ENDS_COUNT] = {
        [RP_MOVED] = "moved",  [RP_AT_START] = "start",      [RP_AT_END] = "end",
        [RP_AT_ROOT] = "root", [RP_NOT_FOUND] = "not found",
    };
    return (unsigned)end < RP_ENDS_COUNT ? names[end] : "unknown";
}

static int arrive(struct course *course, struct rp_moment to)
{
    course->end = RP_MOVED;
    course->to = to;
    return CT_OK;
}

/* "There is none" is no failure of a move: it says where it is at an end. */
static int stay(struct course *course, enum rp_end end, int status)
{
    course->end = end;
    return status == CT_ESTATE ? CT_OK : status;
}

/* ---- into ---- */

static int go_into(struct course *course, struct ct_error *error)
{
    struct rp_moment to;
    int status = course->backwards ? rp_moment_previous(course->session, course->from, &to, error)
                                   : rp_moment_next(course->session, course->from, &to, error);
    return status == CT_OK ? arrive(course, to)
                           : stay(course, course->backwards ? RP_AT_START : RP_AT_END, status);
}

/* ---- out ---- */

/* Whether a call goes back to who resumed it whenever it yields. A coroutine does not: what it
 * awaits is part of what it does, and who resumes it is an event loop. */
static bool is_generator(const struct course *course)
{
    const struct ctr_plan *plan = ctr_plan(course->session->trace, course->from->plan);
    return plan != NULL && (plan->flags & (CODE_GENERATOR | CODE_ASYNC_GENERATOR));
}

/* Where the running call, or the visit of a generator, was entered or is left. CT_ESTATE: the
 * recording does not have it. */
static int find_door(struct course *course, struct ctr_hit *hit, struct ct_error *error)
{
    const struct rp_position *from = course->from;
    bool of_visit = is_generator(course);
    struct ctr_place start = course->backwards ? from->place : rp_behind(from->place);
    uint32_t events = course->backwards ? (of_visit ? RP_ENTERS : RP_BIT(CTR_EVENT_CALL))
                                        : (of_visit ? RP_LEAVES : RP_ENDS);
    if (!of_visit) {
        struct ctr_call call;
        int status = ctr_call_get(course->session->trace, from->call, &call, error);
        if (status != CT_OK) {
            return status;
        }
        if (course->backwards) {
            start = (struct ctr_place){call.start_block + 1, 0};
        } else if (call.exit == CTR_EXIT_NONE) {
            return CT_ESTATE;
        } else if (call.end_block > start.block) {
            start = (struct ctr_place){call.end_block, 0};
        }
    }
    struct ctr_query query = rp_of_call(from->call, events);
    return rp_find_one(course->session, &query, start, course->backwards, hit, error);
}

/* Whether a recorded frame was below the call where it was entered at `place`. */
static int was_called(struct course *course, const struct ctr_hit *door, bool *called,
                      struct ct_error *error)
{
    struct ctr_event event;
    struct ctr_player *scout = course->session->scout;
    struct ctr_hit first;
    struct ctr_query lines = rp_of_call(door->call, RP_LINE);
    *called = false;
    int status = rp_find_one(course->session, &lines, rp_behind(door->place), false, &first, error);
    if (status == CT_OK) {
        status = ctr_player_seek(scout, first.step, &event, error);
    }
    if (status == CT_OK) {
        *called = ctr_player_frame(scout, event.thread, 1, NULL) != NULL;
    }
    return status;
}

static int go_through(struct course *course, const struct ctr_hit *door, struct ct_error *error)
{
    struct rp_moment to;
    struct ctr_place place = course->backwards ? door->place : rp_behind(door->place);
    bool called = true;
    int status = rp_moment_before(course->session, door->thread, place, &to, error);
    if (status == CT_OK && course->backwards) {
        status = was_called(course, door, &called, error);
    } else if (status == CT_OK) { /* nobody goes on when the bottom of a stack is left */
        struct rp_position landing;
        status = rp_locate(course->session, course->session->scout, to, &landing, error);
        called = status == CT_OK && landing.call != course->from->call;
    }
    return status == CT_OK && called ? arrive(course, to) : stay(course, RP_AT_ROOT, status);
}

static int go_out(struct course *course, struct ct_error *error)
{
    struct ctr_hit door;
    int status = find_door(course, &door, error);
    return status == CT_OK ? go_through(course, &door, error)
                           : stay(course, course->backwards ? RP_AT_ROOT : RP_AT_END, status);
}

/* ---- over ---- */

static int go_over(struct course *course, bool by_line, struct ct_error *error)
{
    const struct rp_position *from = course->from;
    uint32_t ends = course->backwards ? RP_BIT(CTR_EVENT_CALL) : RP_ENDS;
    struct ctr_query query = rp_of_call(from->call, RP_LINE | ends);
    struct ctr_hit hit;
    query.no_turns = by_line;
    struct ctr_place start = course->backwards ? from->place : rp_behind(from->place);
    int status = rp_find_one(course->session, &query, start, course->backwards, &hit, error);
    if (status == CT_OK && hit.event == CTR_EVENT_LINE && hit.thread == from->thread) {
        return arrive(course, (struct rp_moment){hit.step, 0});
    }
    if (status == CT_OK && hit.event != CTR_EVENT_LINE && !is_generator(course)) {
        return go_through(course, &hit, error);
    }
    return status == CT_OK || status == CT_ESTATE ? go_out(course, error) : status;
}

/* ---- all of them ---- */

/* Where a move on a thread starts. */
static int departure(struct rp_session *session, uint32_t thread, struct rp_position *from,
                     struct ct_error *error)
{
    *from = session->now;
    if (thread == RP_THIS_THREAD || thread == from->thread) {
        return CT_OK;
    }
    struct rp_moment moment;
    int status = rp_moment_before(session, thread, from->place, &moment, error);
    return status == CT_OK ? rp_locate(session, session->scout, moment, from, error) : status;
}

int rp_step(struct rp_session *session, enum rp_move move, uint32_t thread, bool backwards,
            enum rp_end *end, struct ct_error *error)
{
    struct rp_position from;
    int status = departure(session, thread, &from, error);
    struct course course = {.session = session, .from = &from, .backwards = backwards};
    if (status == CT_ESTATE) { /* the thread has not begun */
        *end = RP_AT_START;
        return CT_OK;
    }
    if (status != CT_OK) {
        return status;
    }
    switch (move) {
    case RP_INTO:
        status = go_into(&course, error);
        break;
    case RP_OVER:
    case RP_OVER_LINE:
        status = go_over(&course, move == RP_OVER_LINE, error);
        break;
    case RP_OUT:
        status = go_out(&course, error);
        break;
    default:
        return ct_fail(error, CT_EUSAGE, "there is no such move");
    }
    *end = course.end;
    return status == CT_OK && course.end == RP_MOVED ? rp_go(session, course.to, error) : status;
}

int rp_go_start(struct rp_session *session, struct ct_error *error)
{
    return rp_go(session, (struct rp_moment){0, 0}, error);
}

int rp_go_end(struct rp_session *session, struct ct_error *error)
{
    return rp_go(session, (struct rp_moment){ctr_info(session->trace)->steps - 1, 0}, error);
}

/* ---- to what a query finds ---- */

static int go_to_first(struct rp_session *session, const struct ctr_query *query,
                       struct ctr_place from, bool backwards, enum rp_end *end,
                       struct ct_error *error)
{
    struct ctr_hit hit;
    int status = rp_find_one(session, query, from, backwards, &hit, error);
    *end = status == CT_OK ? RP_MOVED : RP_NOT_FOUND;
    if (status != CT_OK) {
        return status == CT_ESTATE ? CT_OK : status;
    }
    return rp_go(session, (struct rp_moment){hit.step, 0}, error);
}

int rp_go_call_start(struct rp_session *session, uint64_t call, enum rp_end *end,
                     struct ct_error *error)
{
    struct ctr_call about;
    int status = ctr_call_get(session->trace, call, &about, error);
    struct ctr_query lines = rp_of_call(call, RP_LINE);
    struct ctr_place from = {about.start_block, 0};
    return status == CT_OK ? go_to_first(session, &lines, from, false, end, error) : status;
}

int rp_go_call_end(struct rp_session *session, uint64_t call, enum rp_end *end,
                   struct ct_error *error)
{
    struct ctr_call about;
    int status = ctr_call_get(session->trace, call, &about, error);
    struct ctr_query lines = rp_of_call(call, RP_LINE);
    struct ctr_place from = ctr_place_end(session->trace);
    if (status == CT_OK && about.exit != CTR_EXIT_NONE) {
        from = (struct ctr_place){about.end_block + 1, 0};
    }
    return status == CT_OK ? go_to_first(session, &lines, from, true, end, error) : status;
}

int rp_go_line(struct rp_session *session, const struct rp_line *line, bool backwards,
               enum rp_end *end, struct ct_error *error)
{
    uint64_t *keys;
    uint32_t count;
    struct ctr_place from = backwards ? session->now.place : rp_behind(session->now.place);
    int status = rp_line_keys(session->trace, line->path, line->line, &keys, &count, error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_query query = {
        .kind = CTR_FIND_LINES, .keys = keys, .key_count = count, .call = CTR_NO_CALL};
    if (line->call != CTR_NO_CALL) {
        struct ctr_call call;
        status = ctr_call_get(session->trace, line->call, &call, error);
        query = (struct ctr_query){
            .kind = CTR_FIND_LINE, .plan = call.plan, .line = line->line, .call = line->call};
    }
    if (status == CT_OK) {
        status = go_to_first(session, &query, from, backwards, end, error);
    }
    free(keys);
    return status;
}

int rp_go_visit(struct rp_session *session, uint64_t call, uint32_t line, uint64_t index,
                uint64_t *count, enum rp_end *end, struct ct_error *error)
{
    uint64_t step;
    int status = ctr_call_visit(session->trace, call, line, index, &step, count, error);
    *end = status == CT_OK ? RP_MOVED : RP_NOT_FOUND;
    if (status != CT_OK) {
        return status == CT_ESTATE ? CT_OK : status;
    }
    return rp_go(session, (struct rp_moment){step, 0}, error);
}

/* ---- exceptions and output ---- */

/* What happens during a line has the moment before it as its own: one that is the session's own is
 * where it stands already. */
static int look_at_events(struct rp_session *session, const struct ctr_page *page, bool *found,
                          struct rp_moment *to, struct ct_error *error)
{
    for (size_t i = 0; i < page->count && !*found; i++) {
        const struct ctr_hit *hit = &page->hits[i];
        if (hit->is_passed_on) {
            continue;
        }
        int status = rp_moment_before(session, hit->thread, hit->place, to, error);
        if (status != CT_OK && status != CT_ESTATE) {
            return status;
        }
        *found = status == CT_OK && !rp_moment_same(*to, session->now.moment);
    }
    return CT_OK;
}

int rp_go_event(struct rp_session *session, enum rp_event event, bool backwards, enum rp_end *end,
                struct ct_error *error)
{
    struct ctr_hit hits[EVENTS_AT_ONCE];
    struct ctr_page page = {.hits = hits, .capacity = EVENTS_AT_ONCE, .next = session->now.place};
    struct ctr_query query = {.kind = event == RP_OUTPUT ? CTR_FIND_OUTPUT : CTR_FIND_RAISE,
                              .call = CTR_NO_CALL};
    bool found = false;
    struct rp_moment to;
    do {
        int status = rp_find(session, &query, page.next, backwards, &page, error);
        if (status == CT_OK) {
            status = look_at_events(session, &page, &found, &to, error);
        }
        if (status != CT_OK) {
            return status;
        }
    } while (!found && !page.done);
    *end = found ? RP_MOVED : RP_NOT_FOUND;
    return found ? rp_go(session, to, error) : CT_OK;
}
