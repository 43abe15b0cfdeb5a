/* What is decided and learned once about a code object: recorded or not, which slots its lines can
 * write and read, what a line can do to objects. */
#ifndef CT_RECORDER_PLAN_H
#define CT_RECORDER_PLAN_H

#include "recorder/session.h"

int plans_init(struct session *session);
void plans_free(struct session *session);

/* The plan for `code` under `globals`, made on first use; NULL when memory is out. */
struct plan *plan_of(struct session *session, PyCodeObject *code, PyObject *globals,
                     PyObject *locals);

/* What is assumed of a line we know nothing of. */
static inline const struct line_info *plan_any_line(const struct plan *plan)
{
    return &plan->lines[plan->line_count];
}

/* What runs before the first line. */
static inline const struct line_info *plan_before_lines(const struct plan *plan)
{
    return &plan->lines[plan->line_count + 1];
}

static inline const struct line_info *plan_line(const struct plan *plan, int line)
{
    unsigned index = (unsigned)line - (unsigned)plan->first_line;
    return index < (unsigned)plan->line_count ? &plan->lines[index] : plan_any_line(plan);
}

/* Every plan whose code is alive, for turning events off again. */
void plans_each_code(struct session *session, void (*visit)(struct session *, PyCodeObject *));

#endif
