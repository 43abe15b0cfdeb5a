/* Parts of values that code names: attributes and items as they stand in the source, which are read
 * or written where their line runs. */
#ifndef CT_REPLAY_PARTS_H
#define CT_REPLAY_PARTS_H

#include "replay/session.h"
#include "trace/facts.h"

enum { RP_PARTS_MAX = 12 /* of one line */ };

struct rp_expression;

struct rp_part {
    struct ctr_text text; /* "self.x", "xs[i]": of the recorded source */
    struct rp_expression *expression;
    bool is_read, is_written;
};

struct rp_line_parts {
    uint32_t line, count;
    struct rp_part parts[RP_PARTS_MAX];
};

/* The parts of one code's lines, found when they are asked for: start from `{0}` but for the plan
 * and its facts; rp_parts_clear. */
struct rp_parts {
    const struct ctr_trace *trace;
    const struct ctr_plan *plan;
    const struct ctr_facts *facts;
    struct rp_line_parts *lines;
    uint32_t count, capacity;
};

/* NULL: no memory. Valid until the next one is asked for. */
const struct rp_line_parts *rp_parts_of(struct rp_parts *parts, uint32_t line);
void rp_parts_clear(struct rp_parts *parts);

#endif
