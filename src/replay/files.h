/* The recorded files, line by line: which lines have code, how much of it ran. */
#ifndef CT_REPLAY_FILES_H
#define CT_REPLAY_FILES_H

#include "replay/session.h"

/* Which of lines `first` to `first` + `count` - 1 have code, as far as that is known: of functions
 * and classes that were never met, only the line where they begin. `visits`: those of the whole
 * recording (rp_line_counts). */
void rp_lines_with_code(const struct ctr_trace *trace, uint32_t path, uint32_t first,
                        uint32_t count, const uint64_t *visits, bool *has_code);

struct rp_file {
    uint32_t lines; /* that have code, as above */
    uint32_t lines_run;
    uint64_t steps; /* how often any of them ran */
};
int rp_file(struct rp_session *session, uint32_t path, struct rp_file *file,
            struct ct_error *error);

#endif
