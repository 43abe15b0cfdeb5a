/* The state of objects at a player's position. Playing passes over what records say of objects;
 * when somebody asks for one, its records up to there are folded, from where that was done last or
 * from its base, which may stand in an earlier block. */
#ifndef CT_TRACE_OBJECTS_H
#define CT_TRACE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/player.h"
#include "trace/record.h"

/* States kept by one player unless it says otherwise; past it those not touched for longest go, and
 * can be fetched again. */
#define CTR_OBJECTS_BYTES (32u * 1024 * 1024)

struct ctr_object_state {
    struct ctr_object object;      /* `pairs` may have holes until ctr_object_settle */
    struct ctr_object_state *next; /* in its bucket */
    uint32_t opened;               /* the last block it was opened in, and */
    uint32_t to_fold; /* that block's next record about it, plus 1; 0: all are folded */
    uint32_t through; /* no block after `opened` up to this one opens it */
    bool known;       /* false: nothing of this holds */
    uint64_t used;    /* the player's move when it was last touched */
    uint32_t item_capacity, pair_capacity, attr_capacity, bound_capacity;
    struct ctr_pair *attr_places; /* every attribute at its position, the unbound ones too */
    uint32_t attr_end;
    uint64_t cut_attrs;   /* more than those, not recorded */
    bool attrs_changed;   /* object.attrs, the bound ones, is to be made anew */
    uint32_t pair_end;    /* pairs and holes; object.pair_count counts the pairs */
    uint32_t *places;     /* hash table of positions in `pairs`, plus 1; NULL: few pairs */
    uint32_t place_count; /* power of two */
    uint64_t arrangement; /* another number once a pair or an attribute left its position */
};

struct ctr_objects {
    struct ctr_trace *trace;
    struct ctr_object_state **buckets;
    size_t bucket_count, count;
    size_t bytes; /* of all states, roughly */
    size_t limit;
    size_t trim_at;        /* the limit, or more while one move needs more */
    uint64_t arrangements; /* numbers given out */
};

void ctr_objects_init(struct ctr_objects *objects, struct ctr_trace *trace);
void ctr_objects_clear(struct ctr_objects *objects);

/* The state of object `number` at byte `limit` of `block`, which is not before where it was asked
 * for last, unless cleared. CT_OK with NULL when nothing describes it. `move` is remembered as when
 * it was used. */
int ctr_objects_get(struct ctr_objects *objects, uint64_t number, const struct ctr_block *block,
                    size_t limit, uint64_t move, struct ctr_object_state **state,
                    struct ct_error *error);

/* The position in `pairs` of a key with this content, or CTR_NO_PAIR. */
enum { CTR_NO_PAIR = 0xffffffffu };
uint32_t ctr_object_find_pair(struct ctr_objects *objects, struct ctr_object_state *state,
                              struct ctr_value key);

/* What stands in `pairs` where one was removed, until the state is settled. */
enum { CTR_HOLE = 0xffffffffu };
static inline bool ctr_is_hole(const struct ctr_pair *pair)
{
    return pair->key.tag == CTR_HOLE;
}

/* Whether the object's next record in the block says that it was last compared at an earlier step
 * than `step`, and when. */
bool ctr_objects_is_late(const struct ctr_object_state *state, const struct ctr_block *block,
                         uint64_t step, uint64_t *verified);

/* Fold all that `block` says of every object whose state is at hand, which is where damage shows:
 * one that is opened there with its base, or goes on from a state that was kept. */
int ctr_objects_finish(struct ctr_objects *objects, const struct ctr_block *block, uint64_t move,
                       struct ct_error *error);

/* Close the holes, so that `pairs` is what player.h promises. */
void ctr_object_settle(struct ctr_objects *objects, struct ctr_object_state *state);

/* Whether two states are the same: lengths, items, pairs and attributes; not what is in those. */
bool ctr_object_equal(struct ctr_trace *trace, const struct ctr_object *a,
                      const struct ctr_object *b);

/* Keep no more than so many bytes of states. */
void ctr_objects_limit(struct ctr_objects *objects, size_t bytes);

/* Drop states when there are too many; never those used at `move`. */
void ctr_objects_trim(struct ctr_objects *objects, uint64_t move);

#endif
