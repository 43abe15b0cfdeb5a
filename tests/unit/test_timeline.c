/* Pictures of a recording, and what calls did line by line, over traces of many small blocks: each
 * answer is compared with what playing all events counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/breakpoints.h"
#include "replay/timeline.h"
#include "trace/calls.h"
#include "trace/overview.h"
#include "trace_builder.h"

enum { STEPS = 1500, BLOCK_BYTES = 90, PLANS = 2, PARTS = 40, SHORT = 12, LONG = 100, LINES = 256 };

struct line { /* a step, and what came after it */
    uint64_t call;
    uint32_t thread, plan, line, block;
    int32_t depth;
    unsigned outputs, raises;
};

struct played {
    struct line *lines;
    uint64_t count;
};

static bool enters(enum ctr_event_kind kind)
{
    return kind == CTR_EVENT_CALL || kind == CTR_EVENT_RESUME || kind == CTR_EVENT_THROW;
}

static bool leaves(enum ctr_event_kind kind)
{
    return kind == CTR_EVENT_RETURN || kind == CTR_EVENT_YIELD || kind == CTR_EVENT_UNWIND;
}

static void play(struct ctr_trace *trace, struct played *played)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    int32_t depths[TB_THREADS] = {0};
    played->count = 0;
    played->lines = calloc(ctr_info(trace)->steps + 1, sizeof *played->lines);
    assert_non_null(played->lines);
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    while (ctr_player_next(player, &event, &error) == CT_OK) {
        struct line *last = &played->lines[played->count > 0 ? played->count - 1 : 0];
        if (event.kind == CTR_EVENT_LINE) {
            played->lines[played->count++] = (struct line){
                .call = event.frame->call,
                .thread = event.thread,
                .plan = event.frame->plan,
                .line = event.frame->line,
                .block = event.block,
                .depth = depths[event.thread] - 1,
            };
        }
        last->outputs += event.kind == CTR_EVENT_OUTPUT;
        last->raises += event.kind == CTR_EVENT_RAISE;
        depths[event.thread] += enters(event.kind) - leaves(event.kind);
    }
    ctr_player_free(player);
}

/* ---- calls, line by line ---- */

static void check_call(struct ctr_trace *trace, const struct played *played, uint64_t call)
{
    struct ct_error error = {0};
    uint64_t visits[LINES] = {0}, count;
    uint32_t *lines, line_count, at = 0;
    uint64_t until = call * 37 % (played->count + 1);
    for (uint64_t i = 0; i < played->count; i++) {
        const struct line *line = &played->lines[i];
        if (i == until) {
            for (uint32_t number = 9; number < LINES; number += 20) {
                assert_int_equal(ctr_call_visits(trace, call, number, until, &count, &error),
                                 CT_OK);
                assert_int_equal(count, visits[number]);
            }
        }
        visits[line->line] += line->call == call;
    }
    assert_int_equal(ctr_call_lines(trace, call, &lines, &line_count, &error), CT_OK);
    for (uint32_t number = 0; number < LINES; number++) {
        if (visits[number] > 0) {
            assert_true(at < line_count);
            assert_int_equal(lines[at++], number);
            assert_int_equal(ctr_call_visits(trace, call, number, UINT64_MAX, &count, &error),
                             CT_OK);
            assert_int_equal(count, visits[number]);
        }
    }
    assert_int_equal(at, line_count);
    free(lines);
}

/* ---- block by block ---- */

static void check_blocks(struct ctr_trace *trace, const struct played *played)
{
    struct ct_error error = {0};
    uint32_t blocks = ctr_info(trace)->blocks;
    struct ctr_index_entry *entries = calloc(blocks, sizeof *entries);
    uint64_t *visits = calloc(blocks, sizeof *visits), *expected = calloc(blocks, sizeof *expected);
    uint64_t keys[2] = {ctr_key(0, played->lines[700].line), ctr_key(1, 50)};
    assert_int_equal(ctr_entries(trace, 0, blocks, entries, &error), CT_OK);
    assert_int_equal(ctr_entries(trace, 1, blocks, entries, &error), CT_EUSAGE);
    for (uint64_t i = 0; i < played->count; i++) {
        const struct line *line = &played->lines[i];
        uint64_t key = ctr_key(line->plan, line->line);
        assert_true(i == 0 || line->block == line[-1].block ||
                    entries[line->block].first_step <= i);
        expected[line->block] += (key == keys[0]) + (key == keys[1]);
    }
    assert_int_equal(ctr_visits_by_block(trace, keys, 2, 3, blocks - 3, visits + 3, &error), CT_OK);
    assert_memory_equal(visits + 3, expected + 3, (blocks - 3) * sizeof *visits);
    free(entries);
    free(visits);
    free(expected);
}

/* ---- timelines ---- */

static struct rp_depths *parts_of(const struct rp_timeline *timeline, uint32_t thread)
{
    for (uint32_t i = 0; i < timeline->thread_count; i++) {
        if (timeline->threads[i].thread == thread) {
            return timeline->threads[i].parts;
        }
    }
    return NULL;
}

static uint32_t part_of(const struct rp_timeline *timeline, uint64_t step)
{
    return (uint32_t)((step - timeline->from) * timeline->count / (timeline->to - timeline->from));
}

static void check_timeline(struct rp_session *session, const struct played *played, uint64_t from,
                           uint64_t to, uint32_t count, uint32_t stop)
{
    struct rp_timeline timeline = {0};
    struct ct_error error = {0};
    uint64_t outputs = 0, hits = 0, expected_outputs = 0, expected_hits = 0;
    assert_int_equal(rp_timeline(session, from, to, count, &timeline, &error), CT_OK);
    for (uint64_t i = from; i < to; i++) {
        const struct line *line = &played->lines[i];
        const struct rp_depths *parts = parts_of(&timeline, line->thread);
        assert_non_null(parts);
        assert_true(parts[part_of(&timeline, i)].least <= line->depth);
        assert_true(parts[part_of(&timeline, i)].most >= line->depth);
        expected_outputs += line->outputs;
        expected_hits += line->line == stop;
    }
    for (uint32_t i = 0; i < count; i++) {
        outputs += timeline.parts[i].outputs;
        hits += timeline.parts[i].hits;
        assert_true(i == 0 || timeline.parts[i].tick >= timeline.parts[i - 1].tick);
    }
    if (timeline.is_exact || to - from == played->count) {
        assert_int_equal(outputs, expected_outputs);
        assert_int_equal(hits, expected_hits);
    }
    assert_int_equal(timeline.is_exact, to - from < LONG);
    rp_timeline_clear(&timeline);
}

static void check_timelines(struct ctr_trace *trace, const struct played *played)
{
    struct rp_session *session;
    struct rp_timeline timeline = {0};
    struct ct_error error = {0};
    uint32_t number;
    size_t at;
    struct rp_break wanted = {.path = 0, .line = played->lines[700].line};
    assert_int_equal(rp_session_new(&session, trace, &error), CT_OK);
    assert_int_equal(rp_break_add(session, &wanted, &number, &at, &error), CT_OK);
    check_timeline(session, played, 0, played->count, PARTS, wanted.line);
    check_timeline(session, played, 0, played->count, 1000, wanted.line);
    for (uint64_t from = 0; from + SHORT < played->count; from += 101) {
        check_timeline(session, played, from, from + SHORT, 5, wanted.line);
        check_timeline(session, played, from, from + SHORT, 50, wanted.line);
    }
    check_timeline(session, played, 200, played->count - 100, PARTS, wanted.line);
    assert_int_equal(rp_timeline(session, 5, 5, 1, &timeline, &error), CT_EUSAGE);
    assert_int_equal(rp_timeline(session, 0, 9, 0, &timeline, &error), CT_EUSAGE);
    rp_session_free(session);
}

static void random_traces(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct tb tb;
        struct played played;
        char *path = tb_path();
        tb_open(&tb, path, PLANS, seed);
        tb.block_bytes = BLOCK_BYTES;
        tb_random(&tb, STEPS);
        tb_close(&tb, CTR_ENDED_NORMALLY, 0);
        struct ctr_trace *trace = tb_reopen(path);
        assert_true(ctr_info(trace)->blocks > 64);
        play(trace, &played);
        for (uint64_t call = 0; call < ctr_info(trace)->calls; call += 5) {
            check_call(trace, &played, call);
        }
        check_blocks(trace, &played);
        check_timelines(trace, &played);
        free(played.lines);
        ctr_close(trace);
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
