/* What a player says at a step is what the builder wrote there, however the step is reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace_builder.h"

enum { STEPS = 600, MANY_STEPS = 6000 };

struct fixture {
    struct tb tb;
    char *path;
    struct ctr_trace *trace;
};

static void set_up_steps(struct fixture *fixture, uint64_t seed, unsigned block_bytes,
                         unsigned steps)
{
    struct ct_error error = {0};
    fixture->path = tb_path();
    tb_open(&fixture->tb, fixture->path, 2, seed);
    fixture->tb.keep_states = true;
    fixture->tb.block_bytes = block_bytes;
    tb_random(&fixture->tb, steps);
    tb_close(&fixture->tb, CTR_ENDED_NORMALLY, 0);
    if (ctr_open(&fixture->trace, fixture->path, &error) != CT_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(ctr_info(fixture->trace)->complete);
    assert_int_equal(ctr_info(fixture->trace)->steps, steps);
}

static void set_up(struct fixture *fixture, uint64_t seed, unsigned block_bytes)
{
    set_up_steps(fixture, seed, block_bytes, STEPS);
}

static void tear_down(struct fixture *fixture)
{
    ctr_close(fixture->trace);
    tb_free_states(&fixture->tb);
    tb_remove(fixture->path);
}

static void check_state(struct fixture *fixture, struct ctr_player *player,
                        const struct ctr_event *event)
{
    char *state = tb_state_of_player(player, event);
    assert_string_equal(state, fixture->tb.states[event->step]);
    free(state);
}

static void play_within(struct fixture *fixture, uint32_t block, size_t object_bytes)
{
    struct ctr_player *player;
    struct ctr_event event;
    struct ct_error error = {0};
    uint64_t lines = 0;
    assert_int_equal(ctr_player_new(&player, fixture->trace, &error), CT_OK);
    ctr_player_limit(player, object_bytes);
    assert_int_equal(ctr_player_start(player, block, &error), CT_OK);
    int status;
    while ((status = ctr_player_next(player, &event, &error)) == CT_OK) {
        if (event.kind == CTR_EVENT_LINE) {
            check_state(fixture, player, &event);
            lines++;
        }
    }
    if (status != CT_ESTATE) {
        fail_msg("%s", error.message);
    }
    if (block == 0) {
        assert_int_equal(lines, STEPS);
    }
    ctr_player_free(player);
}

static void play_from(struct fixture *fixture, uint32_t block)
{
    play_within(fixture, block, SIZE_MAX / 2);
}

static const unsigned block_sizes[] = {0, 60, 100, 300, 2000};

static void plays_from_the_start(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof block_sizes / sizeof block_sizes[0]; i++) {
        struct fixture fixture;
        set_up(&fixture, 1 + i, block_sizes[i]);
        play_from(&fixture, 0);
        tear_down(&fixture);
    }
}

static void plays_from_any_block(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, 11, 400);
    for (uint32_t block = 0; block < ctr_info(fixture.trace)->blocks; block += 3) {
        play_from(&fixture, block);
    }
    tear_down(&fixture);
}

/* States of objects that had to go are fetched again and are the same. */
static void plays_within_little_memory(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 1000, 5000, 20000};
    struct fixture fixture;
    set_up(&fixture, 12, 300);
    for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        play_within(&fixture, 0, limits[i]);
        play_within(&fixture, ctr_info(fixture.trace)->blocks / 2, limits[i]);
    }
    tear_down(&fixture);
}

static void seeks_to_every_step(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof block_sizes / sizeof block_sizes[0]; i++) {
        struct fixture fixture;
        struct ctr_player *player;
        struct ctr_event event;
        struct ct_error error = {0};
        set_up(&fixture, 21 + i, block_sizes[i]);
        assert_int_equal(ctr_player_new(&player, fixture.trace, &error), CT_OK);
        uint64_t seed = 5;
        for (unsigned step = 0; step < STEPS; step++) {
            uint64_t to = step % 2 ? step : tb_next_random(&seed) % STEPS;
            if (ctr_player_seek(player, to, &event, &error) != CT_OK) {
                fail_msg("%s", error.message);
            }
            assert_int_equal(event.step, to);
            check_state(&fixture, player, &event);
        }
        assert_int_equal(ctr_player_seek(player, STEPS, &event, &error), CT_EUSAGE);
        ctr_player_free(player);
        tear_down(&fixture);
    }
}

/* Within a large block it is played from what was kept where somebody came by. */
static void seeks_within_a_block(void **state)
{
    (void)state;
    for (uint64_t seed = 31; seed < 33; seed++) {
        struct fixture fixture;
        struct ctr_player *player;
        struct ctr_event event;
        struct ct_error error = {0};
        set_up_steps(&fixture, seed, 0, MANY_STEPS);
        assert_true(ctr_info(fixture.trace)->blocks <= 2);
        assert_int_equal(ctr_player_new(&player, fixture.trace, &error), CT_OK);
        assert_int_equal(ctr_player_seek(player, MANY_STEPS - 1, &event, &error), CT_OK);
        for (unsigned step = MANY_STEPS - 5; step >= 5; step -= 5) { /* it never goes on */
            assert_int_equal(ctr_player_seek(player, step, &event, &error), CT_OK);
            assert_int_equal(event.step, step);
            check_state(&fixture, player, &event);
            if (step % 4 == 0) { /* but for one event */
                assert_int_equal(ctr_player_next(player, &event, &error), CT_OK);
            }
        }
        ctr_player_free(player);
        tear_down(&fixture);
    }
}

/* The call event comes after its arguments and before the first line; at its return a frame is
 * still there. */
static void tells_events_in_order(void **state)
{
    (void)state;
    struct tb tb;
    struct ct_error error = {0};
    char *path = tb_path();
    tb_open(&tb, path, 2, 1);
    tb_call(&tb, 0, false);
    tb_line(&tb, 11);
    tb_call(&tb, 1, true);
    tb_line(&tb, 20);
    tb_yield(&tb, tb_int(5));
    tb_next_block(&tb);
    tb_resume(&tb, 0);
    tb_unwind(&tb, tb_text("boom"));
    tb_output(&tb, "hello out there");
    tb_return(&tb, tb_int(-1));
    tb_close(&tb, CTR_ENDED_NORMALLY, 3);
    static const enum ctr_event_kind expected[] = {
        CTR_EVENT_CALL,   CTR_EVENT_LINE,  CTR_EVENT_CALL,   CTR_EVENT_LINE,   CTR_EVENT_YIELD,
        CTR_EVENT_RESUME, CTR_EVENT_RAISE, CTR_EVENT_UNWIND, CTR_EVENT_OUTPUT, CTR_EVENT_RETURN,
    };
    static const uint64_t calls[] = {0, 0, 1, 1, 1, 1, 1, 1, 0, 0};
    struct ctr_trace *trace;
    struct ctr_player *player;
    struct ctr_event event;
    assert_int_equal(ctr_open(&trace, path, &error), CT_OK);
    assert_int_equal(ctr_info(trace)->exit_status, 3);
    assert_int_equal(ctr_player_new(&player, trace, &error), CT_OK);
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(ctr_player_next(player, &event, &error), CT_OK);
        assert_string_equal(ctr_event_name(event.kind), ctr_event_name(expected[i]));
        if (event.kind == CTR_EVENT_OUTPUT) {
            assert_int_equal(event.number, 1);
            continue; /* no record of this block has spoken of the frame yet */
        }
        assert_non_null(event.frame);
        assert_int_equal(event.frame->call, calls[i]);
        assert_int_equal(event.frame->slots[0].tag, CTR_V_INT);
        assert_ptr_equal(ctr_player_frame(player, 0, 0, &error), event.frame);
    }
    assert_int_equal(event.value.tag, CTR_V_INT);
    assert_int_equal((int64_t)event.value.bits, -1);
    assert_int_equal(ctr_player_next(player, &event, &error), CT_ESTATE);
    assert_null(ctr_player_frame(player, 0, 0, &error));
    ctr_player_free(player);
    ctr_close(trace);
    tb_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plays_from_the_start),       cmocka_unit_test(plays_from_any_block),
        cmocka_unit_test(plays_within_little_memory), cmocka_unit_test(seeks_to_every_step),
        cmocka_unit_test(seeks_within_a_block),       cmocka_unit_test(tells_events_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
