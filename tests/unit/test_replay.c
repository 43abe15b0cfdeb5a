/* Where the engine's moves lead is what looking through all events finds, over traces of many small
 * blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/move.h"
#include "replay/session.h"
#include "trace/player.h"
#include "trace_builder.h"

enum {
    STEPS = 1500,
    BLOCK_BYTES = 90,
    LARGE_BLOCK_BYTES = 100 * 1024,
    PLANS = 2,
    DEEP = 2 * TB_STACK
};

struct moment {
    struct rp_moment moment;
    uint32_t thread, line;
    uint64_t call;
    size_t event; /* that makes it */
    bool has_below;
};

struct event {
    enum ctr_event_kind kind;
    uint32_t thread;
    uint64_t call;
    bool has_below; /* an entry: a frame is below */
};

struct model {
    struct event *events;
    size_t event_count;
    struct moment *moments; /* in the order of the trace */
    size_t moment_count;
};

struct stack {
    uint64_t calls[DEEP];
    uint32_t lines[DEEP];
    unsigned depth;
    size_t latest; /* moment, plus 1 */
};

static bool enters(enum ctr_event_kind kind)
{
    return kind == CTR_EVENT_CALL || kind == CTR_EVENT_RESUME || kind == CTR_EVENT_THROW;
}

static bool leaves(enum ctr_event_kind kind)
{
    return kind == CTR_EVENT_RETURN || kind == CTR_EVENT_YIELD || kind == CTR_EVENT_UNWIND;
}

static void add_moment(struct model *model, struct stack *stack, uint32_t thread,
                       struct rp_moment moment)
{
    model->moments[model->moment_count++] = (struct moment){
        .moment = moment,
        .thread = thread,
        .line = stack->lines[stack->depth - 1],
        .call = stack->calls[stack->depth - 1],
        .event = model->event_count,
        .has_below = stack->depth > 1,
    };
    stack->latest = model->moment_count;
}

static void leave(struct model *model, struct stack *stack, const struct ctr_event *event)
{
    const struct moment *latest = stack->latest > 0 ? &model->moments[stack->latest - 1] : NULL;
    assert_true(stack->depth > 0 && stack->calls[stack->depth - 1] == event->frame->call);
    stack->depth--;
    if (latest != NULL && latest->call == event->frame->call && latest->has_below &&
        stack->depth > 0) {
        struct rp_moment moment = {latest->moment.step, latest->moment.left + 1};
        add_moment(model, stack, event->thread, moment);
    }
}

static void look_at(struct model *model, struct stack *stack, const struct ctr_event *event)
{
    struct event *added = &model->events[model->event_count];
    *added = (struct event){event->kind, event->thread, UINT64_MAX, stack->depth > 0};
    if (event->frame != NULL) {
        added->call = event->frame->call;
    }
    if (enters(event->kind)) {
        assert_true(stack->depth < DEEP);
        stack->calls[stack->depth] = event->frame->call;
        stack->lines[stack->depth++] = event->frame->line;
    } else if (event->kind == CTR_EVENT_LINE) {
        stack->lines[stack->depth - 1] = event->frame->line;
        add_moment(model, stack, event->thread, (struct rp_moment){event->step, 0});
    } else if (leaves(event->kind)) {
        leave(model, stack, event);
    }
    model->event_count++;
}

static void make_model(struct ctr_trace *trace, struct model *model)
{
    static struct stack stacks[TB_THREADS];
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    memset(stacks, 0, sizeof stacks);
    model->events = calloc(STEPS * 20, sizeof *model->events);
    model->moments = calloc(STEPS * 20, sizeof *model->moments);
    model->event_count = model->moment_count = 0;
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        assert_true(model->event_count < STEPS * 20 && event.thread < TB_THREADS);
        look_at(model, &stacks[event.thread], &event);
    }
    ctr_player_free(player);
}

/* ---- what moves must find ---- */

/* The latest moment of a thread before an event. */
static const struct moment *before(const struct model *model, uint32_t thread, size_t event)
{
    const struct moment *found = NULL;
    for (size_t i = 0; i < model->moment_count && model->moments[i].event < event; i++) {
        found = model->moments[i].thread == thread ? &model->moments[i] : found;
    }
    return found;
}

static const struct moment *into(const struct model *model, const struct moment *from,
                                 bool backwards, enum rp_end *end)
{
    size_t at = (size_t)(from - model->moments);
    *end = RP_MOVED;
    while (backwards ? at > 0 : at + 1 < model->moment_count) {
        at += backwards ? (size_t)-1 : 1;
        if (model->moments[at].thread == from->thread) {
            return &model->moments[at];
        }
    }
    *end = backwards ? RP_AT_START : RP_AT_END;
    return from;
}

/* No code of the builder says that it is a generator: all is left when it ends. */
static const struct moment *out(const struct model *model, const struct moment *from,
                                bool backwards, enum rp_end *end)
{
    size_t at = from->event;
    *end = RP_MOVED;
    while (backwards ? at > 0 : at + 1 < model->event_count) {
        at += backwards ? (size_t)-1 : 1;
        const struct event *event = &model->events[at];
        bool is_end = event->kind == CTR_EVENT_RETURN || event->kind == CTR_EVENT_UNWIND;
        if (event->call != from->call || (backwards ? event->kind != CTR_EVENT_CALL : !is_end)) {
            continue;
        }
        const struct moment *to = before(model, event->thread, at + !backwards);
        bool called = backwards ? to != NULL && event->has_below : to->call != from->call;
        *end = called ? RP_MOVED : RP_AT_ROOT;
        return called ? to : from;
    }
    *end = backwards ? RP_AT_ROOT : RP_AT_END;
    return from;
}

static const struct moment *over(const struct model *model, const struct moment *from,
                                 bool backwards, enum rp_end *end)
{
    size_t at = (size_t)(from - model->moments);
    while (backwards ? at > 0 : at + 1 < model->moment_count) {
        at += backwards ? (size_t)-1 : 1;
        const struct moment *to = &model->moments[at];
        if (to->call == from->call && to->moment.left == 0) {
            *end = RP_MOVED;
            return to->thread == from->thread ? to : out(model, from, backwards, end);
        }
    }
    return out(model, from, backwards, end);
}

/* ---- the engine against it ---- */

static void check_position(const struct rp_position *now, const struct moment *expected)
{
    assert_int_equal(now->moment.step, expected->moment.step);
    assert_int_equal(now->moment.left, expected->moment.left);
    assert_int_equal(now->thread, expected->thread);
    assert_int_equal(now->call, expected->call);
    assert_int_equal(now->line, expected->line);
    assert_int_equal(now->has_below, expected->has_below);
}

static void check_moves(struct rp_session *session, const struct model *model,
                        const struct moment *from)
{
    static const struct moment *(*const moves[])(const struct model *, const struct moment *, bool,
                                                 enum rp_end *) = {
        [RP_INTO] = into, [RP_OVER] = over, [RP_OVER_LINE] = NULL, [RP_OUT] = out};
    struct ct_error error = {0};
    for (unsigned i = 0; i < 2 * RP_MOVES; i++) {
        enum rp_move move = i / 2;
        bool backwards = i % 2;
        enum rp_end end, expected_end;
        if (moves[move] == NULL) {
            continue;
        }
        assert_int_equal(rp_go(session, from->moment, &error), CT_OK);
        check_position(rp_now(session), from);
        const struct moment *to = moves[move](model, from, backwards, &expected_end);
        assert_int_equal(rp_step(session, move, RP_THIS_THREAD, backwards, &end, &error), CT_OK);
        assert_int_equal(end, expected_end);
        check_position(rp_now(session), to);
    }
}

/* Into, from the first moment of a thread to its last and back. */
static void check_walk(struct rp_session *session, const struct model *model, uint32_t thread)
{
    struct ct_error error = {0};
    enum rp_end end;
    const struct moment *at = NULL;
    for (size_t i = 0; i < model->moment_count && at == NULL; i++) {
        at = model->moments[i].thread == thread ? &model->moments[i] : NULL;
    }
    if (at == NULL) {
        return;
    }
    assert_int_equal(rp_go(session, at->moment, &error), CT_OK);
    for (int backwards = 0; backwards < 2; backwards++) {
        enum rp_end expected = RP_MOVED;
        while (expected == RP_MOVED) {
            at = into(model, at, backwards, &expected);
            assert_int_equal(rp_step(session, RP_INTO, RP_THIS_THREAD, backwards, &end, &error),
                             CT_OK);
            assert_int_equal(end, expected);
            check_position(rp_now(session), at);
        }
    }
}

static void check_all(const char *path)
{
    struct ctr_trace *trace = tb_reopen(path);
    struct rp_session *session;
    struct ct_error error = {0};
    struct model model;
    make_model(trace, &model);
    assert_int_equal(rp_session_new(&session, trace, &error), CT_OK);
    for (size_t i = 0; i < model.moment_count; i += 7) {
        check_moves(session, &model, &model.moments[i]);
    }
    for (uint32_t thread = 0; thread < TB_THREADS; thread++) {
        check_walk(session, &model, thread);
    }
    rp_session_free(session);
    ctr_close(trace);
    free(model.events);
    free(model.moments);
}

static void random_traces(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct tb tb;
        char *path = tb_path();
        tb_open(&tb, path, PLANS, seed);
        tb.block_bytes = seed % 2 == 0 ? LARGE_BLOCK_BYTES : BLOCK_BYTES;
        tb_random(&tb, STEPS);
        tb_close(&tb, CTR_ENDED_NORMALLY, 0);
        check_all(path);
        tb_remove(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
