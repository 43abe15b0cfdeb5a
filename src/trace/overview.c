#include "trace/overview.h"

#include "trace/query.h"
#include "trace/trace_internal.h"

static int check(const struct ctr_trace *trace, uint32_t first, uint32_t count,
                 struct ct_error *error)
{
    return first <= trace->info.blocks && count <= trace->info.blocks - first
               ? CT_OK
               : ct_fail(error, CT_EUSAGE, "there are only %u blocks", trace->info.blocks);
}

int ctr_entries(struct ctr_trace *trace, uint32_t first, uint32_t count,
                struct ctr_index_entry *entries, struct ct_error *error)
{
    int status = check(trace, first, count, error);
    pthread_mutex_lock(&trace->cache.lock);
    for (uint32_t i = 0; status == CT_OK && i < count; i++) {
        status = ctr_entry(trace, first + i, &entries[i], error);
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return status;
}

/* ---- visits ---- */

/* Of a block that the table does not know wholly: what ran before its end, without what ran before
 * its start. */
static int look_into(struct ctr_trace *trace, uint64_t key, const uint64_t steps[2],
                     uint64_t *visits, struct ct_error *error)
{
    uint64_t before = 0, behind = 0;
    uint32_t plan = (uint32_t)(key >> 32), line = (uint32_t)key;
    int status = ctr_count_lines(trace, plan, line, 1, steps[0], &before, error);
    if (status == CT_OK) {
        status = ctr_count_lines(trace, plan, line, 1, steps[1], &behind, error);
    }
    *visits += status == CT_OK ? behind - before : 0;
    return status;
}

struct window {
    const uint64_t *keys;
    uint32_t key_count, first, count;
    uint64_t *visits;
};

/* What the segment's table knows of the blocks in the window; `*missing`: what it does not, and
 * `steps` where those start and end. */
static int add_segment(struct ctr_trace *trace, size_t index, const struct window *window,
                       uint64_t *missing, uint64_t steps[CTR_SEGMENT_BLOCKS + 1],
                       struct ct_error *error)
{
    const struct ctr_segment *segment;
    int status = ctr_segment_get(trace, index, &segment, error);
    if (status != CT_OK) {
        return status;
    }
    uint32_t start = trace->segments[index].first_block;
    *missing = segment->missing[CTR_TABLE_LINES];
    for (unsigned i = 0; i < segment->count; i++) {
        steps[i] = segment->entries[i].first_step;
    }
    steps[segment->count] = index + 1 < trace->segment_count ? trace->segments[index + 1].first_step
                                                             : trace->info.steps;
    for (uint32_t i = 0; i < window->key_count; i++) {
        const struct ctr_marks *marks = ctr_keyed_find(&segment->lines, window->keys[i]);
        uint64_t blocks = marks != NULL ? marks->blocks & ~*missing : 0;
        for (; blocks != 0; blocks &= blocks - 1) {
            unsigned at = (unsigned)__builtin_ctzll(blocks);
            if (start + at - window->first < window->count) {
                window->visits[start + at - window->first] += ctr_marks_visits(segment, marks, at);
            }
        }
    }
    return CT_OK;
}

static int look_at_missing(struct ctr_trace *trace, size_t index, const struct window *window,
                           uint64_t missing, const uint64_t *steps, struct ct_error *error)
{
    uint32_t start = trace->segments[index].first_block;
    int status = CT_OK;
    for (; status == CT_OK && missing != 0; missing &= missing - 1) {
        unsigned at = (unsigned)__builtin_ctzll(missing);
        uint32_t place = start + at - window->first;
        for (uint32_t i = 0; status == CT_OK && place < window->count && i < window->key_count;
             i++) {
            status = look_into(trace, window->keys[i], &steps[at], &window->visits[place], error);
        }
    }
    return status;
}

int ctr_visits_by_block(struct ctr_trace *trace, const uint64_t *keys, uint32_t key_count,
                        uint32_t first, uint32_t count, uint64_t *visits, struct ct_error *error)
{
    struct window window = {keys, key_count, first, count, visits};
    int status = check(trace, first, count, error);
    if (status != CT_OK || count == 0 || trace->segment_count == 0) {
        return status;
    }
    size_t index = ctr_segment_of(trace, first), last = ctr_segment_of(trace, first + count - 1);
    for (; status == CT_OK && index <= last; index++) {
        uint64_t missing = 0, steps[CTR_SEGMENT_BLOCKS + 1] = {0};
        pthread_mutex_lock(&trace->cache.lock);
        status = add_segment(trace, index, &window, &missing, steps, error);
        pthread_mutex_unlock(&trace->cache.lock);
        if (status == CT_OK) {
            status = look_at_missing(trace, index, &window, missing, steps, error);
        }
    }
    return status;
}
