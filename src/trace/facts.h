/* Static facts of a plan's code: what its lines read, write and call, its loops, branches and
 * nested code. Decoded when asked for; nothing in them is trusted. */
#ifndef CT_TRACE_FACTS_H
#define CT_TRACE_FACTS_H

#include "trace/reader.h"

struct ctr_place_in_source {
    uint32_t line, end_line;
    bool has_columns;
    uint32_t column, end_column; /* bytes of UTF-8, from 0; the end is behind the last */
};

struct ctr_use_fact {
    enum ctr_use use;
    struct ctr_text name; /* of variable, name, attribute or nested code; else empty */
    uint32_t index;       /* READ, WRITE, DELETE: variable of the plan; CODE: of `codes` */
    struct ctr_place_in_source place;
};

struct ctr_loop_fact {
    enum ctr_loop_kind kind;
    uint32_t first_line, last_line; /* of the line each turn begins with, and of the whole loop */
};

struct ctr_branch_fact {
    enum ctr_branch_sense sense;
    struct ctr_place_in_source place; /* of the condition */
    uint32_t next_line;               /* where it goes on when it does not jump */
    uint32_t jump_line;
};

struct ctr_code_fact {
    struct ctr_text qualname;
    uint32_t first_line;
};

struct ctr_facts {
    bool is_cut; /* there is more in the code than here */
    uint32_t name_count, code_count, loop_count, branch_count, use_count;
    struct ctr_text *names;
    struct ctr_code_fact *codes;
    struct ctr_loop_fact *loops;
    struct ctr_branch_fact *branches;
    struct ctr_use_fact *uses; /* in the order of the code */
};

/* The facts of a plan, the caller's to clear; texts are borrowed from the trace. CT_ESTATE: the
 * trace has none of it. CT_EFORMAT: they are damaged. `facts` is valid, if empty, in any case. */
int ctr_facts_read(const struct ctr_trace *trace, uint32_t plan, struct ctr_facts *facts,
                   struct ct_error *error);
void ctr_facts_clear(struct ctr_facts *facts);

#endif
