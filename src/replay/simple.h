/* Simple expressions: names of the frame, numbers and short texts, compared and computed with.
 * What is true of them can be said from the values of those names alone, many million times a
 * second; where it cannot be said for certain, evaluate.c is to be asked. */
#ifndef CT_REPLAY_SIMPLE_H
#define CT_REPLAY_SIMPLE_H

#include "replay/expression_internal.h"

enum { RP_SIMPLE_NAMES = 8 };

/* Whether an expression is simple; then `names` are its names, as often as they stand in it. */
bool rp_is_simple(const struct rp_expression *expression,
                  const struct rp_node *names[RP_SIMPLE_NAMES], uint32_t *count);

/* Whether a simple expression is true where its names have these values: 1, 0; -1: ask. */
int rp_simple_test(const struct rp_expression *expression, const struct ctr_value *values);

#endif
