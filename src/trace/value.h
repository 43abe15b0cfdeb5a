/* Recorded values as a reader holds them: 16 bytes that mean the same everywhere in the trace.
 *
 * Short values are inside (`bits`); longer immutable ones are nodes, named by the EVENTS block that
 * holds them and their number there; mutable ones are objects, named by their object number, whose
 * state depends on the moment (player.h). Two values with equal bytes are equal values. */
#ifndef CT_TRACE_VALUE_H
#define CT_TRACE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/status.h"
#include "base/varint.h"
#include "trace/format.h"

struct ctr_trace;
struct ctr_block;

/* `tag` is one of CTR_V_UNBOUND, NONE, TRUE, FALSE, ELLIPSIS, NOT_IMPLEMENTED, REDACTED, DROPPED
 * (bits 0); CTR_V_INT (bits: the number); CTR_V_FLOAT (bits: IEEE 754); CTR_V_SHORT_TEXT (bits: up
 * to 7 bytes from the lowest, the length in the top byte); CTR_V_NODE (block, bits: number of the
 * node); CTR_V_OBJECT (bits: object number). */
struct ctr_value {
    uint32_t tag;
    uint32_t block;
    uint64_t bits;
};

static inline bool ctr_value_same(struct ctr_value a, struct ctr_value b)
{
    return a.tag == b.tag && a.block == b.block && a.bits == b.bits;
}

static inline double ctr_value_float(struct ctr_value value)
{
    double number;
    memcpy(&number, &value.bits, sizeof number);
    return number;
}

/* Reads values one after another out of a block's records. */
struct ctr_scan {
    struct ct_cursor cursor;
    const struct ctr_block *block; /* prepared, or NULL while `collect` prepares it */
    uint32_t next_node;            /* number the next [node] value gets */
    uint32_t next_object;          /* number the next new object reference gets */
    struct ctr_collect *collect;   /* record.h; NULL in a prepared block */
};

struct ctr_value ctr_scan_value_slow(struct ctr_scan *scan, struct ctr_value before);

/* Read one value. `before` is what the slot held, for the tags that continue it; pass an unbound
 * value elsewhere. Sets cursor.failed on anything malformed. The block must be prepared. */
static inline struct ctr_value ctr_scan_value(struct ctr_scan *scan, struct ctr_value before)
{
    if (scan->cursor.at < scan->cursor.end) {
        uint8_t tag = *scan->cursor.at;
        if (tag >= CTR_V_SMALL_INT) {
            scan->cursor.at++;
            int64_t number = (int64_t)tag - CTR_V_SMALL_INT + CTR_SMALL_INT_MIN;
            return (struct ctr_value){.tag = CTR_V_INT, .bits = (uint64_t)number};
        }
        if ((tag & 0xe0) == CTR_V_SMALL_DELTA && before.tag == CTR_V_INT) {
            scan->cursor.at++;
            before.bits += (uint64_t)((int64_t)tag - CTR_V_SMALL_DELTA - 16);
            return before;
        }
    }
    return ctr_scan_value_slow(scan, before);
}

/* Step over one value, keeping the numbers right. */
void ctr_skip_value(struct ctr_scan *scan);

/* Read an object reference: the object's number in the trace. */
uint64_t ctr_scan_object(struct ctr_scan *scan);

/* What a node holds. Valid until ctr_node_close. */
struct ctr_node {
    uint8_t tag;          /* CTR_V_BIG, COMPLEX, TEXT, BYTES, TUPLE, FROZENSET, AS, THING, OPAQUE,
                             CUT, SLICE, RANGE; GROW reads as TEXT */
    bool negative;        /* BIG */
    uint32_t type;        /* AS, THING, OPAQUE */
    uint64_t address;     /* THING, OPAQUE */
    uint64_t true_length; /* CUT */
    const uint8_t *bytes; /* TEXT, BYTES, BIG (magnitude), COMPLEX (two doubles) */
    size_t size;
    uint32_t count;           /* children: TUPLE, FROZENSET, SLICE, RANGE; 1 for AS, THING, CUT */
    struct ctr_scan children; /* ctr_scan_value() it `count` times */
    uint8_t *owned;           /* memory of a GROW, freed by ctr_node_close */
    const struct ctr_block *block; /* pinned */
};

/* Open the node named by `value` (tag CTR_V_NODE). Pins its block until ctr_node_close. */
int ctr_node_open(struct ctr_trace *trace, struct ctr_value value, struct ctr_node *node,
                  struct ct_error *error);
void ctr_node_close(struct ctr_trace *trace, struct ctr_node *node);

/* Whether two values have the same content, nodes compared by what they hold, objects by identity;
 * and a hash that is equal for such values. Both look at a bounded number of nodes. */
bool ctr_value_equal(struct ctr_trace *trace, struct ctr_value a, struct ctr_value b);
uint64_t ctr_value_hash(struct ctr_trace *trace, struct ctr_value value);

#endif
