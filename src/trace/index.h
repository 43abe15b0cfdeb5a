/* The index: what a reader could not afford to find out later, in one INDEX block for each segment
 * of CTR_SEGMENT_BLOCKS EVENTS blocks (fewer at the end). The recorder's background thread gathers
 * it (summary.h); a reader loads a segment when it needs it.
 *
 * INDEX block:
 *     varint blocks, then for each the ENTRY:
 *         varint offset of the block header, raw size, stored size, first step, first call, tick,
 *         thread running at its start, OUTPUT records, INPUT records, RAISE records, frames on the
 *         running thread's stack at its end, the fewest and the most on any stack while it ran,
 *         threads that ran, then the numbers of the first CTR_ENTRY_THREADS of them
 *     then the TABLES, in the order of enum ctr_index_table; each is varint bytes, varint bits of
 *     the blocks it does not know wholly (a limit was reached: look into the block instead; its
 *     visits are not to be used, the rest is true but there may be more), content:
 *         LINES    varint count, then in the order of plan and line: varint plan - the one before,
 *                  varint line (minus the one before within the same plan), 8 bytes with a bit for
 *                  each block where the line ran, and for each such block varint visits
 *         SLOTS    varint count, then in the order of plan and slot: the same without visits, of
 *                  the blocks that SET the variable
 *         OBJECTS  for each block: varint bytes, then the objects it OPENs in ascending order,
 *                  varint difference each (the first from 0)
 *         ENDS     for each block: varint bytes, then for each RETURN or UNWIND of a call that
 *                  began in an earlier block: zigzag call - the one before (the first from 0),
 *                  varint step - the one before (from the block's first; steps before the
 *                  record), varint steps and varint calls of the SPAN in front of it, varint
 *                  plan, varint (thread << 1 | it was an UNWIND)
 *         FRAMES   for each block: varint bytes, then for each call that began in an earlier block
 *                  and ran here: zigzag call - the one before, varint plan, varint its own LINE
 *                  records, varint calls it made, varint count of lines, and for each zigzag line -
 *                  the one before, varint visits
 * Blocks are counted from 0 within the segment; bit 0 is the first. */
#ifndef CT_TRACE_INDEX_H
#define CT_TRACE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "base/varint.h"
#include "trace/format.h"

enum { CTR_ENTRY_THREADS = 8 };

struct ctr_index_entry {
    uint64_t offset; /* of the block header in the file */
    uint32_t raw_size;
    uint32_t stored_size;
    uint64_t first_step;
    uint64_t first_call;
    uint64_t tick;    /* milliseconds */
    uint32_t thread;  /* running at the block's start */
    uint32_t outputs; /* OUTPUT records inside */
    uint32_t inputs;  /* INPUT records inside */
    uint32_t raises;  /* RAISE records inside */
    /* Frames on the running thread's stack when the block ends, the fewest and the most on any
     * stack that ran. For drawing: frames that ended without a record are counted where it shows.
     */
    uint32_t depth_end, depth_min, depth_max;
    uint32_t thread_count; /* threads that ran in it; the first few are named. 0: not known */
    uint32_t threads[CTR_ENTRY_THREADS];
};

/* Whether the thread may have run in the block. */
static inline bool ctr_entry_has_thread(const struct ctr_index_entry *entry, uint32_t thread)
{
    bool found = entry->thread_count == 0 || entry->thread_count > CTR_ENTRY_THREADS;
    for (uint32_t i = 0; !found && i < entry->thread_count; i++) {
        found = entry->threads[i] == thread;
    }
    return found;
}

enum ctr_index_table {
    CTR_TABLE_LINES,
    CTR_TABLE_SLOTS,
    CTR_TABLE_OBJECTS,
    CTR_TABLE_ENDS,
    CTR_TABLE_FRAMES,
    CTR_INDEX_TABLES,
};

void ctr_entry_encode(const struct ctr_index_entry *entry, struct ct_bytes *to);

/* ---- a segment as a reader holds it ---- */

struct ctr_marks { /* what of a key is known of each block */
    uint64_t key;  /* plan << 32 | line or slot */
    uint64_t blocks;
    uint32_t visits; /* position of the first of its visits, one for each bit */
};

struct ctr_keyed {
    uint32_t count;
    struct ctr_marks *marks; /* by key */
};

struct ctr_call_end {
    uint64_t call;
    uint64_t step;  /* steps before the record that ended it */
    uint64_t steps; /* steps since it began */
    uint64_t calls; /* calls made in it, on its thread */
    uint32_t plan;
    uint32_t thread;
    uint32_t block; /* of the segment */
    bool unwound;
};

/* A call that was there before a block and ran in it. */
struct ctr_frame_part {
    uint64_t call;
    uint32_t plan;
    uint32_t steps;    /* its own LINE records in the block */
    uint32_t children; /* calls it made there */
    uint32_t line_count;
    struct ct_cursor lines;
};

struct ctr_segment {
    unsigned count;
    struct ctr_index_entry entries[CTR_SEGMENT_BLOCKS];
    bool has_tables;
    uint64_t missing[CTR_INDEX_TABLES]; /* blocks the table does not know wholly */
    struct ctr_keyed lines, slots;
    uint32_t *visits;
    uint8_t *bytes;     /* the INDEX block: some tables are read where they stand */
    size_t tables, end; /* where in it the tables start and end */
    struct {
        const uint8_t *at, *end;
    } objects[CTR_SEGMENT_BLOCKS], ends[CTR_SEGMENT_BLOCKS], frames[CTR_SEGMENT_BLOCKS];
    size_t size; /* of memory, all of it */
};

/* Read an INDEX block into a segment the caller zeroed; clear it in any case. Nothing of it is
 * trusted. */
int ctr_segment_decode(const uint8_t *from, size_t size, struct ctr_segment *segment,
                       struct ct_error *error);
void ctr_segment_clear(struct ctr_segment *segment);

static inline uint64_t ctr_key(uint32_t plan, uint32_t line_or_slot)
{
    return (uint64_t)plan << 32 | line_or_slot;
}

/* The marks of a key, or NULL. */
const struct ctr_marks *ctr_keyed_find(const struct ctr_keyed *keyed, uint64_t key);

/* The blocks marked for any line or variable of a plan. */
uint64_t ctr_keyed_of_plan(const struct ctr_keyed *keyed, uint32_t plan);

/* The blocks in which code of plans that have a flag may have run. */
uint64_t ctr_segment_of_plans(const struct ctr_segment *segment, const uint8_t *flags,
                              uint32_t plan_count);

/* The blocks which may have any of these keys: of lines (CTR_TABLE_LINES) or of variables
 * (CTR_TABLE_SLOTS). */
uint64_t ctr_segment_with(const struct ctr_segment *segment, enum ctr_index_table table,
                          const uint64_t *keys, uint32_t count);

/* Visits of these marks in block `block` of the segment (its bit is set). */
uint32_t ctr_marks_visits(const struct ctr_segment *segment, const struct ctr_marks *marks,
                          unsigned block);

/* Whether the block opens any of the objects, whose numbers ascend. */
bool ctr_segment_opens(const struct ctr_segment *segment, unsigned block, const uint64_t *objects,
                       uint32_t count);

/* How a call ended, when it began in an earlier block and ended in this segment. */
bool ctr_segment_end_of(const struct ctr_segment *segment, uint64_t call, struct ctr_call_end *end);

/* The part a call had in a block. False: none, or the table does not know this block wholly. */
bool ctr_segment_part(const struct ctr_segment *segment, unsigned block, uint64_t call,
                      struct ctr_frame_part *part);

/* Visits of `line` by the part's call. */
uint32_t ctr_part_visits(const struct ctr_frame_part *part, uint32_t line);

#endif
