#include "trace/calls.h"

#include "trace/trace_internal.h"

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "no memory to look for a call");
}

static int damaged(const struct ctr_block *block, struct ct_error *error)
{
    return ct_fail(error, CT_EFORMAT, "block %u is damaged", block->number);
}

/* ---- one call ---- */

struct look { /* at one block, for one call */
    struct ctr_call *call;
    bool started;   /* its start was seen */
    uint64_t calls; /* on its thread since then */
};

static bool starts(const struct ctr_running *running, const struct ctr_rec *rec, uint64_t number)
{
    const struct ctr_runner *top = ctr_running_top(running);
    return top != NULL && top->call == number && !top->from_before &&
           (rec->kind == CTR_CALL || (rec->kind == CTR_FRAME && (rec->flags & CTR_FRAME_ADOPTED)));
}

static void note_start(struct look *look, const struct ctr_running *running)
{
    const struct ctr_runner *top = ctr_running_top(running);
    struct ctr_call *call = look->call;
    look->started = true;
    call->parent = top->parent;
    call->plan = top->plan;
    call->thread = ctr_running_thread(running);
    call->start = running->step;
}

static void note_exit(struct look *look, const struct ctr_running *running, uint8_t kind)
{
    look->call->exit = kind == CTR_RETURN ? CTR_EXIT_RETURN : CTR_EXIT_UNWIND;
    look->call->end = running->step;
    look->call->calls = look->calls;
}

static void look_at(struct look *look, struct ctr_running *running, const struct ctr_rec *rec)
{
    if (look->started && rec->kind == CTR_CALL &&
        ctr_running_thread(running) == look->call->thread) {
        look->calls++;
    }
    if (!look->started && starts(running, rec, look->call->number)) {
        note_start(look, running);
    }
}

/* The call's start and, when it is there too, its end. */
static int look_for(struct look *look, const struct ctr_block *block, struct ct_error *error)
{
    struct ctr_running running = {0};
    struct ctr_scan scan = ctr_scan_start(block->raw, block->size, block, NULL);
    struct ctr_rec rec;
    int status = ctr_running_start(&running, block->raw) ? CT_OK : CT_ENOMEM;
    while (status == CT_OK && ctr_record_next(&scan, &rec)) {
        const struct ctr_runner *top = ctr_running_top(&running);
        if (look->started && (rec.kind == CTR_RETURN || rec.kind == CTR_UNWIND) && top != NULL &&
            top->call == look->call->number) {
            note_exit(look, &running, rec.kind);
            break;
        }
        status = ctr_running_follow(&running, &rec);
        if (status == CT_OK) {
            look_at(look, &running, &rec);
        }
    }
    ctr_running_free(&running);
    return status == CT_ENOMEM                 ? no_memory(error)
           : status != CT_OK || !look->started ? damaged(block, error)
                                               : CT_OK;
}

/* In a block the table of ends does not know wholly. */
static int look_for_end(struct ctr_trace *trace, uint32_t number, struct ctr_call *call,
                        struct ct_error *error)
{
    const struct ctr_block *block;
    int status = ctr_block_acquire(trace, number, &block, error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_running running = {0};
    struct ctr_scan scan = ctr_scan_start(block->raw, block->size, block, NULL);
    struct ctr_rec rec;
    uint64_t calls = 0;
    status = ctr_running_start(&running, block->raw) ? CT_OK : no_memory(error);
    while (status == CT_OK && ctr_record_next(&scan, &rec)) {
        const struct ctr_runner *top = ctr_running_top(&running);
        bool ends = rec.kind == CTR_RETURN || rec.kind == CTR_UNWIND;
        calls = rec.kind == CTR_SPAN ? rec.more : calls;
        if (ends && top != NULL && top->call == call->number) {
            call->exit = rec.kind == CTR_RETURN ? CTR_EXIT_RETURN : CTR_EXIT_UNWIND;
            call->end = running.step;
            call->end_block = number;
            call->calls = calls;
            break;
        }
        status = ctr_running_follow(&running, &rec) == CT_OK ? CT_OK : damaged(block, error);
    }
    ctr_running_free(&running);
    ctr_block_release(trace, block);
    return status;
}

/* The end of a call that outlived the block it began in. */
static int find_end(struct ctr_trace *trace, struct ctr_call *call, struct ct_error *error)
{
    size_t index = ctr_segment_of(trace, call->start_block);
    for (; index < trace->segment_count; index++) {
        const struct ctr_segment *segment;
        struct ctr_call_end end;
        uint64_t missing = 0;
        bool found = false;
        pthread_mutex_lock(&trace->cache.lock);
        int status = ctr_segment_get(trace, index, &segment, error);
        uint32_t first = trace->segments[index].first_block;
        if (status == CT_OK) {
            found = ctr_segment_end_of(segment, call->number, &end);
            missing = segment->missing[CTR_TABLE_ENDS];
        }
        pthread_mutex_unlock(&trace->cache.lock);
        if (found) {
            call->exit = end.unwound ? CTR_EXIT_UNWIND : CTR_EXIT_RETURN;
            call->end = end.step;
            call->end_block = first + end.block;
            call->calls = end.calls;
            return CT_OK;
        }
        for (; status == CT_OK && missing != 0 && call->exit == CTR_EXIT_NONE;
             missing &= missing - 1) {
            uint32_t block = first + (unsigned)__builtin_ctzll(missing);
            if (block > call->start_block && block < trace->info.blocks) {
                status = look_for_end(trace, block, call, error);
            }
        }
        if (status != CT_OK || call->exit != CTR_EXIT_NONE) {
            return status;
        }
    }
    return CT_OK;
}

int ctr_call_get(struct ctr_trace *trace, uint64_t number, struct ctr_call *call,
                 struct ct_error *error)
{
    if (number >= trace->info.calls) {
        return ct_fail(error, CT_EUSAGE, "there is no call %llu; the last is %lld",
                       (unsigned long long)number, (long long)trace->info.calls - 1);
    }
    *call = (struct ctr_call){.number = number,
                              .parent = CTR_NO_CALL,
                              .start_block = ctr_block_of_call(trace, number),
                              .end = trace->info.steps};
    const struct ctr_block *block;
    int status = ctr_block_acquire(trace, call->start_block, &block, error);
    if (status != CT_OK) {
        return status;
    }
    struct look look = {.call = call};
    status = look_for(&look, block, error);
    ctr_block_release(trace, block);
    if (status == CT_OK && call->exit != CTR_EXIT_NONE) {
        call->end_block = call->start_block;
        return CT_OK;
    }
    return status == CT_OK ? find_end(trace, call, error) : status;
}

/* ---- the n-th of what a call did ---- */

struct nth {
    uint64_t call;
    bool children; /* calls it made; else visits of `line` */
    uint32_t line;
    uint64_t left; /* to pass over */
    uint64_t passed;
    bool found, ended; /* the call's end was seen */
    uint64_t answer;
};

static void pass(struct nth *nth, uint64_t answer)
{
    if (nth->left == 0) {
        nth->found = true;
        nth->answer = answer;
    } else {
        nth->left--;
        nth->passed++;
    }
}

static int count_in_block(struct ctr_trace *trace, uint32_t number, struct nth *nth,
                          struct ct_error *error)
{
    const struct ctr_block *block;
    int status = ctr_block_acquire(trace, number, &block, error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_running running = {0};
    struct ctr_scan scan = ctr_scan_start(block->raw, block->size, block, NULL);
    struct ctr_rec rec;
    status = ctr_running_start(&running, block->raw) ? CT_OK : no_memory(error);
    while (status == CT_OK && !nth->found && ctr_record_next(&scan, &rec)) {
        const struct ctr_runner *top = ctr_running_top(&running);
        if (nth->children && rec.kind == CTR_CALL && top != NULL && top->call == nth->call) {
            pass(nth, running.call);
        }
        if ((rec.kind == CTR_RETURN || rec.kind == CTR_UNWIND) && top != NULL &&
            top->call == nth->call) {
            nth->ended = true;
            break;
        }
        status = ctr_running_follow(&running, &rec);
        top = ctr_running_top(&running);
        if (status != CT_OK) {
            status = status == CT_ENOMEM ? no_memory(error) : damaged(block, error);
        } else if (!nth->children && rec.kind == CTR_LINE_FAR && top->call == nth->call &&
                   top->line == nth->line) {
            pass(nth, running.step - 1);
        }
    }
    ctr_running_free(&running);
    ctr_block_release(trace, block);
    return status;
}

/* What the index knows of the call in the blocks of a segment: pass over those before the one to
 * look into. `*block` starts as the first block of interest; CT_ESTATE: the segment has none. */
static int pass_blocks(struct ctr_trace *trace, size_t index, struct nth *nth, uint32_t *block,
                       struct ct_error *error)
{
    const struct ctr_segment *segment;
    int status = ctr_segment_get(trace, index, &segment, error);
    if (status != CT_OK) {
        return status;
    }
    uint32_t first = trace->segments[index].first_block;
    for (; *block - first < segment->count; ++*block) {
        struct ctr_frame_part part;
        unsigned at = *block - first;
        if (ctr_segment_part(segment, at, nth->call, &part)) {
            uint64_t count = nth->children ? part.children : ctr_part_visits(&part, nth->line);
            if (count > nth->left) {
                return CT_OK;
            }
            nth->left -= count;
            nth->passed += count;
        } else if (segment->missing[CTR_TABLE_FRAMES] >> at & 1) {
            return CT_OK;
        }
    }
    struct ctr_call_end end;
    nth->ended = ctr_segment_end_of(segment, nth->call, &end);
    return CT_ESTATE;
}

static int find_nth(struct ctr_trace *trace, struct nth *nth, struct ct_error *error)
{
    if (nth->call >= trace->info.calls) {
        return ct_fail(error, CT_EUSAGE, "there is no call %llu", (unsigned long long)nth->call);
    }
    uint32_t block = ctr_block_of_call(trace, nth->call);
    int status = count_in_block(trace, block++, nth, error);
    while (status == CT_OK && !nth->found && !nth->ended && block < trace->info.blocks) {
        pthread_mutex_lock(&trace->cache.lock);
        size_t index = ctr_segment_of(trace, block);
        status = pass_blocks(trace, index, nth, &block, error);
        pthread_mutex_unlock(&trace->cache.lock);
        if (status == CT_OK) {
            status = count_in_block(trace, block++, nth, error);
        } else if (status == CT_ESTATE) {
            status = CT_OK;
        }
    }
    return status;
}

int ctr_call_child(struct ctr_trace *trace, uint64_t call, uint64_t index, uint64_t *child,
                   uint64_t *count, struct ct_error *error)
{
    struct nth nth = {.call = call, .children = true, .left = index};
    int status = find_nth(trace, &nth, error);
    *child = nth.answer;
    *count = nth.passed;
    return status != CT_OK || nth.found
               ? status
               : ct_fail(error, CT_ESTATE, "call %llu made %llu calls", (unsigned long long)call,
                         (unsigned long long)nth.passed);
}

int ctr_call_visit(struct ctr_trace *trace, uint64_t call, uint32_t line, uint64_t index,
                   uint64_t *step, uint64_t *count, struct ct_error *error)
{
    struct nth nth = {.call = call, .line = line, .left = index};
    int status = find_nth(trace, &nth, error);
    *step = nth.answer;
    *count = nth.passed;
    return status != CT_OK || nth.found
               ? status
               : ct_fail(error, CT_ESTATE, "call %llu came to line %u %llu times",
                         (unsigned long long)call, line, (unsigned long long)nth.passed);
}
