#include "trace/sweep.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "trace/running.h"
#include "trace/trace_internal.h"

/* Who follows objects takes some blocks one behind the other, to go on from what it has. */
enum { RUNS = 8 };

/* The keys of a plan, and the lines or slots they are between. */
struct plan_keys {
    uint32_t first, end;
    uint32_t least, most;
};

struct shared {
    struct ctr_trace *trace;
    const struct ctr_sweep *sweep;
    struct plan_keys *keys; /* of each plan of the sweep */
    uint32_t width;         /* slots followed of a frame, at most */
    uint32_t *blocks;       /* to look into, in the direction of the sweep */
    uint32_t count;
    bool backwards;
    uint32_t run; /* as many at a time */
    atomic_uint next;
    atomic_bool enough; /* nobody begins another block */
};

struct ctr_sweeper {
    struct shared *shared;
    unsigned number;
    struct ctr_collect collect;
    struct ctr_running running; /* the note of a frame: its plan's number in the sweep, plus 1 */
    struct ctr_value *values;   /* of each frame of running, `width` each */
    uint32_t frames;            /* there is room for */
    struct ctr_block own;       /* what values need to know of a block read past the cache */
    const struct ctr_block *block;
    struct ctr_objects objects;
    uint64_t move;
    size_t at; /* where it is in the block */
    int status;
    struct ct_error error;
    pthread_t thread;
    bool joinable;
};

static const struct ctr_value unbound = {0};

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
}

/* ---- frames and their variables ---- */

static uint32_t find_plan(const struct ctr_sweep *sweep, uint32_t plan)
{
    uint32_t low = 0, high = sweep->plan_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sweep->plans[middle].plan < plan) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < sweep->plan_count && sweep->plans[low].plan == plan ? low : UINT32_MAX;
}

static bool room_for(struct ctr_sweeper *worker, uint32_t frame)
{
    if (frame < worker->frames) {
        return true;
    }
    uint32_t larger = worker->frames == 0 ? 16 : worker->frames;
    while (larger <= frame) {
        larger *= 2;
    }
    size_t size = ((size_t)larger * worker->shared->width + 1) * sizeof *worker->values;
    struct ctr_value *values = realloc(worker->values, size);
    if (values == NULL) {
        return false;
    }
    worker->values = values;
    worker->frames = larger;
    return true;
}

static struct ctr_value *values_of_frame(const struct ctr_sweeper *worker, uint32_t frame)
{
    return worker->values + (size_t)frame * worker->shared->width;
}

static const struct ctr_sweep_plan *plan_of_frame(const struct ctr_sweeper *worker, uint32_t frame)
{
    uint32_t note = worker->running.frames[frame].note;
    return note == 0 ? NULL : &worker->shared->sweep->plans[note - 1];
}

/* Values of a record the scan has passed: objects it introduced are known by now. */
static struct ctr_scan values_of(struct ctr_sweeper *worker, const struct ctr_scan *scan,
                                 const struct ctr_rec *rec)
{
    worker->own.objects = worker->collect.objects;
    worker->own.object_count = worker->collect.object_count;
    struct ctr_scan values = ctr_record_values(scan, rec);
    values.collect = NULL;
    return values;
}

static void keep_value(const struct ctr_sweep_plan *plan, struct ctr_value *values, uint64_t slot,
                       struct ctr_value value)
{
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        values[i] = plan->slots[i] == slot ? value : values[i];
    }
}

/* What a frame holds when its block meets it. */
static int start_frame(struct ctr_sweeper *worker, uint32_t frame, const struct ctr_scan *scan,
                       const struct ctr_rec *rec)
{
    struct ctr_runner *runner = &worker->running.frames[frame];
    runner->note = find_plan(worker->shared->sweep, runner->plan) + 1;
    if (runner->note == 0) {
        return CT_OK;
    }
    if (!room_for(worker, frame)) {
        return CT_ENOMEM;
    }
    const struct ctr_sweep_plan *plan = plan_of_frame(worker, frame);
    struct ctr_value *values = values_of_frame(worker, frame);
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        values[i] = unbound;
    }
    if (rec->kind == CTR_FRAME) {
        struct ctr_scan held = values_of(worker, scan, rec);
        for (uint32_t i = 0; i < rec->count && !held.cursor.failed; i++) {
            uint64_t slot = ct_get_varint(&held.cursor);
            keep_value(plan, values, slot, ctr_scan_value(&held, unbound));
        }
        return held.cursor.failed ? CT_EFORMAT : CT_OK;
    }
    return CT_OK;
}

/* ---- records ---- */

/* A frame that is followed came to a line, or a slot of it was set, by the record that starts at
 * `at`. */
static inline void report(struct ctr_sweeper *worker, uint32_t frame, uint32_t number,
                          uint64_t step, const uint8_t *at)
{
    const struct ctr_sweep *sweep = worker->shared->sweep;
    const struct ctr_runner *runner = &worker->running.frames[frame];
    const struct plan_keys *keys = &worker->shared->keys[runner->note - 1];
    if (number < keys->least || number > keys->most) {
        return;
    }
    uint64_t key = ctr_key(runner->plan, number);
    uint32_t low = keys->first, high = keys->end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sweep->keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == keys->end || sweep->keys[low] != key) {
        return;
    }
    worker->at = (size_t)(at - worker->block->raw);
    ctr_objects_trim(&worker->objects, worker->move++); /* one visit may fold much */
    struct ctr_sweep_visit visit = {
        .worker = worker->number,
        .key = low,
        .step = step,
        .call = runner->call,
        .place = {worker->block->number, (uint32_t)worker->at},
        .values = values_of_frame(worker, frame),
        .sweeper = worker,
    };
    if (!sweep->visit(sweep->context, &visit)) {
        atomic_store_explicit(&worker->shared->enough, true, memory_order_relaxed);
    }
}

struct ctr_object_state *ctr_sweep_object(struct ctr_sweeper *sweeper, uint64_t number)
{
    struct ctr_object_state *state;
    int status = ctr_objects_get(&sweeper->objects, number, sweeper->block, sweeper->at,
                                 sweeper->move, &state, NULL);
    return status == CT_OK ? state : NULL;
}

uint32_t ctr_sweep_find_pair(struct ctr_sweeper *sweeper, struct ctr_object_state *state,
                             struct ctr_value key)
{
    return ctr_object_find_pair(&sweeper->objects, state, key);
}

static void come_to_line(struct ctr_sweeper *worker, uint32_t frame, const uint8_t *at)
{
    const struct ctr_running *running = &worker->running;
    if (!worker->shared->sweep->of_writes) {
        report(worker, frame, running->frames[frame].line, running->step - 1, at);
    }
}

/* A slot is set to the value on which the scan stands. False: it makes no sense. */
static bool set_slot(struct ctr_sweeper *worker, uint32_t frame, uint32_t slot,
                     struct ctr_scan *scan, const uint8_t *at)
{
    const struct ctr_sweep_plan *plan = plan_of_frame(worker, frame);
    struct ctr_value *values = values_of_frame(worker, frame);
    bool is_set = false;
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        if (plan->slots[i] == slot) {
            struct ctr_scan value = *scan;
            values[i] = ctr_scan_value(&value, values[i]);
            scan->cursor.failed |= value.cursor.failed;
            is_set = true;
        }
    }
    if (is_set && !scan->cursor.failed && worker->shared->sweep->of_writes) {
        report(worker, frame, slot, worker->running.step, at);
    }
    return !scan->cursor.failed;
}

static int look_at(struct ctr_sweeper *worker, const struct ctr_scan *scan,
                   const struct ctr_rec *rec, const uint8_t *at)
{
    const struct ctr_running *running = &worker->running;
    uint32_t frame = running->stacks[running->stack].top;
    if (rec->kind == CTR_FRAME && (rec->flags & CTR_FRAME_SUSPENDED)) {
        frame = running->numbered[running->numbered_count - 1];
    }
    if (frame == CTR_NO_FRAME) {
        return CT_OK;
    }
    switch (rec->kind) {
    case CTR_CALL:
    case CTR_FRAME:
        return start_frame(worker, frame, scan, rec);
    case CTR_SET:
        if (plan_of_frame(worker, frame) != NULL) {
            struct ctr_scan set = values_of(worker, scan, rec);
            return set_slot(worker, frame, rec->slot, &set, at) ? CT_OK : CT_EFORMAT;
        }
        return CT_OK;
    case CTR_LINE_FAR:
        if (plan_of_frame(worker, frame) != NULL) {
            come_to_line(worker, frame, at);
        }
        return CT_OK;
    default:
        return CT_OK;
    }
}

/* The near LINE and short SET records that come next, which are most of a trace: all of the top
 * frame. What it does not read is left to look_at(). */
static int run_frame(struct ctr_sweeper *worker, struct ctr_scan *scan)
{
    struct ctr_running *running = &worker->running;
    uint32_t frame = running->stacks[running->stack].top;
    const struct ctr_sweep_plan *plan = frame == CTR_NO_FRAME ? NULL : plan_of_frame(worker, frame);
    if (plan == NULL) { /* nobody asks for the lines of others */
        struct ctr_skipped skipped;
        return ctr_running_skip(running, scan, scan->cursor.end, &skipped);
    }
    struct ctr_runner *runner = &running->frames[frame];
    const uint8_t *end = scan->cursor.end;
    while (scan->cursor.at < end && *scan->cursor.at < CTR_SET + 64) {
        const uint8_t *at = scan->cursor.at;
        if (*at < CTR_SET) {
            uint32_t line = runner->line + *at - CTR_LINE_BIAS;
            if (line > INT32_MAX) {
                return CT_OK;
            }
            scan->cursor.at++;
            runner->line = line;
            running->step++;
            come_to_line(worker, frame, at);
            continue;
        }
        const uint8_t *behind = ctr_short_set_end(at + 1, end);
        if (behind == NULL) {
            return CT_OK;
        }
        struct ctr_scan set = {.cursor = {at + 1, behind, false}};
        if (!set_slot(worker, frame, (uint32_t)*at - CTR_SET, &set, at)) {
            return CT_EFORMAT;
        }
        scan->cursor.at = behind;
    }
    return CT_OK;
}

/* The records of a block, which are collected as they come when it is read past the cache. */
static int look_into(struct ctr_sweeper *worker, struct ctr_collect *collect)
{
    const struct ctr_block *block = worker->block;
    struct ctr_scan scan = ctr_scan_start(block->raw, block->size, block, collect);
    struct ctr_rec rec;
    if (block->size < CTR_PRELUDE_BYTES) {
        return CT_EFORMAT;
    }
    int status = ctr_running_start(&worker->running, block->raw) ? CT_OK : CT_ENOMEM;
    while (status == CT_OK && !scan.cursor.failed) {
        status = run_frame(worker, &scan);
        const uint8_t *at = scan.cursor.at;
        if (status != CT_OK || !ctr_record_next(&scan, &rec)) {
            break;
        }
        status = ctr_running_follow(&worker->running, &rec);
        if (status == CT_OK) {
            status = look_at(worker, &scan, &rec, at);
        }
    }
    return scan.cursor.failed && status == CT_OK ? CT_EFORMAT : status;
}

/* ---- blocks ---- */

static int look_past_cache(struct ctr_sweeper *worker, uint32_t number)
{
    struct ctr_trace *trace = worker->shared->trace;
    struct ctr_index_entry entry;
    uint8_t *raw;
    size_t size;
    pthread_mutex_lock(&trace->cache.lock);
    int status = ctr_entry(trace, number, &entry, &worker->error);
    pthread_mutex_unlock(&trace->cache.lock);
    if (status == CT_OK) {
        status = ctr_load_events(trace, &entry, number, &raw, &size, &worker->error);
    }
    if (status == CT_OK) {
        worker->own = (struct ctr_block){.number = number, .raw = raw, .size = size};
        worker->block = &worker->own;
        ctr_collect_reset(&worker->collect, raw);
        status = look_into(worker, &worker->collect);
        free(raw);
    }
    return status;
}

static int look_into_cached(struct ctr_sweeper *worker, uint32_t number)
{
    struct ctr_trace *trace = worker->shared->trace;
    int status = ctr_block_acquire(trace, number, &worker->block, &worker->error);
    if (status == CT_OK) {
        status = look_into(worker, NULL);
        ctr_block_release(trace, worker->block);
    }
    return status;
}

static int look_into_number(struct ctr_sweeper *worker, uint32_t number)
{
    /* In the tail: what is good of a block was found out when it was read. */
    bool is_in_tail = number >= worker->shared->trace->file_blocks;
    bool is_cached = is_in_tail || worker->shared->sweep->sees_objects;
    int status = (is_cached ? look_into_cached : look_past_cache)(worker, number);
    if (status == CT_EFORMAT && worker->error.code == CT_OK) {
        ct_fail(&worker->error, CT_EFORMAT, "block %u is damaged", number);
    } else if (status == CT_ENOMEM) {
        no_memory(&worker->error);
    }
    return status;
}

/* States are folded forwards, from block to block: a run is, whichever way the sweep goes. */
static int look_into_run(struct ctr_sweeper *worker, uint32_t first, uint32_t count, bool backwards)
{
    int status = CT_OK;
    if (backwards) {
        ctr_objects_clear(&worker->objects);
    }
    for (uint32_t i = 0; i < count && status == CT_OK; i++) {
        uint32_t at = backwards ? first + count - 1 - i : first + i;
        status = look_into_number(worker, worker->shared->blocks[at]);
    }
    return status;
}

static void *work(void *argument)
{
    struct ctr_sweeper *worker = argument;
    struct shared *shared = worker->shared;
    ctr_objects_init(&worker->objects, shared->trace);
    while (!atomic_load(&shared->enough)) {
        uint32_t at = atomic_fetch_add(&shared->next, shared->run);
        if (at >= shared->count) {
            break;
        }
        uint32_t left = shared->count - at;
        worker->status =
            look_into_run(worker, at, left < shared->run ? left : shared->run, shared->backwards);
        if (worker->status != CT_OK) {
            atomic_store(&shared->enough, true);
        }
    }
    ctr_objects_clear(&worker->objects);
    ctr_collect_free(&worker->collect);
    ctr_running_free(&worker->running);
    free(worker->values);
    return NULL;
}

/* ---- which blocks ---- */

/* The blocks of a segment, a bit each, that are in the range and have any of the keys. */
static int find_in_segment(const struct shared *shared, size_t index,
                           const struct ctr_sweep_range *range, uint64_t *blocks,
                           struct ct_error *error)
{
    struct ctr_trace *trace = shared->trace;
    const struct ctr_sweep *sweep = shared->sweep;
    enum ctr_index_table table = sweep->of_writes ? CTR_TABLE_SLOTS : CTR_TABLE_LINES;
    const struct ctr_segment *segment;
    pthread_mutex_lock(&trace->cache.lock);
    int status = ctr_segment_get(trace, index, &segment, error);
    *blocks = status == CT_OK ? ctr_segment_with(segment, table, sweep->keys, sweep->key_count) : 0;
    pthread_mutex_unlock(&trace->cache.lock);
    uint32_t at = trace->segments[index].first_block;
    for (unsigned i = 0; i < CTR_SEGMENT_BLOCKS; i++) {
        bool is_inside = at + i >= range->first && at + i < range->end;
        *blocks &= ~((uint64_t)!is_inside << i);
    }
    return status;
}

/* Fill `shared->blocks` up to `most`, and make the range what is behind them. */
static int find_blocks(struct shared *shared, uint32_t most, struct ctr_sweep_range *range,
                       struct ct_error *error)
{
    const struct ctr_trace *trace = shared->trace;
    bool backwards = range->backwards;
    while (shared->count < most && range->first < range->end) {
        uint64_t blocks;
        size_t index = ctr_segment_of(trace, backwards ? range->end - 1 : range->first);
        uint32_t at = trace->segments[index].first_block;
        int status = find_in_segment(shared, index, range, &blocks, error);
        if (status != CT_OK) {
            return status;
        }
        while (blocks != 0 && shared->count < most) {
            unsigned bit = backwards ? 63 - (unsigned)__builtin_clzll(blocks)
                                     : (unsigned)__builtin_ctzll(blocks);
            blocks &= ~(1ull << bit);
            shared->blocks[shared->count++] = at + bit;
        }
        uint32_t last = shared->count > 0 ? shared->blocks[shared->count - 1] : 0;
        if (blocks != 0) { /* there were more than wanted */
            *(backwards ? &range->end : &range->first) = backwards ? last : last + 1;
        } else if (backwards) {
            range->end = at > range->first ? at : range->first;
        } else {
            range->first =
                range->end - at > CTR_SEGMENT_BLOCKS ? at + CTR_SEGMENT_BLOCKS : range->end;
        }
    }
    return CT_OK;
}

static int run_workers(struct shared *shared, struct ct_error *error)
{
    struct ctr_sweeper *workers = calloc(CTR_SWEEP_WORKERS, sizeof *workers);
    int status = CT_OK;
    if (workers == NULL) {
        return no_memory(error);
    }
    for (unsigned i = 0; i < CTR_SWEEP_WORKERS; i++) {
        workers[i].shared = shared;
        workers[i].number = i;
        workers[i].joinable = i > 0 && i < shared->sweep->workers &&
                              i * shared->run < shared->count &&
                              pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    work(&workers[0]); /* where no thread could start, this one does it all */
    for (unsigned i = 0; i < CTR_SWEEP_WORKERS; i++) {
        if (workers[i].joinable) {
            pthread_join(workers[i].thread, NULL);
        }
        if (status == CT_OK && workers[i].status != CT_OK) {
            status = ct_fail(error, workers[i].status, "%s", workers[i].error.message);
        }
    }
    free(workers);
    return status;
}

static void sort_keys(const struct ctr_sweep *sweep, struct plan_keys *keys)
{
    for (uint32_t i = 0, key = 0; i < sweep->plan_count; i++) {
        while (key < sweep->key_count && sweep->keys[key] >> 32 < sweep->plans[i].plan) {
            key++;
        }
        keys[i] = (struct plan_keys){.first = key, .least = UINT32_MAX};
        for (; key < sweep->key_count && sweep->keys[key] >> 32 == sweep->plans[i].plan; key++) {
            uint32_t line = (uint32_t)sweep->keys[key];
            keys[i].least = key == keys[i].first ? line : keys[i].least;
            keys[i].most = line;
        }
        keys[i].end = key;
    }
}

int ctr_sweep(struct ctr_trace *trace, const struct ctr_sweep *sweep, struct ctr_sweep_range *range,
              struct ct_error *error)
{
    struct shared shared = {
        .trace = trace, .sweep = sweep, .width = 1, .backwards = range->backwards, .run = 1};
    for (uint32_t i = 0; i < sweep->plan_count; i++) {
        uint32_t count = sweep->plans[i].slot_count;
        shared.width = count > shared.width ? count : shared.width;
    }
    range->end = range->end < trace->info.blocks ? range->end : trace->info.blocks;
    range->first = range->first < range->end ? range->first : range->end;
    uint32_t most = range->end - range->first;
    most = range->most_blocks != 0 && range->most_blocks < most ? range->most_blocks : most;
    shared.blocks = malloc(((size_t)most + 1) * sizeof *shared.blocks);
    shared.keys = calloc((size_t)sweep->plan_count + 1, sizeof *shared.keys);
    bool has_memory = shared.blocks != NULL && shared.keys != NULL;
    int status = has_memory ? find_blocks(&shared, most, range, error) : no_memory(error);
    if (sweep->sees_objects && shared.count >= 2 * RUNS) {
        shared.run = shared.count / RUNS;
    }
    if (status == CT_OK && shared.count > 0) {
        sort_keys(sweep, shared.keys);
        status = run_workers(&shared, error);
    }
    uint32_t begun = atomic_load(&shared.next);
    if (status == CT_OK && begun < shared.count) {
        uint32_t left = shared.blocks[begun];
        *(range->backwards ? &range->end : &range->first) = range->backwards ? left + 1 : left;
    }
    free(shared.blocks);
    free(shared.keys);
    return status;
}
