#include "replay/timeline.h"

#include <stdlib.h>

#include "replay/breakpoints.h"
#include "replay/session_internal.h"
#include "trace/overview.h"
#include "trace/reading.h"

enum { BLOCKS_LOOKED_AT = 32, AT_ONCE = 1024, ENTRIES_AT_ONCE = 64 };

void rp_timeline_clear(struct rp_timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->thread_count; i++) {
        free(timeline->threads[i].parts);
    }
    free(timeline->threads);
    free(timeline->parts);
    *timeline = (struct rp_timeline){0};
}

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory for a timeline");
}

/* ---- parts ---- */

__extension__ typedef unsigned __int128 wide; /* a step times a number of parts */

/* The part of a step; those before and behind the range belong to the first and last. */
static uint32_t part_of(const struct rp_timeline *timeline, uint64_t step)
{
    if (step <= timeline->from) {
        return 0;
    }
    wide part = (wide)(step - timeline->from) * timeline->count / (timeline->to - timeline->from);
    return part < timeline->count ? (uint32_t)part : timeline->count - 1;
}

/* The first step that is not in a part before; of a part that has none, the one it is part of. */
static uint64_t start_of(const struct rp_timeline *timeline, uint32_t part)
{
    uint64_t range = timeline->to - timeline->from;
    wide passed = ((wide)range * part + timeline->count - 1) / timeline->count;
    return timeline->from + (passed < range ? (uint64_t)passed : range - 1);
}

/* The skyline of a thread; NULL: no memory, or there are too many. */
static struct rp_skyline *skyline_of(struct rp_timeline *timeline, uint32_t thread)
{
    for (uint32_t i = 0; i < timeline->thread_count; i++) {
        if (timeline->threads[i].thread == thread) {
            return &timeline->threads[i];
        }
    }
    struct rp_depths *parts = timeline->thread_count < RP_TIMELINE_THREADS
                                  ? malloc(timeline->count * sizeof *parts)
                                  : NULL;
    if (parts == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < timeline->count; i++) {
        parts[i] = (struct rp_depths){-1, -1};
    }
    struct rp_skyline *made = &timeline->threads[timeline->thread_count++];
    *made = (struct rp_skyline){thread, parts};
    return made;
}

static void widen(struct rp_depths *depths, int64_t least, int64_t most)
{
    least = least < 0 ? 0 : least > INT32_MAX ? INT32_MAX : least;
    most = most < 0 ? 0 : most > INT32_MAX ? INT32_MAX : most;
    depths->least = depths->least < 0 || least < depths->least ? (int32_t)least : depths->least;
    depths->most = most > depths->most ? (int32_t)most : depths->most;
}

/* ---- event by event ---- */

struct stacks { /* frames on each thread's stack, by skyline */
    int64_t counts[RP_TIMELINE_THREADS];
    bool known[RP_TIMELINE_THREADS];
};

/* How many frames were on the stack of a thread where the range starts: the scout stands there. */
static int64_t count_frames(struct rp_session *session, uint32_t thread)
{
    const struct ctr_frame *top = ctr_player_frame(session->scout, thread, 0, NULL);
    int64_t count = top == NULL ? 0 : (int64_t)top->depth + 1;
    while (count > 0 && ctr_player_frame(session->scout, thread, (uint32_t)count, NULL) != NULL) {
        count++;
    }
    return count;
}

static void see_event(struct rp_session *session, struct rp_timeline *timeline,
                      struct stacks *stacks, const struct ctr_hit *hit)
{
    struct rp_skyline *skyline = skyline_of(timeline, hit->thread);
    if (skyline == NULL) {
        return;
    }
    size_t at = (size_t)(skyline - timeline->threads);
    if (!stacks->known[at]) {
        stacks->known[at] = true;
        stacks->counts[at] = count_frames(session, hit->thread);
    }
    if (hit->event == CTR_EVENT_LINE) {
        widen(&skyline->parts[part_of(timeline, hit->step)], stacks->counts[at] - 1,
              stacks->counts[at] - 1);
    } else {
        stacks->counts[at] += RP_BIT(hit->event) & RP_ENTERS ? 1 : -1;
    }
}

typedef void see_hit(struct rp_session *session, struct rp_timeline *timeline,
                     struct stacks *stacks, const struct ctr_hit *hit);

static void see_output(struct rp_session *session, struct rp_timeline *timeline,
                       struct stacks *stacks, const struct ctr_hit *hit)
{
    (void)session;
    (void)stacks;
    timeline->parts[part_of(timeline, hit->step > 0 ? hit->step - 1 : 0)].outputs++;
}

static void see_raise(struct rp_session *session, struct rp_timeline *timeline,
                      struct stacks *stacks, const struct ctr_hit *hit)
{
    (void)session;
    (void)stacks;
    uint32_t part = part_of(timeline, hit->step > 0 ? hit->step - 1 : 0);
    timeline->parts[part].exceptions += !hit->is_passed_on;
}

static void see_line(struct rp_session *session, struct rp_timeline *timeline,
                     struct stacks *stacks, const struct ctr_hit *hit)
{
    (void)session;
    (void)stacks;
    timeline->parts[part_of(timeline, hit->step)].hits++;
}

/* All hits between two places. */
static int see_all(struct rp_session *session, struct rp_timeline *timeline,
                   const struct ctr_query *query, const struct ctr_place range[2], see_hit *see,
                   struct stacks *stacks, struct ct_error *error)
{
    struct ctr_query bounded = *query;
    struct ctr_hit *hits = malloc(AT_ONCE * sizeof *hits);
    struct ctr_page page = {.hits = hits, .capacity = AT_ONCE, .next = range[0]};
    bool is_over = false;
    int status = hits == NULL ? no_memory(error) : CT_OK;
    bounded.is_bounded = true;
    bounded.bound = range[1].block;
    while (status == CT_OK && !is_over && !page.done) {
        status = rp_find(session, &bounded, page.next, false, &page, error);
        for (size_t i = 0; status == CT_OK && i < page.count && !is_over; i++) {
            is_over = !rp_place_is_before(hits[i].place, range[1]);
            if (!is_over) {
                see(session, timeline, stacks, &hits[i]);
            }
        }
    }
    free(hits);
    return status;
}

/* Where its first step is, and what comes behind its last. */
static int find_range(struct rp_session *session, const struct rp_timeline *timeline,
                      struct ctr_place range[2], struct ct_error *error)
{
    int status = ctr_place_of_step(session->trace, timeline->from, &range[0], error);
    range[1] = ctr_place_end(session->trace);
    if (status == CT_OK && timeline->to < ctr_info(session->trace)->steps) {
        status = ctr_place_of_step(session->trace, timeline->to, &range[1], error);
    }
    return status;
}

static int read_ticks(struct rp_session *session, struct rp_timeline *timeline, uint32_t block,
                      uint32_t *part, struct ct_error *error)
{
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, session->trace, block, error);
    if (status != CT_OK) {
        return status;
    }
    while (*part < timeline->count && ctr_reading_next(&reading) && ctr_reading_follow(&reading)) {
        while (reading.rec.kind == CTR_LINE_FAR && *part < timeline->count &&
               reading.running.step > start_of(timeline, *part)) {
            timeline->parts[(*part)++].tick = reading.running.tick;
        }
    }
    return ctr_reading_close(&reading, error);
}

static int look_at_events(struct rp_session *session, struct rp_timeline *timeline, uint32_t first,
                          uint32_t last, const uint64_t *keys, uint32_t key_count,
                          struct ct_error *error)
{
    uint32_t part = 0;
    struct stacks *stacks = calloc(1, sizeof *stacks);
    struct ctr_place range[2];
    struct ctr_event event;
    struct ctr_query frames = rp_of_thread(CTR_ANY_THREAD, RP_LINE | RP_ENTERS | RP_LEAVES);
    struct ctr_query outputs = {.kind = CTR_FIND_OUTPUT, .call = CTR_NO_CALL};
    struct ctr_query raises = {.kind = CTR_FIND_RAISE, .call = CTR_NO_CALL};
    struct ctr_query lines = {
        .kind = CTR_FIND_LINES, .call = CTR_NO_CALL, .keys = keys, .key_count = key_count};
    int status = stacks == NULL ? no_memory(error) : find_range(session, timeline, range, error);
    if (status == CT_OK) {
        status = ctr_player_seek(session->scout, timeline->from, &event, error);
    }
    if (status == CT_OK) {
        status = see_all(session, timeline, &frames, range, see_event, stacks, error);
    }
    if (status == CT_OK) {
        status = see_all(session, timeline, &outputs, range, see_output, stacks, error);
    }
    if (status == CT_OK) {
        status = see_all(session, timeline, &raises, range, see_raise, stacks, error);
    }
    if (status == CT_OK && key_count > 0) {
        status = see_all(session, timeline, &lines, range, see_line, stacks, error);
    }
    for (uint32_t block = first; status == CT_OK && block <= last; block++) {
        status = read_ticks(session, timeline, block, &part, error);
    }
    free(stacks);
    return status;
}

/* ---- block by block ---- */

static void see_thread(struct rp_timeline *timeline, uint32_t thread, uint32_t first_part,
                       uint32_t last_part, const struct ctr_index_entry *entry)
{
    struct rp_skyline *skyline = skyline_of(timeline, thread);
    for (uint32_t i = first_part; skyline != NULL && i <= last_part; i++) {
        widen(&skyline->parts[i], (int64_t)entry->depth_min - 1, (int64_t)entry->depth_max - 1);
    }
}

/* `next_step`: the first of the block behind. */
static void see_block(struct rp_timeline *timeline, const struct ctr_index_entry *entry,
                      uint64_t next_step, uint64_t hits)
{
    uint32_t first = part_of(timeline, entry->first_step);
    uint64_t last_step = next_step > entry->first_step ? next_step - 1 : entry->first_step;
    uint32_t last = part_of(timeline, last_step);
    uint32_t named =
        entry->thread_count < CTR_ENTRY_THREADS ? entry->thread_count : CTR_ENTRY_THREADS;
    timeline->parts[first].outputs += entry->outputs;
    timeline->parts[first].exceptions += entry->raises;
    timeline->parts[first].hits += hits;
    for (uint32_t i = 0; i < named; i++) {
        see_thread(timeline, entry->threads[i], first, last, entry);
    }
    if (named == 0) {
        see_thread(timeline, entry->thread, first, last, entry);
    }
}

/* Time between two blocks is taken to pass evenly. */
static void see_time(struct rp_timeline *timeline, uint64_t step, uint64_t tick, uint64_t next_step,
                     uint64_t next_tick, uint32_t *part)
{
    for (; *part < timeline->count && start_of(timeline, *part) < next_step; ++*part) {
        uint64_t start = start_of(timeline, *part);
        double passed = start > step ? (double)(start - step) / (double)(next_step - step) : 0;
        uint64_t ticks = next_tick > tick ? next_tick - tick : 0;
        timeline->parts[*part].tick = tick + (uint64_t)(passed * (double)ticks);
    }
}

static int look_at_blocks(struct rp_session *session, struct rp_timeline *timeline, uint32_t first,
                          uint32_t last, const uint64_t *keys, uint32_t key_count,
                          struct ct_error *error)
{
    const struct ctr_info *info = ctr_info(session->trace);
    struct ctr_index_entry entries[ENTRIES_AT_ONCE + 1];
    uint32_t part = 0;
    for (uint32_t at = first; at <= last; at += ENTRIES_AT_ONCE) {
        uint64_t hits[ENTRIES_AT_ONCE] = {0};
        uint32_t count = last - at + 1 < ENTRIES_AT_ONCE ? last - at + 1 : ENTRIES_AT_ONCE;
        bool has_next = at + count < info->blocks;
        int status = ctr_entries(session->trace, at, count + has_next, entries, error);
        if (status == CT_OK && key_count > 0) {
            status = ctr_visits_by_block(session->trace, keys, key_count, at, count, hits, error);
        }
        if (status == CT_OK) {
            status = rp_ask_watch(session, (struct ctr_place){first, 0}, (struct ctr_place){at, 0},
                                  error);
        }
        for (uint32_t i = 0; status == CT_OK && i < count; i++) {
            bool is_last = i + 1 == count && !has_next;
            uint64_t next_step = is_last ? info->steps : entries[i + 1].first_step;
            uint64_t next_tick = is_last ? info->milliseconds : entries[i + 1].tick;
            see_block(timeline, &entries[i], next_step, hits[i]);
            see_time(timeline, entries[i].first_step, entries[i].tick, next_step, next_tick, &part);
        }
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

/* ---- either ---- */

int rp_timeline(struct rp_session *session, uint64_t from, uint64_t to, uint32_t count,
                struct rp_timeline *timeline, struct ct_error *error)
{
    uint64_t steps = ctr_info(session->trace)->steps, *keys;
    uint32_t key_count;
    rp_timeline_clear(timeline);
    if (from >= to || to > steps || count == 0 || count > RP_TIMELINE_PARTS) {
        return ct_fail(error, CT_EUSAGE, "a timeline has 1 to %d parts of steps 0 to %llu",
                       RP_TIMELINE_PARTS, (unsigned long long)steps);
    }
    *timeline = (struct rp_timeline){
        .from = from,
        .to = to,
        .count = count,
        .parts = calloc(count, sizeof *timeline->parts),
        .threads = calloc(RP_TIMELINE_THREADS, sizeof *timeline->threads),
    };
    int status = timeline->parts == NULL || timeline->threads == NULL
                     ? no_memory(error)
                     : rp_break_keys(session, &keys, &key_count, error);
    if (status != CT_OK) {
        return status;
    }
    uint32_t first = ctr_block_of_step(session->trace, from);
    uint32_t last = ctr_block_of_step(session->trace, to - 1);
    timeline->is_exact = last - first < BLOCKS_LOOKED_AT;
    status = timeline->is_exact
                 ? look_at_events(session, timeline, first, last, keys, key_count, error)
                 : look_at_blocks(session, timeline, first, last, keys, key_count, error);
    free(keys);
    return status;
}
