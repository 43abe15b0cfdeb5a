#include "replay/timeline.h"

#include <stdlib.h>

#include "replay/breakpoints.h"
#include "replay/lines.h"
#include "replay/session_internal.h"
#include "trace/overview.h"
#include "trace/reading.h"

enum { BLOCKS_LOOKED_AT = 32, ENTRIES_AT_ONCE = 64 };

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

/* The first step that is not in a part before. */
static uint64_t start_of(const struct rp_timeline *timeline, uint32_t part)
{
    wide passed = (wide)(timeline->to - timeline->from) * part + timeline->count - 1;
    return timeline->from + (uint64_t)(passed / timeline->count);
}

/* Parts from this one on have no step of their own: they are the end of the last that has. */
static void fill_ticks(struct rp_timeline *timeline, uint32_t part)
{
    for (; part > 0 && part < timeline->count; part++) {
        timeline->parts[part].tick = timeline->parts[part - 1].tick;
    }
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
                                  ? calloc(timeline->count, sizeof *parts)
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

struct looking { /* through the records of the range */
    struct rp_session *session;
    struct rp_timeline *timeline;
    const uint64_t *keys;
    uint32_t key_count;
    uint32_t part;
    uint64_t next_start;        /* of the part behind */
    bool is_inside, is_over;    /* the range has begun, and ended */
    struct rp_skyline *skyline; /* of the thread that runs; NULL: there are too many */
    size_t at;                  /* its place among them */
    uint64_t thread;            /* whose it is; UINT64_MAX: none yet */
    int64_t *frames;            /* on each one's stack */
    bool *is_unwound;           /* its latest event was that: an exception now is the same one */
};

/* How many frames were on the stack of a thread where the range starts: the scout stands there. */
static int count_frames(struct rp_session *session, uint32_t thread, int64_t *count,
                        struct ct_error *error)
{
    struct ct_error problem = {0};
    const struct ctr_frame *top = ctr_player_frame(session->scout, thread, 0, &problem);
    *count = top == NULL ? 0 : (int64_t)top->depth + 1;
    while (*count > 0 &&
           ctr_player_frame(session->scout, thread, (uint32_t)*count, &problem) != NULL) {
        ++*count;
    }
    return problem.code == CT_OK ? CT_OK : ct_fail(error, problem.code, "%s", problem.message);
}

static int see_thread(struct looking *looking, uint32_t thread, struct ct_error *error)
{
    uint32_t known = looking->timeline->thread_count;
    looking->thread = thread;
    looking->skyline = skyline_of(looking->timeline, thread);
    if (looking->skyline != NULL) {
        looking->at = (size_t)(looking->skyline - looking->timeline->threads);
    }
    if (looking->timeline->thread_count > known && looking->timeline->from > 0) {
        return count_frames(looking->session, thread, &looking->frames[looking->at], error);
    }
    return CT_OK;
}

static void see_line(struct looking *looking, const struct ctr_reading *reading)
{
    struct rp_timeline *timeline = looking->timeline;
    uint64_t step = reading->running.step - 1;
    if (step >= timeline->to) {
        looking->is_over = true;
        return;
    }
    if (step == timeline->from) {
        looking->is_inside = true;
        timeline->parts[0].tick = reading->running.tick;
    }
    if (looking->is_inside && step >= looking->next_start) {
        uint32_t part = part_of(timeline, step);
        while (looking->part < part) {
            timeline->parts[++looking->part].tick = reading->running.tick;
        }
        looking->next_start = start_of(timeline, part + 1);
    }
}

/* A record that was followed. */
static void see_record(struct looking *looking, const struct ctr_reading *reading)
{
    struct rp_part *part = &looking->timeline->parts[looking->part];
    bool *is_unwound = &looking->is_unwound[looking->at];
    int64_t *frames = &looking->frames[looking->at];
    switch (reading->rec.kind) {
    case CTR_LINE_FAR: {
        const struct ctr_runner *top = ctr_running_top(&reading->running);
        part->hits += rp_has_key(looking->keys, looking->key_count, ctr_key(top->plan, top->line));
        widen(&looking->skyline->parts[looking->part], *frames - 1, *frames - 1);
        *is_unwound = false;
        break;
    }
    case CTR_CALL:
    case CTR_RESUME:
    case CTR_THROW:
        ++*frames;
        *is_unwound = false;
        break;
    case CTR_RETURN:
    case CTR_YIELD:
    case CTR_UNWIND:
        --*frames;
        *is_unwound = reading->rec.kind == CTR_UNWIND;
        break;
    case CTR_FRAME: /* one that was running before it was recorded is new on the stack */
        *frames += (reading->rec.flags & CTR_FRAME_ADOPTED) != 0;
        break;
    case CTR_RAISE:
        part->exceptions += !*is_unwound;
        *is_unwound = false;
        break;
    case CTR_HANDLED:
        *is_unwound = false;
        break;
    case CTR_OUTPUT:
        part->outputs++;
        break;
    default:
        break;
    }
}

static int look_into_block(struct looking *looking, uint32_t block, struct ct_error *error)
{
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, looking->session->trace, block, error);
    if (status != CT_OK) {
        return status;
    }
    while (status == CT_OK && !looking->is_over && ctr_reading_next(&reading) &&
           ctr_reading_follow(&reading)) {
        if (reading.rec.kind == CTR_LINE_FAR) {
            see_line(looking, &reading);
        }
        if (!looking->is_inside || looking->is_over) {
            continue;
        }
        uint32_t thread = ctr_running_thread(&reading.running);
        if (thread != looking->thread) {
            status = see_thread(looking, thread, error);
        }
        if (looking->skyline != NULL) {
            see_record(looking, &reading);
        }
    }
    int read = ctr_reading_close(&reading, error);
    return status != CT_OK ? status : read;
}

/* One pass through the records, without what variables are. */
static int look_at_events(struct looking *looking, uint32_t first, uint32_t last,
                          struct ct_error *error)
{
    struct ctr_event event;
    looking->thread = UINT64_MAX;
    looking->is_inside = looking->timeline->from == 0; /* also what came before the first step */
    looking->next_start = start_of(looking->timeline, 1);
    looking->frames = calloc(RP_TIMELINE_THREADS, sizeof *looking->frames);
    looking->is_unwound = calloc(RP_TIMELINE_THREADS, sizeof *looking->is_unwound);
    if (looking->frames == NULL || looking->is_unwound == NULL) {
        free(looking->frames);
        free(looking->is_unwound);
        return no_memory(error);
    }
    int status = ctr_player_seek(looking->session->scout, looking->timeline->from, &event, error);
    for (uint32_t block = first; status == CT_OK && block <= last; block++) {
        status = look_into_block(looking, block, error);
        if (status == CT_OK) {
            status = rp_ask_watch(looking->session, (struct ctr_place){first, 0},
                                  (struct ctr_place){block, 0}, error);
        }
    }
    fill_ticks(looking->timeline, looking->part + 1);
    free(looking->frames);
    free(looking->is_unwound);
    return status;
}

/* ---- block by block ---- */

static void see_depths(struct rp_timeline *timeline, uint32_t thread, uint32_t first_part,
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
        see_depths(timeline, entry->threads[i], first, last, entry);
    }
    if (named == 0) {
        see_depths(timeline, entry->thread, first, last, entry);
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
    fill_ticks(timeline, part);
    return CT_OK;
}

/* ---- either ---- */

int rp_timeline(struct rp_session *session, uint64_t from, uint64_t to, uint32_t count,
                struct rp_timeline *timeline, struct ct_error *error)
{
    uint64_t steps = ctr_info(session->trace)->steps, *keys = NULL;
    uint32_t key_count = 0;
    rp_timeline_clear(timeline);
    if (from >= to || to > steps || count == 0 || count > RP_TIMELINE_PARTS) {
        return ct_fail(error, CT_EUSAGE, "a timeline has 1 to %d parts of steps 0 to %llu",
                       RP_TIMELINE_PARTS, (unsigned long long)steps);
    }
    timeline->from = from;
    timeline->to = to;
    timeline->count = count;
    timeline->parts = calloc(count, sizeof *timeline->parts);
    timeline->threads = calloc(RP_TIMELINE_THREADS, sizeof *timeline->threads);
    if (timeline->parts == NULL || timeline->threads == NULL) {
        return no_memory(error);
    }
    int status = rp_break_keys(session, &keys, &key_count, error);
    if (status != CT_OK) {
        return status;
    }
    uint32_t first = ctr_block_of_step(session->trace, from);
    uint32_t last =
        to < steps ? ctr_block_of_step(session->trace, to) : ctr_info(session->trace)->blocks - 1;
    timeline->is_exact = last - first < BLOCKS_LOOKED_AT;
    if (timeline->is_exact) {
        struct looking looking = {
            .session = session, .timeline = timeline, .keys = keys, .key_count = key_count};
        status = look_at_events(&looking, first, last, error);
    } else {
        status = look_at_blocks(session, timeline, first, last, keys, key_count, error);
    }
    free(keys);
    return status;
}
