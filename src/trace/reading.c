#include "trace/reading.h"

#include <stdlib.h>

#include "trace/trace_internal.h"

enum { MARK_FRAMES_MAX = 256 }; /* a deeper stack is not worth keeping again and again */

static int explain(const struct ctr_reading *reading, struct ct_error *error)
{
    uint32_t number = reading->block->number;
    if (reading->status == CT_ENOMEM) {
        return ct_fail(error, CT_ENOMEM, "no memory to look into block %u", number);
    }
    if (reading->status == CT_EFORMAT || reading->scan.cursor.failed) {
        return ct_fail(error, CT_EFORMAT, "block %u is damaged at its byte %u", number,
                       ctr_reading_place(reading));
    }
    return CT_OK;
}

static uint32_t number_of_mark(const struct ctr_reading *reading, const uint8_t *at)
{
    return (uint32_t)((size_t)(at - reading->block->raw) / CTR_MARK_BYTES);
}

/* The first one behind a place. */
static const uint8_t *next_mark(const struct ctr_reading *reading, const uint8_t *at)
{
    size_t next = ((size_t)number_of_mark(reading, at) + 1) * CTR_MARK_BYTES;
    return next < reading->block->size ? reading->block->raw + next
                                       : reading->block->raw + reading->block->size;
}

static void start(struct ctr_reading *reading)
{
    const struct ctr_block *block = reading->block;
    reading->at = block->raw;
    reading->mark = next_mark(reading, block->raw);
    reading->scan = ctr_scan_start(block->raw, block->size, block, NULL);
    reading->status = ctr_running_start(&reading->running, block->raw) ? CT_OK : CT_ENOMEM;
}

int ctr_reading_open(struct ctr_reading *reading, struct ctr_trace *trace, uint32_t number,
                     struct ct_error *error)
{
    *reading = (struct ctr_reading){.trace = trace};
    int status = ctr_block_acquire(trace, number, &reading->block, error);
    if (status != CT_OK) {
        return status;
    }
    start(reading);
    return reading->status == CT_OK ? CT_OK : ctr_reading_close(reading, error);
}

int ctr_reading_close(struct ctr_reading *reading, struct ct_error *error)
{
    int status = explain(reading, error);
    ctr_running_free(&reading->running);
    ctr_block_release(reading->trace, reading->block);
    return status;
}

/* ---- marks ---- */

void ctr_reading_keep_mark(struct ctr_reading *reading)
{
    const struct ctr_running *running = &reading->running;
    const uint8_t *at = reading->scan.cursor.at;
    uint32_t number = number_of_mark(reading, at);
    reading->mark = next_mark(reading, at);
    if (reading->status != CT_OK || at >= reading->scan.cursor.end ||
        running->frame_count > MARK_FRAMES_MAX || running->stack_count > MARK_FRAMES_MAX ||
        ctr_mark(reading->trace, reading->block, CTR_MARK_READING, number) != NULL) {
        return;
    }
    size_t bytes;
    struct ctr_mark *mark = malloc(sizeof *mark);
    struct ctr_running_saved *saved = mark != NULL ? ctr_running_save(running, &bytes) : NULL;
    if (saved == NULL) {
        free(mark); /* it goes on without */
        return;
    }
    *mark = (struct ctr_mark){
        .at = (uint32_t)(at - reading->block->raw),
        .next_node = reading->scan.next_node,
        .next_object = reading->scan.next_object,
        .step = running->step,
        .call = running->call,
        .state = saved,
        .free_state = free,
    };
    ctr_keep_mark(reading->trace, reading->block, CTR_MARK_READING, mark, sizeof *mark + bytes);
}

uint32_t ctr_reading_jump(struct ctr_reading *reading, const struct ctr_reach *reach)
{
    const struct ctr_block *block = reading->block;
    const struct ctr_mark *mark = ctr_mark_within(reading->trace, block, CTR_MARK_READING, reach);
    if (mark == NULL || !ctr_running_restore(&reading->running, mark->state)) {
        start(reading);
        return 0;
    }
    reading->at = reading->scan.cursor.at = block->raw + mark->at;
    reading->mark = next_mark(reading, reading->at);
    reading->scan.next_node = mark->next_node;
    reading->scan.next_object = mark->next_object;
    reading->status = CT_OK;
    return mark->at;
}
