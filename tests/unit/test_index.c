/* An INDEX block says what is in the blocks, takes bounded memory to make, and harms nobody when it
 * is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/query.h"
#include "trace/summary.h"
#include "trace_builder.h"

enum { PLANS = 2, MEMORY_MAX = 8 << 20 };

/* The index of the trace's first blocks, at most a segment. */
static struct ctr_summary *summarise(struct ctr_trace *trace, struct ct_bytes *to)
{
    struct ctr_summary *summary = ctr_summary_new();
    assert_non_null(summary);
    for (uint32_t i = 0; i < ctr_info(trace)->blocks && i < CTR_SEGMENT_BLOCKS; i++) {
        const struct ctr_block *block;
        struct ctr_index_entry placed = {.offset = 1000 + i};
        assert_int_equal(ctr_block_acquire(trace, i, &block, NULL), CT_OK);
        ctr_summary_add(summary, &placed, block->raw, block->size, i % 2 == 0 ? block : NULL);
        ctr_block_release(trace, block);
        assert_true(ctr_summary_memory(summary) < MEMORY_MAX);
    }
    ctr_summary_encode(summary, to);
    assert_false(to->failed);
    return summary;
}

static void look_everywhere(const struct ctr_segment *segment)
{
    struct ctr_call_end end;
    struct ctr_frame_part part;
    for (uint64_t number = 0; number < 40; number++) {
        ctr_segment_end_of(segment, number, &end);
        for (unsigned block = 0; block < segment->count; block++) {
            ctr_segment_opens(segment, block, &number, 1);
            if (ctr_segment_part(segment, block, number, &part)) {
                ctr_part_visits(&part, 30);
            }
        }
    }
    for (uint32_t line = 0; line < 220; line++) {
        const struct ctr_marks *marks = ctr_keyed_find(&segment->lines, ctr_key(0, line));
        for (uint64_t left = marks != NULL ? marks->blocks : 0; left != 0; left &= left - 1) {
            ctr_marks_visits(segment, marks, (unsigned)__builtin_ctzll(left));
        }
    }
}

static void says_what_is_there(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, PLANS, 9);
    tb.block_bytes = 400;
    tb_random(&tb, 1500);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    struct ct_bytes raw = {0};
    struct ctr_summary *summary = summarise(trace, &raw);
    struct ctr_segment segment = {0};
    struct ct_error error = {0};
    assert_int_equal(ctr_segment_decode(raw.data, raw.size, &segment, &error), CT_OK);
    assert_int_equal(segment.count, ctr_summary_count(summary));
    for (unsigned i = 0; i < segment.count; i++) {
        const struct ctr_block *block;
        const struct ctr_index_entry *entry = &segment.entries[i];
        uint64_t steps = 0;
        assert_int_equal(ctr_block_acquire(trace, i, &block, NULL), CT_OK);
        assert_int_equal(entry->offset, 1000 + i);
        assert_int_equal(entry->first_step, block->first_step);
        assert_int_equal(entry->first_call, block->first_call);
        assert_int_equal(entry->thread, block->thread);
        assert_in_range(entry->thread_count, 1, TB_THREADS);
        assert_true(entry->depth_min <= entry->depth_end && entry->depth_end <= entry->depth_max);
        for (uint32_t at = 0; at < segment.lines.count; at++) {
            const struct ctr_marks *marks = &segment.lines.marks[at];
            if (marks->blocks >> i & 1) {
                steps += ctr_marks_visits(&segment, marks, i);
            }
        }
        assert_int_equal(steps, block->steps);
        ctr_block_release(trace, block);
    }
    for (unsigned table = 0; table < CTR_INDEX_TABLES; table++) {
        assert_int_equal(segment.missing[table], 0);
    }
    ctr_segment_clear(&segment);
    ctr_summary_free(summary);
    ct_bytes_free(&raw);
    ctr_close(trace);
    tb_remove(path);
}

/* More lines than a table holds: the bound is kept, and every answer is still right. */
static void answers_beyond_its_limits(void **state)
{
    (void)state;
    enum { MANY = 150000, TWICE = 140000 };
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, PLANS, 9);
    tb.block_bytes = 50000;
    tb_call(&tb, 0, false);
    for (uint32_t line = 1; line <= MANY; line++) {
        tb_line(&tb, line);
    }
    tb_line(&tb, TWICE);
    tb_return(&tb, tb_int(0));
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    struct ct_bytes raw = {0};
    ctr_summary_free(summarise(trace, &raw));
    ct_bytes_free(&raw);
    struct ct_error error = {0};
    struct ctr_hit hits[3];
    struct ctr_page page = {.hits = hits, .capacity = 3};
    struct ctr_query query = {.kind = CTR_FIND_LINE, .line = TWICE, .call = CTR_NO_CALL};
    assert_int_equal(ctr_find(trace, &query, (struct ctr_place){0, 0}, false, 0, &page, &error),
                     CT_OK);
    assert_int_equal(page.count, 2);
    assert_int_equal(hits[0].step, TWICE - 1);
    assert_int_equal(hits[1].step, MANY);
    static const uint32_t some[] = {1, 30000, 60000, 90000, 120000, MANY};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        uint64_t visits;
        assert_int_equal(ctr_count_lines(trace, 0, some[i], 1, some[i] - 1, &visits, &error),
                         CT_OK);
        assert_int_equal(visits, 0);
        assert_int_equal(ctr_count_lines(trace, 0, some[i], 1, some[i], &visits, &error), CT_OK);
        assert_int_equal(visits, 1);
    }
    ctr_close(trace);
    tb_remove(path);
}

static void damage_does_no_harm(void **state)
{
    (void)state;
    struct tb tb;
    char *path = tb_path();
    tb_open(&tb, path, PLANS, 9);
    tb.block_bytes = 300;
    tb_random(&tb, 400);
    tb_close(&tb, CTR_ENDED_NORMALLY, 0);
    struct ctr_trace *trace = tb_reopen(path);
    struct ct_bytes raw = {0};
    ctr_summary_free(summarise(trace, &raw));
    uint64_t seed = 3;
    for (size_t i = 0; i < raw.size * 2; i++) {
        size_t size = i < raw.size ? i : raw.size;
        uint8_t *bytes = malloc(size + 1);
        assert_non_null(bytes);
        memcpy(bytes, raw.data, size);
        if (i >= raw.size) {
            bytes[i - raw.size] ^= (uint8_t)(1 + tb_next_random(&seed) % 255);
        }
        struct ctr_segment segment = {0};
        int status = ctr_segment_decode(bytes, size, &segment, NULL);
        assert_true(i >= raw.size || status != CT_OK);
        if (status == CT_OK) {
            look_everywhere(&segment);
        }
        ctr_segment_clear(&segment);
        free(bytes);
    }
    ct_bytes_free(&raw);
    ctr_close(trace);
    tb_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_there),
        cmocka_unit_test(answers_beyond_its_limits),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
