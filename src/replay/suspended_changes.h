/* What one block changes of the coroutines that are suspended: found without knowing what is
 * before it, so that several blocks can be looked into at once, and packed to be kept. */
#ifndef CT_REPLAY_SUSPENDED_CHANGES_H
#define CT_REPLAY_SUSPENDED_CHANGES_H

#include "base/bytes.h"
#include "base/varint.h"
#include "replay/suspended.h"

/* What a thread did last, when that was to suspend a frame. */
struct rp_left {
    uint32_t thread;
    bool is_set;
    bool is_touched;  /* it did something in the block */
    bool is_followed; /* the frame is in the table */
    uint32_t change;  /* of the block, or RP_NO_CHANGE, whose outcome the frame is */
    uint32_t frame;   /* in the block */
    struct rp_suspended one;
    struct ctr_value value; /* it yielded this */
};

enum { RP_NO_CHANGE = 0xffffffff };

enum rp_change_kind {
    RP_IS_SUSPENDED,
    RP_IS_RESUMED, /* `one.call` */
    RP_IS_FIRST,   /* it is suspended, the first that its thread does: what is awaited may be what
                      the thread left before */
};

struct rp_change {
    enum rp_change_kind kind;
    bool is_followed;       /* FIRST: it gets into the table */
    struct ctr_value value; /* FIRST: it yielded this */
    struct rp_suspended one;
};

struct rp_changes {
    struct rp_change *items;
    size_t count, capacity;
    struct rp_left *left; /* threads that ran */
    size_t left_count, left_capacity;
};

void rp_changes_free(struct rp_changes *changes);

/* Of a block up to its byte `to`; on from the memory that `changes` has. */
int rp_changes_read(struct rp_changes *changes, struct ctr_trace *trace, uint32_t block,
                    uint32_t to, struct ct_error *error);

/* Whether a frame that is suspended now awaits the one that was right before, on the same thread.
 */
bool rp_left_is_awaited(struct ctr_trace *trace, const struct rp_left *left,
                        struct ctr_value value);

/* The entry of a thread; made when there is none. NULL: no memory. */
struct rp_left *rp_left_on(struct rp_left **list, size_t *count, size_t *capacity, uint32_t thread);

/* One in a quarter of its memory: most numbers are near those of the one before, of which
 * `nearest` is told. */
void rp_suspended_pack(const struct rp_suspended *one, struct rp_suspended *nearest,
                       struct ct_bytes *to);
struct rp_suspended rp_suspended_unpack(struct ct_cursor *from, struct rp_suspended *nearest);

void rp_change_pack(const struct rp_change *change, struct rp_suspended *nearest,
                    struct ct_bytes *to);
struct rp_change rp_change_unpack(struct ct_cursor *from, struct rp_suspended *nearest);

#endif
