/* The state of objects while a trace is played: each object record is folded into it. Objects whose
 * earlier state is not known yet are marked so, and fetched when somebody asks. */
#ifndef CT_TRACE_OBJECTS_H
#define CT_TRACE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/player.h"
#include "trace/record.h"

/* States kept by one player; past it those not touched for longest go, and can be fetched again. */
#define CTR_OBJECTS_BYTES (64u * 1024 * 1024)

struct ctr_object_state {
    struct ctr_object object;      /* `pairs` may have holes until ctr_object_settle */
    struct ctr_object_state *next; /* in its bucket */
    uint32_t opened;               /* block of the OPEN this state follows from */
    bool known;                    /* false: its earlier state was not fetched */
    uint64_t used;                 /* the player's move when it was last touched */
    uint32_t item_capacity, pair_capacity, attr_capacity, bound_capacity;
    struct ctr_pair *attr_places; /* every attribute at its position, the unbound ones too */
    uint32_t attr_end;
    uint64_t cut_attrs;   /* more than those, not recorded */
    bool attrs_changed;   /* object.attrs, the bound ones, is to be made anew */
    uint32_t pair_end;    /* pairs and holes; object.pair_count counts the pairs */
    uint32_t *places;     /* hash table of positions in `pairs`, plus 1; NULL: few pairs */
    uint32_t place_count; /* power of two */
};

struct ctr_objects {
    struct ctr_trace *trace;
    struct ctr_object_state **buckets;
    size_t bucket_count, count;
    size_t bytes; /* of all states, roughly */
};

void ctr_objects_init(struct ctr_objects *objects, struct ctr_trace *trace);
void ctr_objects_clear(struct ctr_objects *objects);

/* The state, or NULL. */
struct ctr_object_state *ctr_objects_find(const struct ctr_objects *objects, uint64_t number);

/* Fold an object record of `block` into the states. */
int ctr_objects_apply(struct ctr_objects *objects, uint32_t block, uint64_t move,
                      const struct ctr_scan *scan, const struct ctr_rec *rec,
                      struct ct_error *error);

/* The state of object `number` at byte `limit` of `block`, fetched from where it was last opened.
 * CT_OK with NULL when nothing describes it. */
int ctr_objects_fetch(struct ctr_objects *objects, uint64_t number, const struct ctr_block *block,
                      size_t limit, uint64_t move, struct ctr_object_state **state,
                      struct ct_error *error);

/* Close the holes, so that `pairs` is what player.h promises. */
void ctr_object_settle(struct ctr_object_state *state);

/* Drop states when there are too many; never those used at `move` or opened in `block`. */
void ctr_objects_trim(struct ctr_objects *objects, uint32_t block, uint64_t move);

#endif
