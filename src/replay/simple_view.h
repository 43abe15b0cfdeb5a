/* What a simple expression sees where a sweep is: recorded values as operands, and what is in
 * them. Whatever is not certain is unknown, and for the evaluator to say. */
#ifndef CT_REPLAY_SIMPLE_VIEW_H
#define CT_REPLAY_SIMPLE_VIEW_H

#include "replay/expression_internal.h"
#include "trace/sweep.h"

enum rp_thing {                /* what is known of a THING */
                RP_T_UNKNOWN,  /* nothing: it may be hidden */
                RP_T_INSTANCE, /* of a class of the program: it is equal to no built-in value, and
                                  true */
                RP_T_OTHER,    /* it is not None, and true */
                RP_T_UNSURE,   /* it is not None, and may be false */
                RP_T_OWN,      /* of a class that may have methods of its own: no more than that */
};

struct rp_operand {
    enum rp_value_kind kind; /* NONE, BOOL, INT, FLOAT, STR, BYTES, a container, THING */
    uint8_t thing;           /* enum rp_thing */
    bool is_deque;
    struct ctr_value value; /* recorded; unbound: computed */
    union {
        int64_t integer; /* BOOL, INT */
        double number;
        uint64_t size; /* STR: bytes; BYTES, a container: what len() is */
    };
    const char *text;               /* STR; NULL: in `value` */
    struct ctr_object_state *state; /* of an object */
};

static inline bool rp_is_unknown(const struct rp_operand *operand)
{
    return operand->kind == RP_V_THING && operand->thing == RP_T_UNKNOWN;
}

static inline const char *rp_operand_text(const struct rp_operand *operand)
{
    return operand->text != NULL ? operand->text : (const char *)&operand->value.bits;
}

struct rp_view;

/* NULL: no memory. */
struct rp_view *rp_view_new(struct ctr_trace *trace);
void rp_view_free(struct rp_view *view);

/* Another sweep begins: what was remembered of objects is gone. */
void rp_view_forget(struct rp_view *view);
/* Look at a visit: operands of the one before are gone. */
void rp_view_enter(struct rp_view *view, struct ctr_sweeper *sweeper);

/* A recorded value. Without a view only short ones are known. */
struct rp_operand rp_view_operand(struct rp_view *view, struct ctr_value value);

/* What the attribute that `node` names, or a place in a list or tuple, holds. */
struct rp_operand rp_view_attribute(struct rp_view *view, const struct rp_operand *of,
                                    const struct rp_node *node);
struct rp_operand rp_view_item(struct rp_view *view, const struct rp_operand *of, int64_t index);

/* What the name `node` is in the dict of this number. False, and `*absent`: certainly nothing. */
bool rp_view_named(struct rp_view *view, uint64_t dict, const struct rp_node *node,
                   struct rp_operand *found, bool *absent);

/* What a dict has at a key of this very content; keys may be equal otherwise, too. */
bool rp_view_pair(struct rp_view *view, const struct rp_operand *dict, const struct rp_operand *key,
                  struct rp_operand *found);

/* Elements of an object one after another, the keys of a dict: the one at `*at` or behind, and
 * `value`, what it has there. False: that was all. */
bool rp_view_next(struct rp_view *view, const struct rp_operand *of, uint32_t *at,
                  struct rp_operand *element, struct ctr_value *value);

#endif
