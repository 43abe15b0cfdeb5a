#include "trace/sweep.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "trace/running.h"
#include "trace/trace_internal.h"

struct shared {
    struct ctr_trace *trace;
    const struct ctr_sweep *sweep;
    uint32_t *blocks; /* to look into */
    uint32_t count;
    atomic_uint next;
    atomic_bool ended;
};

struct worker {
    struct shared *shared;
    unsigned number;
    uint32_t slot_count;
    struct ctr_collect collect;
    struct ctr_running running;
    struct ctr_value *slots; /* of each frame of running, slot_count each */
    bool *changed;           /* of each frame */
    uint32_t frames;         /* there is room for */
    struct ctr_block block;  /* what values need to know of the block at hand */
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

/* ---- one block ---- */

static bool room_for(struct worker *worker, uint32_t frame)
{
    if (frame < worker->frames) {
        return true;
    }
    uint32_t larger = worker->frames == 0 ? 16 : worker->frames;
    while (larger <= frame) {
        larger *= 2;
    }
    struct ctr_value *slots =
        realloc(worker->slots, ((size_t)larger * worker->slot_count + 1) * sizeof *slots);
    worker->slots = slots != NULL ? slots : worker->slots;
    bool *changed = realloc(worker->changed, larger * sizeof *changed);
    worker->changed = changed != NULL ? changed : worker->changed;
    if (slots == NULL || changed == NULL) {
        return false;
    }
    worker->frames = larger;
    return true;
}

/* Values of a record the scan has passed: objects it introduced are known by now. */
static struct ctr_scan values_of(struct worker *worker, const struct ctr_scan *scan,
                                 const struct ctr_rec *rec)
{
    worker->block.objects = worker->collect.objects;
    worker->block.object_count = worker->collect.object_count;
    struct ctr_scan values = ctr_record_values(scan, rec);
    values.collect = NULL;
    return values;
}

static int start_frame(struct worker *worker, uint32_t frame, const struct ctr_scan *scan,
                       const struct ctr_rec *rec)
{
    if (!room_for(worker, frame)) {
        return CT_ENOMEM;
    }
    struct ctr_value *slots = worker->slots + (size_t)frame * worker->slot_count;
    memset(slots, 0, worker->slot_count * sizeof *slots);
    worker->changed[frame] = true;
    if (rec->kind != CTR_FRAME) {
        return CT_OK;
    }
    struct ctr_scan values = values_of(worker, scan, rec);
    for (uint32_t i = 0; i < rec->count; i++) {
        uint64_t slot = ct_get_varint(&values.cursor);
        struct ctr_value value = ctr_scan_value(&values, unbound);
        if (slot >= worker->slot_count || values.cursor.failed) {
            return CT_EFORMAT;
        }
        slots[slot] = value;
    }
    return CT_OK;
}

static int set_slot(struct worker *worker, uint32_t frame, const struct ctr_scan *scan,
                    const struct ctr_rec *rec)
{
    if (rec->slot >= worker->slot_count) {
        return CT_EFORMAT;
    }
    struct ctr_value *slot = worker->slots + (size_t)frame * worker->slot_count + rec->slot;
    struct ctr_scan values = values_of(worker, scan, rec);
    *slot = ctr_scan_value(&values, *slot);
    worker->changed[frame] = true;
    return values.cursor.failed ? CT_EFORMAT : CT_OK;
}

static bool visit(struct worker *worker, uint32_t frame)
{
    const struct ctr_runner *top = &worker->running.frames[frame];
    struct ctr_sweep_step step = {
        .block = worker->block.number,
        .worker = worker->number,
        .step = worker->running.step - 1,
        .call = top->call,
        .line = top->line,
        .changed = worker->changed[frame],
        .slot_count = worker->slot_count,
        .slots = worker->slots + (size_t)frame * worker->slot_count,
    };
    worker->changed[frame] = false;
    return worker->shared->sweep->visit(worker->shared->sweep->context, &step);
}

static int look_at(struct worker *worker, const struct ctr_scan *scan, const struct ctr_rec *rec)
{
    const struct ctr_running *running = &worker->running;
    uint32_t plan = worker->shared->sweep->plan;
    uint32_t frame = running->stacks[running->stack].top;
    if (rec->kind == CTR_FRAME && (rec->flags & CTR_FRAME_SUSPENDED)) {
        frame = running->numbered[running->numbered_count - 1];
    }
    if (frame == CTR_NO_FRAME || running->frames[frame].plan != plan) {
        return CT_OK;
    }
    switch (rec->kind) {
    case CTR_CALL:
    case CTR_FRAME:
        return start_frame(worker, frame, scan, rec);
    case CTR_SET:
        return set_slot(worker, frame, scan, rec);
    case CTR_LINE_FAR:
        if (!visit(worker, frame)) {
            atomic_store(&worker->shared->ended, true);
        }
        return CT_OK;
    default:
        return CT_OK;
    }
}

static int look_into(struct worker *worker, const uint8_t *raw, size_t size)
{
    ctr_collect_reset(&worker->collect, raw);
    struct ctr_scan scan = ctr_scan_start(raw, size, &worker->block, &worker->collect);
    struct ctr_rec rec;
    if (size < CTR_PRELUDE_BYTES) {
        return CT_EFORMAT;
    }
    int status = ctr_running_start(&worker->running, raw) ? CT_OK : CT_ENOMEM;
    while (status == CT_OK && !atomic_load_explicit(&worker->shared->ended, memory_order_relaxed) &&
           ctr_record_next(&scan, &rec)) {
        status = ctr_running_follow(&worker->running, &rec);
        if (status == CT_OK) {
            status = look_at(worker, &scan, &rec);
        }
    }
    return scan.cursor.failed && status == CT_OK ? CT_EFORMAT : status;
}

static int look_into_file(struct worker *worker, uint32_t number)
{
    struct ctr_trace *trace = worker->shared->trace;
    struct ctr_index_entry entry;
    struct ctr_block_info info;
    uint8_t *raw;
    pthread_mutex_lock(&trace->cache.lock);
    int status = ctr_entry(trace, number, &entry, &worker->error);
    pthread_mutex_unlock(&trace->cache.lock);
    if (status == CT_OK) {
        status = ctr_load_block(trace->map, trace->size, entry.offset, CTR_EVENTS, &info, &raw,
                                &worker->error);
    }
    if (status == CT_OK) {
        status = look_into(worker, raw, info.raw_size);
        free(raw);
    }
    return status;
}

static int look_into_number(struct worker *worker, uint32_t number)
{
    struct ctr_trace *trace = worker->shared->trace;
    worker->block = (struct ctr_block){.number = number};
    int status;
    if (number < trace->file_blocks) {
        status = look_into_file(worker, number);
    } else {
        const struct ctr_block *block; /* in the tail: what is good of it was found out */
        status = ctr_block_acquire(trace, number, &block, &worker->error);
        if (status == CT_OK) {
            status = look_into(worker, block->raw, block->size);
            ctr_block_release(trace, block);
        }
    }
    if (status == CT_EFORMAT && worker->error.code == CT_OK) {
        ct_fail(&worker->error, CT_EFORMAT, "block %u is damaged", number);
    } else if (status == CT_ENOMEM) {
        no_memory(&worker->error);
    }
    return status;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    while (worker->status == CT_OK && !atomic_load(&shared->ended)) {
        uint32_t at = atomic_fetch_add(&shared->next, 1);
        if (at >= shared->count) {
            break;
        }
        worker->status = look_into_number(worker, shared->blocks[at]);
    }
    if (worker->status != CT_OK) {
        atomic_store(&shared->ended, true);
    }
    ctr_collect_free(&worker->collect);
    ctr_running_free(&worker->running);
    free(worker->slots);
    free(worker->changed);
    return NULL;
}

/* ---- which blocks ---- */

static int find_blocks(struct shared *shared, struct ct_error *error)
{
    struct ctr_trace *trace = shared->trace;
    uint32_t first = shared->sweep->first_block;
    uint32_t end = shared->sweep->end_block < trace->info.blocks ? shared->sweep->end_block
                                                                 : trace->info.blocks;
    shared->blocks = malloc(((size_t)trace->info.blocks + 1) * sizeof *shared->blocks);
    if (shared->blocks == NULL) {
        return no_memory(error);
    }
    int status = CT_OK;
    pthread_mutex_lock(&trace->cache.lock);
    for (size_t index = 0; status == CT_OK && index < trace->segment_count; index++) {
        const struct ctr_segment *segment;
        uint32_t at = trace->segments[index].first_block;
        if (at >= end || at + CTR_SEGMENT_BLOCKS <= first) {
            continue;
        }
        status = ctr_segment_get(trace, index, &segment, error);
        uint64_t blocks = 0;
        if (status == CT_OK) {
            blocks = segment->missing[CTR_TABLE_LINES] |
                     ctr_keyed_of_plan(&segment->lines, shared->sweep->plan);
        }
        for (; blocks != 0; blocks &= blocks - 1) {
            uint32_t block = at + (unsigned)__builtin_ctzll(blocks);
            if (block >= first && block < end) {
                shared->blocks[shared->count++] = block;
            }
        }
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return status;
}

int ctr_sweep(struct ctr_trace *trace, const struct ctr_sweep *sweep, struct ct_error *error)
{
    struct shared shared = {.trace = trace, .sweep = sweep};
    const struct ctr_plan *plan = ctr_plan(trace, sweep->plan);
    if (plan == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no code number %u", sweep->plan);
    }
    unsigned count = sweep->workers < 1                   ? 1
                     : sweep->workers > CTR_SWEEP_WORKERS ? CTR_SWEEP_WORKERS
                                                          : sweep->workers;
    struct worker *workers = calloc(CTR_SWEEP_WORKERS, sizeof *workers);
    if (workers == NULL) {
        return no_memory(error);
    }
    int status = find_blocks(&shared, error);
    for (unsigned i = 0; status == CT_OK && i < count; i++) {
        workers[i].shared = &shared;
        workers[i].number = i;
        workers[i].slot_count = plan->variable_count;
        workers[i].joinable =
            i > 0 && pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    if (status == CT_OK) {
        work(&workers[0]); /* where no thread could start, this one does it all */
    }
    for (unsigned i = 0; i < count; i++) {
        if (workers[i].joinable) {
            pthread_join(workers[i].thread, NULL);
        }
        if (status == CT_OK && workers[i].status != CT_OK) {
            status = ct_fail(error, workers[i].status, "%s", workers[i].error.message);
        }
    }
    free(workers);
    free(shared.blocks);
    return status;
}
