/* Simple expressions: names, attributes, places in lists, keys of dicts, lengths, numbers and
 * texts, compared and computed with. What is true of them can be said from the values of the
 * frame's variables, and from the states of objects where they are followed, many million times a
 * second; where it cannot be said for certain, evaluate.c is to be asked. */
#ifndef CT_REPLAY_SIMPLE_H
#define CT_REPLAY_SIMPLE_H

#include "replay/simple_view.h"

enum { RP_SIMPLE_NAMES = 16 };

struct rp_simple {
    const struct rp_node *names[RP_SIMPLE_NAMES]; /* as often as they stand in it; NULL: `len` */
    uint32_t name_count;
    bool calls_len, has_numbers;
    bool needs_view; /* it is about more than numbers: objects, texts */
};

/* Whether an expression is simple. */
bool rp_is_simple(const struct rp_expression *expression, struct rp_simple *simple);

/* What the names mean where one is tested. */
struct rp_simple_scope {
    const struct ctr_value *values; /* of variables of the frame; others: unused */
    uint32_t outside;               /* bit: the name of this number is no variable of the frame, */
    const struct ctr_value *space;  /* but of its namespace, where there is one, */
    uint64_t globals;               /* or of the dict of this number plus 1 */
    struct rp_view *view;           /* NULL: it is not needed */
};

/* Whether a simple expression is true: 1, 0; -1: ask. */
int rp_simple_test(const struct rp_expression *expression, const struct rp_simple_scope *scope);

#endif
