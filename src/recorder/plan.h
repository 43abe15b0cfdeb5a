/* What is decided and learned once about a code object: recorded or not, which slots its lines can
 * write and read, what a line can do to objects. */
#ifndef CT_RECORDER_PLAN_H
#define CT_RECORDER_PLAN_H

#include "recorder/filter.h"
#include "recorder/session.h"

int plans_init(struct session *session);
void plans_free(struct session *session);

/* The plan for `code` under `globals`, made on first use; NULL when memory is out. */
struct plan *plan_of(struct session *session, PyCodeObject *code, PyObject *globals,
                     PyObject *locals);

/* This code is not recorded, whatever its file is. */
void plan_leave_out(struct session *session, PyCodeObject *code);

/* When this code is the program of `-c` or `-`: so is what is nested in it, and nothing else that
 * has the same made-up file. */
void plan_heed_program(struct session *session, PyCodeObject *code, PyObject *globals);

/* Nothing is decided or learned yet: the code is known to be the program's, and has not run. */
static inline bool plan_is_blank(const struct plan *plan)
{
    return plan->globals == NULL && !plan->skip;
}

/* Is what this code does recorded, now or as soon as it runs? */
bool plan_will_record(struct session *session, PyCodeObject *code, PyObject *globals);

/* A Python function whose code is recorded: what it does is written down in its own frame; a
 * generator's does nothing yet. */
static inline bool plan_will_record_function(struct session *session, PyObject *function)
{
    return PyFunction_Check(function) &&
           plan_will_record(session, (PyCodeObject *)PyFunction_GET_CODE(function),
                            PyFunction_GET_GLOBALS(function));
}

/* A module's global turned out to be an object that is restless: from here on lines that use
 * globals are looked at for it. */
void plans_heed_globals(struct session *session);

/* Free a plan whose code is gone and that no frame names. */
void plan_free_unused(struct plan *plan);

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

/* As what a variable is filtered. */
static inline enum filter_name_kind plan_name_kind(const struct plan *plan, uint32_t slot)
{
    uint8_t kind = plan->kinds[slot];
    bool is_argument = (kind & CTR_VAR_KIND) == CTR_VAR_ARG || (kind & CTR_VAR_ALSO_ARG);
    return is_argument ? FILTER_ARGUMENT : FILTER_LOCAL;
}

/* Every plan whose code is alive, for turning events off again. */
void plans_each_code(struct session *session, void (*visit)(struct session *, PyCodeObject *));

#endif
