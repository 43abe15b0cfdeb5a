/* What the index answers is what playing the whole trace finds. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/calls.h"
#include "trace/query.h"
#include "trace/recover.h"
#include "trace/sweep.h"
#include "trace_builder.h"

enum { STEPS = 3000, BLOCK_BYTES = 100, LARGE_BLOCK_BYTES = 100 * 1024, LINES = 256, PLANS = 2 };

struct line { /* an event of the whole trace, in order */
    enum ctr_event_kind kind;
    uint64_t step; /* steps before it; of a line its number */
    uint64_t call;
    uint64_t parent;
    uint32_t plan, line, thread;
};

struct oracle {
    struct line *events;
    size_t count;
};

static void play(struct ctr_trace *trace, struct oracle *oracle)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    size_t capacity = 0;
    *oracle = (struct oracle){0};
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    uint64_t steps = 0;
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        if (oracle->count == capacity) {
            capacity = capacity == 0 ? 1024 : capacity * 2;
            oracle->events = realloc(oracle->events, capacity * sizeof *oracle->events);
            assert_non_null(oracle->events);
        }
        struct line *line = &oracle->events[oracle->count++];
        *line = (struct line){
            .kind = event.kind, .step = steps, .call = CTR_NO_CALL, .thread = event.thread};
        if (event.frame != NULL) {
            line->call = event.frame->call;
            line->plan = event.frame->plan;
            line->line = event.frame->line;
            line->parent = event.frame->parent;
        }
        steps += event.kind == CTR_EVENT_LINE;
    }
    assert_int_equal(steps, ctr_info(trace)->steps);
    ctr_player_free(player);
}

/* ---- hits ---- */

static bool wanted(const struct ctr_query *query, const struct line *event)
{
    switch (query->kind) {
    case CTR_FIND_LINE:
        return event->kind == CTR_EVENT_LINE && event->plan == query->plan &&
               event->line == query->line &&
               (query->call == CTR_NO_CALL || query->call == event->call);
    case CTR_FIND_STEP:
        return event->kind == CTR_EVENT_LINE && event->call == query->call;
    case CTR_FIND_RAISE:
        return event->kind == CTR_EVENT_RAISE;
    case CTR_FIND_INPUT:
        return event->kind == CTR_EVENT_INPUT;
    default:
        return event->kind == CTR_EVENT_OUTPUT;
    }
}

/* Page after page of a few hits, compared with the events in that direction. */
static void check_pages(struct ctr_trace *trace, const struct oracle *oracle,
                        const struct ctr_query *query, bool backwards, uint32_t most_blocks)
{
    struct ctr_hit hits[7];
    struct ctr_page page = {.hits = hits, .capacity = 7};
    struct ctr_place from = backwards ? ctr_place_end(trace) : (struct ctr_place){0, 0};
    struct ct_error error = {0};
    size_t at = backwards ? oracle->count : 0;
    do {
        assert_int_equal(ctr_find(trace, query, from, backwards, most_blocks, &page, &error),
                         CT_OK);
        for (size_t i = 0; i < page.count; i++) {
            const struct line *event;
            do {
                assert_true(backwards ? at > 0 : at < oracle->count);
                event = &oracle->events[backwards ? --at : at++];
            } while (!wanted(query, event));
            assert_int_equal(hits[i].step, event->step);
            assert_int_equal(hits[i].thread, event->thread);
            if (query->kind <= CTR_FIND_STEP) {
                assert_int_equal(hits[i].call, event->call);
                assert_int_equal(hits[i].line, event->line);
            }
        }
        from = page.next;
    } while (!page.done);
    while (backwards ? at > 0 : at < oracle->count) {
        assert_false(wanted(query, &oracle->events[backwards ? --at : at++]));
    }
}

static void check_both_ways(struct ctr_trace *trace, const struct oracle *oracle,
                            const struct ctr_query *query)
{
    check_pages(trace, oracle, query, false, 0);
    check_pages(trace, oracle, query, true, 3);
}

static void check_hits(struct ctr_trace *trace, const struct oracle *oracle)
{
    for (uint32_t line = 9; line < 210; line += 20) {
        for (uint32_t plan = 0; plan < PLANS; plan++) {
            struct ctr_query query = {
                .kind = CTR_FIND_LINE, .plan = plan, .line = line, .call = CTR_NO_CALL};
            check_both_ways(trace, oracle, &query);
            query.call = 1;
            check_both_ways(trace, oracle, &query);
        }
    }
    for (uint64_t call = 0; call < ctr_info(trace)->calls; call += 37) {
        struct ctr_query query = {.kind = CTR_FIND_STEP, .call = call};
        check_both_ways(trace, oracle, &query);
    }
    struct ctr_query raises = {.kind = CTR_FIND_RAISE, .call = CTR_NO_CALL};
    struct ctr_query outputs = {.kind = CTR_FIND_OUTPUT, .call = CTR_NO_CALL};
    struct ctr_query inputs = {.kind = CTR_FIND_INPUT, .call = CTR_NO_CALL};
    check_both_ways(trace, oracle, &raises);
    check_both_ways(trace, oracle, &outputs);
    check_both_ways(trace, oracle, &inputs);
}

static void check_places(struct ctr_trace *trace, const struct oracle *oracle)
{
    struct ct_error error = {0};
    for (size_t i = 0; i < oracle->count; i += 61) {
        const struct line *event = &oracle->events[i];
        if (event->kind != CTR_EVENT_LINE) {
            continue;
        }
        struct ctr_place place;
        struct ctr_hit hit;
        struct ctr_page page = {.hits = &hit, .capacity = 1};
        struct ctr_query query = {.kind = CTR_FIND_STEP, .call = event->call};
        assert_int_equal(ctr_place_of_step(trace, event->step, &place, &error), CT_OK);
        assert_int_equal(ctr_find(trace, &query, place, false, 0, &page, &error), CT_OK);
        assert_int_equal(page.count, 1);
        assert_int_equal(hit.step, event->step);
    }
}

static void check_counts(struct ctr_trace *trace, const struct oracle *oracle)
{
    struct ct_error error = {0};
    for (uint64_t step = 0; step <= ctr_info(trace)->steps; step += 271) {
        for (uint32_t plan = 0; plan < PLANS; plan++) {
            uint64_t visits[LINES], expected[LINES] = {0};
            for (size_t i = 0; i < oracle->count; i++) {
                const struct line *event = &oracle->events[i];
                if (event->kind == CTR_EVENT_LINE && event->step < step && event->plan == plan) {
                    expected[event->line]++;
                }
            }
            assert_int_equal(ctr_count_lines(trace, plan, 0, LINES, step, visits, &error), CT_OK);
            assert_memory_equal(visits, expected, sizeof visits);
        }
    }
}

/* ---- variables ---- */

/* At every line, the last write of the slot by this call is what the frame holds. */
struct written {
    const struct ctr_hit *hits;
    size_t count, met;
};

/* One worker: they come in the order of the trace. */
static bool is_next_write(void *context, const struct ctr_sweep_visit *visit)
{
    struct written *written = context;
    assert_true(written->met < written->count);
    const struct ctr_hit *hit = &written->hits[written->met++];
    assert_int_equal(visit->place.block, hit->place.block);
    assert_int_equal(visit->place.at, hit->place.at);
    assert_int_equal(visit->step, hit->step);
    assert_int_equal(visit->call, hit->call);
    assert_true(ctr_value_same(visit->values[0], hit->value));
    return true;
}

static void sweep_writes(struct ctr_trace *trace, uint32_t plan, uint32_t slot,
                         const struct ctr_page *page)
{
    struct written written = {.hits = page->hits, .count = page->count};
    struct ct_error error = {0};
    uint64_t key = ctr_key(plan, slot);
    struct ctr_sweep_plan of_plan = {plan, &slot, 1};
    struct ctr_sweep sweep = {.of_writes = true,
                              .keys = &key,
                              .key_count = 1,
                              .plans = &of_plan,
                              .plan_count = 1,
                              .workers = 1,
                              .visit = is_next_write,
                              .context = &written};
    struct ctr_sweep_range range = {.end = UINT32_MAX};
    assert_int_equal(ctr_sweep(trace, &sweep, &range, &error), CT_OK);
    assert_int_equal(written.met, written.count);
}

static void check_writes(struct ctr_trace *trace, uint32_t plan, uint32_t slot)
{
    enum { MANY = 20000 };
    struct ct_error error = {0};
    struct ctr_hit *hits = calloc(MANY, sizeof *hits);
    struct ctr_page page = {.hits = hits, .capacity = MANY};
    struct ctr_query query = {
        .kind = CTR_FIND_WRITE, .plan = plan, .slot = slot, .call = CTR_NO_CALL};
    assert_int_equal(ctr_find(trace, &query, (struct ctr_place){0, 0}, false, 0, &page, &error),
                     CT_OK);
    assert_true(page.done && page.count > 0);
    sweep_writes(trace, plan, slot, &page);
    struct ctr_value *held = calloc(ctr_info(trace)->calls + 1, sizeof *held);
    struct ctr_player *player;
    struct ctr_event event;
    size_t at = 0;
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        if (event.kind != CTR_EVENT_LINE || event.frame->plan != plan) {
            continue;
        }
        for (; at < page.count && hits[at].step <= event.step; at++) {
            held[hits[at].call] = hits[at].value;
        }
        assert_true(ctr_value_equal(trace, event.frame->slots[slot], held[event.frame->call]));
    }
    ctr_player_free(player);

    /* backwards, and of one call only */
    uint64_t call = hits[page.count / 2].call;
    struct ctr_hit few[5];
    struct ctr_page back = {.hits = few, .capacity = 5, .next = ctr_place_end(trace)};
    query.call = call;
    size_t left = page.count;
    do {
        assert_int_equal(ctr_find(trace, &query, back.next, true, 0, &back, &error), CT_OK);
        for (size_t i = 0; i < back.count; i++) {
            do {
                assert_true(left-- > 0);
            } while (hits[left].call != call);
            assert_int_equal(few[i].step, hits[left].step);
            assert_true(ctr_value_same(few[i].value, hits[left].value));
        }
    } while (!back.done);
    free(held);
    free(hits);
}

/* ---- objects ---- */

/* What the hits say of an item is what a player finds, step by step. */
static void check_changes(struct ctr_trace *trace, uint64_t object, uint64_t index)
{
    enum { MANY = 20000 };
    struct ct_error error = {0};
    struct ctr_hit *hits = calloc(MANY, sizeof *hits);
    struct ctr_page page = {.hits = hits, .capacity = MANY};
    struct ctr_query query = {.kind = CTR_FIND_CHANGE,
                              .object = object,
                              .part = CTR_PART_ITEM,
                              .index = index,
                              .call = CTR_NO_CALL};
    assert_int_equal(ctr_find(trace, &query, (struct ctr_place){0, 0}, false, 0, &page, &error),
                     CT_OK);
    assert_true(page.done);
    struct ctr_player *player;
    struct ctr_event event;
    struct ctr_value held = {0};
    size_t at = 0;
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        if (event.kind != CTR_EVENT_LINE) {
            continue;
        }
        for (; at < page.count && hits[at].step <= event.step; at++) {
            held = hits[at].value;
        }
        const struct ctr_object *state = ctr_player_object(player, object, &error);
        struct ctr_value now = {0};
        if (state != NULL && index < state->item_count) {
            now = state->items[index];
        }
        assert_true(ctr_value_equal(trace, now, held));
    }
    ctr_player_free(player);

    struct ctr_hit few[6];
    struct ctr_page back = {.hits = few, .capacity = 6, .next = ctr_place_end(trace)};
    size_t left = page.count;
    do {
        assert_int_equal(ctr_find(trace, &query, back.next, true, 0, &back, &error), CT_OK);
        for (size_t i = 0; i < back.count; i++) {
            assert_true(left-- > 0);
            assert_int_equal(few[i].step, hits[left].step);
            assert_int_equal(few[i].place.at, hits[left].place.at);
        }
    } while (!back.done);
    assert_int_equal(left, 0);
    free(hits);
}

/* ---- calls ---- */

static void check_call(struct ctr_trace *trace, const struct oracle *oracle, uint64_t number)
{
    struct ctr_call call, expected = {.number = number, .end = ctr_info(trace)->steps};
    struct ct_error error = {0};
    uint64_t children = 0, child, count, calls = 0;
    bool started = false, moved = false; /* to another thread: then nobody counts its calls */
    for (size_t i = 0; i < oracle->count; i++) {
        const struct line *event = &oracle->events[i];
        bool own = event->call == number;
        if (event->kind == CTR_EVENT_CALL) {
            calls += started && expected.exit == CTR_EXIT_NONE && event->thread == expected.thread;
            if (event->parent == number) {
                assert_int_equal(ctr_call_child(trace, number, children++, &child, &count, &error),
                                 CT_OK);
                assert_int_equal(child, event->call);
            }
        }
        if (own && event->kind == CTR_EVENT_CALL) {
            started = true;
            expected.start = event->step;
            expected.parent = event->parent;
            expected.plan = event->plan;
            expected.thread = event->thread;
        } else if (own && (event->kind == CTR_EVENT_RETURN || event->kind == CTR_EVENT_UNWIND)) {
            expected.exit = event->kind == CTR_EVENT_RETURN ? CTR_EXIT_RETURN : CTR_EXIT_UNWIND;
            expected.end = event->step;
            expected.calls = calls;
            moved = event->thread != expected.thread;
        }
    }
    assert_int_equal(ctr_call_get(trace, number, &call, &error), CT_OK);
    assert_int_equal(call.start, expected.start);
    assert_int_equal(call.end, expected.end);
    assert_int_equal(call.exit, expected.exit);
    assert_int_equal(call.plan, expected.plan);
    assert_int_equal(call.thread, expected.thread);
    assert_int_equal(call.parent, expected.parent);
    assert_true(moved || call.calls == expected.calls);
    assert_int_equal(ctr_call_child(trace, number, children, &child, &count, &error), CT_ESTATE);
    assert_int_equal(count, children);
    assert_int_equal(ctr_call_children(trace, &call, &count, &error), CT_OK);
    assert_int_equal(count, children);
}

static void check_visits(struct ctr_trace *trace, const struct oracle *oracle, uint64_t call)
{
    struct ct_error error = {0};
    uint64_t seen[LINES] = {0}, step, count;
    for (size_t i = 0; i < oracle->count; i++) {
        const struct line *event = &oracle->events[i];
        if (event->kind == CTR_EVENT_LINE && event->call == call) {
            assert_int_equal(ctr_call_visit(trace, call, event->line, seen[event->line]++, &step,
                                            &count, &error),
                             CT_OK);
            assert_int_equal(step, event->step);
        }
    }
    assert_int_equal(ctr_call_visit(trace, call, 50, seen[50], &step, &count, &error), CT_ESTATE);
    assert_int_equal(count, seen[50]);
}

/* ---- sweeps ---- */

enum { SWEPT_SLOTS = 3, SWEPT_LINES = 210, SWEPT_KEYS = PLANS * SWEPT_LINES / 2 };

static const uint32_t swept_slots[SWEPT_SLOTS] = {4, 0, 1};

struct swept {
    uint64_t visits[CTR_SWEEP_WORKERS];
    uint64_t sums[CTR_SWEEP_WORKERS];
    struct ctr_place places[CTR_SWEEP_WORKERS]; /* of the latest visit */
    bool is_enough;
};

static uint64_t sum_of(uint64_t step, uint64_t key, uint64_t at, const struct ctr_value *values)
{
    uint64_t sum = step * 31 + key * 7 + at;
    for (uint32_t i = 0; i < SWEPT_SLOTS; i++) {
        sum = sum * 1099511628211ull + values[i].tag * 3 + values[i].block * 5 + values[i].bits;
    }
    return sum;
}

static bool add_visit(void *context, const struct ctr_sweep_visit *visit)
{
    struct swept *swept = context;
    struct ctr_place *before = &swept->places[visit->worker];
    assert_true(swept->visits[visit->worker] == 0 || visit->place.block != before->block ||
                visit->place.at > before->at);
    *before = visit->place;
    swept->visits[visit->worker]++;
    swept->sums[visit->worker] += sum_of(visit->step, visit->key, visit->place.at, visit->values);
    return !swept->is_enough;
}

/* The sum of all visits, by playing. */
static uint64_t sum_by_playing(struct ctr_trace *trace, uint64_t *visits)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    uint64_t sum = 0;
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        bool is_line = event.kind == CTR_EVENT_LINE && event.frame->line % 2 == 0 &&
                       event.frame->line < SWEPT_LINES;
        if (is_line) {
            uint32_t key = (event.frame->plan * SWEPT_LINES + event.frame->line) / 2;
            struct ctr_value values[SWEPT_SLOTS];
            for (uint32_t i = 0; i < SWEPT_SLOTS; i++) {
                values[i] = event.frame->slots[swept_slots[i]];
            }
            ++*visits;
            sum += sum_of(event.step, key, ctr_player_at(player), values);
        }
    }
    ctr_player_free(player);
    return sum;
}

/* Every second line of every plan, in windows of `most_blocks`; with `is_enough` each window ends
 * as soon as it can. */
static void check_sweep(struct ctr_trace *trace, bool backwards, uint32_t most_blocks,
                        bool is_enough)
{
    uint64_t keys[SWEPT_KEYS];
    struct ctr_sweep_plan plans[PLANS];
    struct swept swept = {.is_enough = is_enough};
    struct ct_error error = {0};
    for (uint32_t i = 0; i < SWEPT_KEYS; i++) {
        keys[i] = ctr_key(2 * i / SWEPT_LINES, 2 * i % SWEPT_LINES);
    }
    for (uint32_t i = 0; i < PLANS; i++) {
        plans[i] = (struct ctr_sweep_plan){i, swept_slots, SWEPT_SLOTS};
    }
    struct ctr_sweep sweep = {.keys = keys,
                              .key_count = SWEPT_KEYS,
                              .plans = plans,
                              .plan_count = PLANS,
                              .workers = 3,
                              .visit = add_visit,
                              .context = &swept};
    struct ctr_sweep_range range = {
        .end = UINT32_MAX, .backwards = backwards, .most_blocks = most_blocks};
    uint64_t visits = 0, sum = sum_by_playing(trace, &visits);
    assert_true(visits > 0);
    do {
        uint32_t left = range.end - range.first;
        assert_int_equal(ctr_sweep(trace, &sweep, &range, &error), CT_OK);
        assert_true(range.end - range.first < left);
    } while (range.first < range.end);
    for (unsigned i = 0; i < CTR_SWEEP_WORKERS; i++) {
        visits -= swept.visits[i];
        sum -= swept.sums[i];
    }
    assert_int_equal(visits, 0);
    assert_int_equal(sum, 0);
}

/* ---- the cases ---- */

static void check_all(const char *path)
{
    struct ctr_trace *trace = tb_reopen(path);
    struct oracle oracle;
    play(trace, &oracle);
    check_hits(trace, &oracle);
    check_places(trace, &oracle);
    check_counts(trace, &oracle);
    for (uint32_t slot = 0; slot < TB_SLOTS; slot++) {
        check_writes(trace, slot % PLANS, slot);
    }
    for (uint64_t object = 0; object < TB_OBJECTS; object += 2) {
        check_changes(trace, object, object % 3);
    }
    for (uint64_t call = 0; call < ctr_info(trace)->calls; call++) {
        check_call(trace, &oracle, call);
    }
    for (uint64_t call = 0; call < ctr_info(trace)->calls; call += 11) {
        check_visits(trace, &oracle, call);
    }
    for (int i = 0; i < 4; i++) {
        check_sweep(trace, i % 2, 0, i / 2);
        check_sweep(trace, i % 2, 3, i / 2);
    }
    free(oracle.events);
    ctr_close(trace);
}

static void finished_trace(void **state)
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

/* Without INDEX blocks for its end, the blocks themselves are looked into; and once recovered it
 * has them. */
static void killed_trace(void **state)
{
    (void)state;
    char *path = tb_path();
    struct ct_error error = {0};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct tb tb;
        tb_open(&tb, path, PLANS, 5);
        tb.block_bytes = BLOCK_BYTES;
        tb_random(&tb, STEPS);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    check_all(path);
    assert_int_equal(ctr_recover(path, CTR_ENDED_BY_SIGNAL, INT32_MIN, &error), CT_OK);
    struct ctr_trace *trace = tb_reopen(path);
    assert_true(ctr_info(trace)->complete);
    ctr_close(trace);
    check_all(path);
    tb_remove(path);
}

static void no_such_thing(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, PLANS, 5);
    tb_call(&tb, 0, false);
    tb_line(&tb, 12);
    tb_return(&tb, tb_int(1));
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    struct ct_error error = {0};
    struct ctr_call call;
    struct ctr_place place;
    struct ctr_hit hit;
    struct ctr_page page = {.hits = &hit, .capacity = 1};
    struct ctr_query query = {.kind = CTR_FIND_STEP, .call = 99};
    assert_int_equal(ctr_call_get(trace, 1, &call, &error), CT_EUSAGE);
    assert_int_equal(ctr_place_of_step(trace, 1, &place, &error), CT_EUSAGE);
    assert_int_equal(ctr_find(trace, &query, ctr_place_end(trace), true, 0, &page, &error), CT_OK);
    assert_true(page.done && page.count == 0);
    query = (struct ctr_query){.kind = CTR_FIND_LINE, .plan = 77, .call = CTR_NO_CALL};
    assert_int_equal(ctr_find(trace, &query, (struct ctr_place){0, 0}, false, 0, &page, &error),
                     CT_OK);
    assert_true(page.done && page.count == 0);
    struct ctr_sweep_plan plan = {.plan = 77};
    uint64_t key = ctr_key(77, 1);
    struct ctr_sweep sweep = {.keys = &key, .key_count = 1, .plans = &plan, .plan_count = 1};
    struct ctr_sweep_range range = {.end = UINT32_MAX};
    assert_int_equal(ctr_sweep(trace, &sweep, &range, &error), CT_OK);
    assert_int_equal(range.first, range.end);
    ctr_close(trace);
    tb_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_trace),
        cmocka_unit_test(killed_trace),
        cmocka_unit_test(no_such_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
