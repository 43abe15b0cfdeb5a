#include "trace/calls.h"

#include <stdlib.h>
#include <string.h>

#include "trace/reading.h"
#include "trace/trace_internal.h"

/* ---- calls by number ---- */

struct look {               /* at one block, for calls that begin in it */
    struct ctr_call *calls; /* ascending */
    size_t count, started;
    size_t open; /* all before it have ended */
};

static void note_start(struct ctr_call *call, const struct ctr_running *running)
{
    const struct ctr_runner *top = ctr_running_top(running);
    call->parent = top->parent;
    call->plan = top->plan;
    call->thread = ctr_running_thread(running);
    call->start = running->step;
}

static void note_end(struct ctr_call *call, const struct ctr_reading *reading)
{
    call->exit = reading->rec.kind == CTR_RETURN ? CTR_EXIT_RETURN : CTR_EXIT_UNWIND;
    call->end = reading->running.step;
    call->end_block = reading->block->number;
    call->end_at = ctr_reading_place(reading);
}

static bool starts(const struct ctr_reading *reading, uint64_t number)
{
    const struct ctr_rec *rec = &reading->rec;
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    return top != NULL && top->call == number && !top->from_before &&
           (rec->kind == CTR_CALL || (rec->kind == CTR_FRAME && (rec->flags & CTR_FRAME_ADOPTED)));
}

/* A record that was not followed yet: the end of one of the calls, or a call one of them makes. */
static void look_before(struct look *look, const struct ctr_reading *reading)
{
    const struct ctr_runner *top = ctr_running_top(&reading->running);
    for (size_t i = look->open; i < look->started; i++) {
        struct ctr_call *call = &look->calls[i];
        if (call->exit != CTR_EXIT_NONE) {
            continue;
        }
        if (reading->rec.kind == CTR_CALL) {
            call->children += top != NULL && top->call == call->number;
            call->calls += ctr_running_thread(&reading->running) == call->thread;
        } else if (ctr_reading_ends_call(reading, call->number)) {
            note_end(call, reading);
        }
    }
    while (look->open < look->started && look->calls[look->open].exit != CTR_EXIT_NONE) {
        look->open++;
    }
}

/* Stand as near before the start of a call as is known how; where it starts in an earlier block,
 * before the first record. */
static void jump_to_call(struct ctr_reading *reading, uint64_t call)
{
    struct ctr_reach reach = {.at = SIZE_MAX, .step = UINT64_MAX, .call = call};
    ctr_reading_jump(reading, &reach);
}

/* Their starts, and their ends as far as they are there too. */
static int look_for_starts(struct ctr_trace *trace, struct look *look, struct ct_error *error)
{
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, trace, look->calls[0].start_block, error);
    if (status != CT_OK) {
        return status;
    }
    jump_to_call(&reading, look->calls[0].number);
    while (look->open < look->count) {
        ctr_reading_skip(&reading);
        if (!ctr_reading_next(&reading)) {
            break;
        }
        look_before(look, &reading);
        if (!ctr_reading_follow(&reading)) {
            break;
        }
        if (look->started < look->count && starts(&reading, look->calls[look->started].number)) {
            note_start(&look->calls[look->started++], &reading.running);
        }
    }
    if (reading.status == CT_OK && look->started < look->count) {
        reading.status = CT_EFORMAT;
    }
    return ctr_reading_close(&reading, error);
}

/* In a block the table of ends does not know wholly. */
static int look_for_end(struct ctr_trace *trace, uint32_t number, struct ctr_call *call,
                        struct ct_error *error)
{
    uint64_t calls = 0;
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, trace, number, error);
    if (status != CT_OK) {
        return status;
    }
    for (;;) {
        ctr_reading_skip(&reading);
        if (!ctr_reading_next(&reading)) {
            break;
        }
        calls = reading.rec.kind == CTR_SPAN ? reading.rec.more : calls;
        if (ctr_reading_ends_call(&reading, call->number)) {
            note_end(call, &reading);
            call->calls = calls;
            break;
        }
        if (!ctr_reading_follow(&reading)) {
            break;
        }
    }
    return ctr_reading_close(&reading, error);
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

int ctr_calls_get(struct ctr_trace *trace, struct ctr_call *calls, size_t count,
                  struct ct_error *error)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number = calls[i].number;
        if (number >= trace->info.calls) {
            return ct_fail(error, CT_EUSAGE, "there is no call %llu; the last is %lld",
                           (unsigned long long)number, (long long)trace->info.calls - 1);
        }
        calls[i] = (struct ctr_call){.number = number,
                                     .parent = CTR_NO_CALL,
                                     .start_block = ctr_block_of_call(trace, number),
                                     .end = trace->info.steps};
    }
    int status = CT_OK;
    for (size_t i = 0, next; status == CT_OK && i < count; i = next) {
        for (next = i + 1; next < count && calls[next].start_block == calls[i].start_block;) {
            next++;
        }
        struct look look = {.calls = calls + i, .count = next - i};
        status = look_for_starts(trace, &look, error);
    }
    for (size_t i = 0; status == CT_OK && i < count; i++) {
        if (calls[i].exit == CTR_EXIT_NONE) {
            calls[i].calls = 0;
            status = find_end(trace, &calls[i], error);
        }
    }
    return status;
}

int ctr_call_get(struct ctr_trace *trace, uint64_t number, struct ctr_call *call,
                 struct ct_error *error)
{
    call->number = number;
    return ctr_calls_get(trace, call, 1, error);
}

/* ---- the n-th of what a call did ---- */

struct nth {
    uint64_t call;
    bool children; /* calls it made; else visits of `line` */
    uint32_t line;
    uint64_t left;  /* to pass over */
    uint64_t until; /* steps from this on do not count, and are */
    uint32_t bound; /* in this block */
    uint64_t passed;
    bool found, ended; /* the call's end was seen, or `until` */
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
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, trace, number, error);
    if (status != CT_OK) {
        return status;
    }
    jump_to_call(&reading, nth->call);
    const struct ctr_running *running = &reading.running;
    while (!nth->found && !nth->ended) {
        const struct ctr_runner *top = ctr_running_top(running);
        if (nth->children || (top != NULL && top->call != nth->call)) {
            ctr_reading_skip(&reading);
        }
        nth->ended = running->step > nth->until;
        if (nth->ended || !ctr_reading_next(&reading)) {
            break;
        }
        if (nth->children && reading.rec.kind == CTR_CALL && top != NULL &&
            top->call == nth->call) {
            pass(nth, running->call);
        }
        nth->ended = ctr_reading_ends_call(&reading, nth->call);
        if (!ctr_reading_follow(&reading)) {
            break;
        }
        top = ctr_running_top(running);
        if (reading.rec.kind == CTR_LINE_FAR && running->step > nth->until) {
            nth->ended = true;
        } else if (!nth->children && reading.rec.kind == CTR_LINE_FAR && top->call == nth->call &&
                   top->line == nth->line) {
            pass(nth, running->step - 1);
        }
    }
    return ctr_reading_close(&reading, error);
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
        if (*block >= nth->bound) {
            return CT_OK;
        }
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

/* From a block on. */
static int find_from(struct ctr_trace *trace, struct nth *nth, uint32_t block,
                     struct ct_error *error)
{
    int status = CT_OK;
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

static int find_nth(struct ctr_trace *trace, struct nth *nth, struct ct_error *error)
{
    if (nth->call >= trace->info.calls) {
        return ct_fail(error, CT_EUSAGE, "there is no call %llu", (unsigned long long)nth->call);
    }
    uint32_t block = ctr_block_of_call(trace, nth->call);
    int status = count_in_block(trace, block, nth, error);
    return status == CT_OK ? find_from(trace, nth, block + 1, error) : status;
}

/* All a call did: nothing is found, and all is counted. */
static struct nth everything(uint64_t call)
{
    return (struct nth){.call = call, .left = UINT64_MAX, .until = UINT64_MAX, .bound = UINT32_MAX};
}

int ctr_call_child(struct ctr_trace *trace, uint64_t call, uint64_t index, uint64_t *child,
                   uint64_t *count, struct ct_error *error)
{
    struct nth nth = everything(call);
    nth.children = true;
    nth.left = index;
    int status = find_nth(trace, &nth, error);
    *child = nth.answer;
    *count = nth.passed;
    return status != CT_OK || nth.found
               ? status
               : ct_fail(error, CT_ESTATE, "call %llu made %llu calls", (unsigned long long)call,
                         (unsigned long long)nth.passed);
}

int ctr_call_children(struct ctr_trace *trace, const struct ctr_call *call, uint64_t *count,
                      struct ct_error *error)
{
    struct nth nth = everything(call->number);
    nth.children = true;
    int status =
        ctr_call_is_short(call) ? CT_OK : find_from(trace, &nth, call->start_block + 1, error);
    *count = call->children + nth.passed;
    return status;
}

int ctr_call_visit(struct ctr_trace *trace, uint64_t call, uint32_t line, uint64_t index,
                   uint64_t *step, uint64_t *count, struct ct_error *error)
{
    struct nth nth = everything(call);
    nth.line = line;
    nth.left = index;
    int status = find_nth(trace, &nth, error);
    *step = nth.answer;
    *count = nth.passed;
    return status != CT_OK || nth.found
               ? status
               : ct_fail(error, CT_ESTATE, "call %llu came to line %u %llu times",
                         (unsigned long long)call, line, (unsigned long long)nth.passed);
}

int ctr_call_visits(struct ctr_trace *trace, uint64_t call, uint32_t line, uint64_t step,
                    uint64_t *count, struct ct_error *error)
{
    struct nth nth = everything(call);
    nth.line = line;
    nth.until = step;
    nth.bound = step < trace->info.steps ? ctr_block_of_step(trace, step) : UINT32_MAX;
    int status = find_nth(trace, &nth, error);
    *count = nth.passed;
    return status;
}

/* ---- the lines it came to ---- */

struct lines {
    uint64_t call;
    uint32_t *items; /* ascending */
    size_t count, capacity;
    bool ended;
};

/* False: no memory. */
static bool add_line(struct lines *lines, uint32_t line)
{
    size_t low = 0, high = lines->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lines->items[middle] < line) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < lines->count && lines->items[low] == line) {
        return true;
    }
    if (!ct_grow(&lines->items, &lines->capacity, lines->count, sizeof *lines->items)) {
        return false;
    }
    memmove(lines->items + low + 1, lines->items + low,
            (lines->count - low) * sizeof *lines->items);
    lines->items[low] = line;
    lines->count++;
    return true;
}

static int lines_in_block(struct ctr_trace *trace, uint32_t number, struct lines *lines,
                          struct ct_error *error)
{
    struct ctr_reading reading;
    int status = ctr_reading_open(&reading, trace, number, error);
    if (status != CT_OK) {
        return status;
    }
    jump_to_call(&reading, lines->call);
    while (!lines->ended) {
        const struct ctr_runner *top = ctr_running_top(&reading.running);
        if (top != NULL && top->call != lines->call) {
            ctr_reading_skip(&reading);
        }
        if (!ctr_reading_next(&reading)) {
            break;
        }
        lines->ended = ctr_reading_ends_call(&reading, lines->call);
        if (!ctr_reading_follow(&reading)) {
            break;
        }
        top = ctr_running_top(&reading.running);
        if (reading.rec.kind == CTR_LINE_FAR && top->call == lines->call &&
            !add_line(lines, top->line)) {
            reading.status = CT_ENOMEM;
            break;
        }
    }
    return ctr_reading_close(&reading, error);
}

/* What the segment's table knows, from `*block` on up to a block it does not; CT_ESTATE: it knows
 * them all. */
static int lines_in_segment(struct ctr_trace *trace, size_t index, struct lines *lines,
                            uint32_t *block, struct ct_error *error)
{
    const struct ctr_segment *segment;
    int status = ctr_segment_get(trace, index, &segment, error);
    if (status != CT_OK) {
        return status;
    }
    uint32_t first = trace->segments[index].first_block;
    for (; *block - first < segment->count; ++*block) {
        struct ctr_frame_part part;
        if (ctr_segment_part(segment, *block - first, lines->call, &part)) {
            int64_t line = 0;
            for (uint32_t i = 0; i < part.line_count && !part.lines.failed; i++) {
                line += ct_get_zigzag(&part.lines);
                ct_get_varint(&part.lines);
                if (line >= 0 && line <= UINT32_MAX && !add_line(lines, (uint32_t)line)) {
                    return ct_fail(error, CT_ENOMEM, "no memory for lines");
                }
            }
        } else if (segment->missing[CTR_TABLE_FRAMES] >> (*block - first) & 1) {
            return CT_OK;
        }
    }
    struct ctr_call_end end;
    lines->ended = ctr_segment_end_of(segment, lines->call, &end);
    return CT_ESTATE;
}

int ctr_call_lines(struct ctr_trace *trace, uint64_t call, uint32_t **lines, uint32_t *count,
                   struct ct_error *error)
{
    struct lines found = {.call = call};
    *lines = NULL;
    *count = 0;
    if (call >= trace->info.calls) {
        return ct_fail(error, CT_EUSAGE, "there is no call %llu", (unsigned long long)call);
    }
    uint32_t block = ctr_block_of_call(trace, call);
    int status = lines_in_block(trace, block++, &found, error);
    while (status == CT_OK && !found.ended && block < trace->info.blocks) {
        pthread_mutex_lock(&trace->cache.lock);
        status = lines_in_segment(trace, ctr_segment_of(trace, block), &found, &block, error);
        pthread_mutex_unlock(&trace->cache.lock);
        if (status == CT_OK) {
            status = lines_in_block(trace, block++, &found, error);
        } else if (status == CT_ESTATE) {
            status = CT_OK;
        }
    }
    if (status != CT_OK) {
        free(found.items);
        return status;
    }
    *lines = found.items;
    *count = (uint32_t)found.count;
    return CT_OK;
}
