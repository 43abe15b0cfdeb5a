/* Decodes the records of an EVENTS block one after another. The only place that knows their layout:
 * the reader, the player, the checks and the recorder's background thread all use it.
 *
 * A block is decoded twice over in its life. The first pass collects (`struct ctr_collect`): it
 * checks every byte, numbers nodes and objects, and works on bytes that were never seen before.
 * Every later pass reads a prepared block and relies on what the first one checked. */
#ifndef CT_TRACE_RECORD_H
#define CT_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"
#include "trace/value.h"

struct ctr_rec {
    uint8_t kind;          /* enum ctr_record; any LINE is CTR_LINE_FAR, any SET is CTR_SET */
    uint8_t flags;         /* FRAME, OPEN */
    uint8_t sections;      /* OPEN with a base; the values of each follow with their counts */
    uint32_t slot;         /* SET */
    uint32_t plan;         /* CALL, FRAME */
    uint32_t frame;        /* RESUME, THROW */
    uint32_t line;         /* FRAME */
    uint32_t distance;     /* FRAME: blocks back to its entry; OPEN without base: blocks back */
    uint32_t type;         /* OPEN */
    int64_t change;        /* LINE; CHECKED: its step against the first of the block */
    uint64_t number;       /* LINE: 1 for another turn; FRAME: call; SPAN: steps; TICK:
                              milliseconds; OUTPUT, INPUT: stream and flags; THREAD,
                              THREAD_END: thread; FORK: process; NOTE: kind; TOTAL: true length; ITEM:
                              index; SPLICE: start;       ATTR, ATTR_DEL: position */
    uint64_t more;         /* SPAN: calls; SPLICE: how many are removed */
    uint64_t object;       /* records about an object: its number in the trace */
    uint32_t local;        /* same: its number in the block */
    uint32_t count;        /* values that follow; FRAME: pairs of slot and value */
    const uint8_t *values; /* where the values start, with the scan's numbers there */
    uint32_t values_node, values_object;
};

/* What the first pass over a block gathers. Start from `{.raw = the block's first byte}`. */
struct ctr_collect {
    const uint8_t *raw;
    uint32_t *nodes; /* offset of each node's tag */
    uint32_t node_count, node_capacity;
    uint64_t *objects; /* number of each object of the block */
    uint32_t object_count, object_capacity;
    uint32_t frames;                      /* CALL and FRAME records so far */
    uint32_t max_type;                    /* largest type number named, plus 1 */
    uint32_t around[CTR_VALUE_DEPTH_MAX]; /* nodes the scan is inside of */
    unsigned depth;
    bool no_memory;
    /* Called for each node named in an earlier block; may be NULL. False makes the scan fail. */
    bool (*on_far)(void *context, uint64_t blocks_back, uint64_t node);
    void *context;
};

/* Bytes of the values whose size is known from their first; 0 for the others. */
extern const uint8_t ctr_value_size[256];

/* Where a number behind its tag ends; NULL when it is a long one. There are 8 bytes at least. */
static inline const uint8_t *ctr_short_number_end(const uint8_t *at)
{
    uint64_t stops = ~ct_load64(at) & 0x8080808080808080ull;
    return stops == 0 ? NULL : at + 1 + __builtin_ctzll(stops) / 8;
}

enum { CTR_SHORT_BYTES = 1 + CT_VARINT_MAX }; /* of the longest short value */

/* Where a value ends that is simple to step over; NULL when it needs a closer look: it is a node or
 * an object, or the bytes end inside. */
static inline const uint8_t *ctr_short_value_end(const uint8_t *at, const uint8_t *end)
{
    if (end - at < CTR_SHORT_BYTES) {
        return NULL;
    }
    if (*at == CTR_V_INT) {
        return ctr_short_number_end(at + 1);
    }
    return ctr_value_size[*at] != 0 ? at + ctr_value_size[*at] : NULL;
}

/* The same of what a SET gives its slot, which may be a change of a number. */
static inline const uint8_t *ctr_short_set_end(const uint8_t *at, const uint8_t *end)
{
    if (at < end && (*at & 0xe0) == CTR_V_SMALL_DELTA) {
        return at + 1;
    }
    bool is_delta = end - at >= CTR_SHORT_BYTES && *at == CTR_V_DELTA;
    return is_delta ? ctr_short_number_end(at + 1) : ctr_short_value_end(at, end);
}

/* A record other than a short LINE, behind its first byte. */
bool ctr_record_rest(struct ctr_scan *scan, struct ctr_rec *rec, uint8_t first);

/* The next record, whole. Most are read right here: near lines, short values, calls. Afterwards the
 * scan stands behind its values. False at the end and, with `scan->cursor.failed`, at bytes that
 * are no record. */
static inline bool ctr_record_next(struct ctr_scan *scan, struct ctr_rec *rec)
{
    if (scan->cursor.at >= scan->cursor.end) {
        return false;
    }
    uint8_t first = *scan->cursor.at++;
    if (first < CTR_SET) {
        rec->kind = CTR_LINE_FAR;
        rec->change = (int64_t)first - CTR_LINE_BIAS;
        rec->number = 0;
        return true;
    }
    const uint8_t *at = scan->cursor.at, *behind = NULL;
    if (first < CTR_SET + 64) {
        behind = ctr_short_set_end(at, scan->cursor.end);
    } else if (first == CTR_RETURN) {
        behind = ctr_short_value_end(at, scan->cursor.end);
    } else if (first == CTR_CALL && at < scan->cursor.end && *at < 0x80) {
        rec->kind = CTR_CALL;
        rec->plan = *at;
        scan->cursor.at = at + 1;
        if (scan->collect != NULL) {
            scan->collect->frames++;
        }
        return true;
    }
    if (behind != NULL) {
        rec->kind = first == CTR_RETURN ? CTR_RETURN : CTR_SET;
        rec->slot = first - CTR_SET;
        rec->count = 1;
        rec->values = at;
        rec->values_node = scan->next_node;
        rec->values_object = scan->next_object;
        scan->cursor.at = behind;
        return true;
    }
    return ctr_record_rest(scan, rec, first);
}

struct ctr_skipped {
    uint64_t lines;      /* LINE records */
    int64_t change;      /* of the line, by all of them */
    const uint8_t *last; /* the last of them */
};

/* Step over the records that only change the top frame and are short, which are most, up to `end`
 * (of the block, or where one of its records starts). For who needs to know no more of them. */
static inline struct ctr_skipped ctr_skip_short_records(struct ctr_scan *scan, const uint8_t *end)
{
    struct ctr_skipped skipped = {0};
    const uint8_t *at = scan->cursor.at;
    while (at < end && *at < CTR_SET + 64) {
        if (*at < CTR_SET) {
            skipped.lines++;
            skipped.change += *at - CTR_LINE_BIAS;
            skipped.last = at++;
            continue;
        }
        const uint8_t *behind = ctr_short_set_end(at + 1, end);
        if (behind == NULL) {
            break;
        }
        at = behind;
    }
    scan->cursor.at = at;
    return skipped;
}

/* When a SET of a near slot is next, stand on its value: most records of a trace are read this way
 * by who has the frame at hand. */
static inline bool ctr_record_enter_set(struct ctr_scan *scan, uint32_t *slot)
{
    if (scan->cursor.at >= scan->cursor.end || (*scan->cursor.at & 0xc0) != CTR_SET) {
        return false;
    }
    *slot = *scan->cursor.at++ - CTR_SET;
    return true;
}

/* A scan that stands on the first value of `rec`. */
static inline struct ctr_scan ctr_record_values(const struct ctr_scan *scan,
                                                const struct ctr_rec *rec)
{
    struct ctr_scan values = *scan;
    values.cursor.at = rec->values;
    values.next_node = rec->values_node;
    values.next_object = rec->values_object;
    return values;
}

/* Whether a record that starts with this byte only changes state, and is no event of its own. */
static inline bool ctr_record_is_change(uint8_t first)
{
    return (first >= CTR_SET && first < CTR_SET + 64) || first == CTR_SET_FAR ||
           (first >= CTR_OPEN && first <= CTR_CHECKED);
}

static inline bool ctr_record_is_about_object(uint8_t kind)
{
    return kind >= CTR_OPEN && kind <= CTR_CHECKED;
}

/* Forget what was gathered, keep the memory. */
void ctr_collect_reset(struct ctr_collect *collect, const uint8_t *raw);
void ctr_collect_free(struct ctr_collect *collect);

/* A scan over the records of a whole raw block (`raw` includes the prelude). */
static inline struct ctr_scan ctr_scan_start(const uint8_t *raw, size_t size,
                                             const struct ctr_block *block,
                                             struct ctr_collect *collect)
{
    return (struct ctr_scan){
        .cursor = {raw + CTR_PRELUDE_BYTES, raw + size, false},
        .block = block,
        .collect = collect,
    };
}

#endif
