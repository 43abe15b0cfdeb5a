/* The lines of a source file: which code they belong to, how often they ran. */
#ifndef CT_REPLAY_LINES_H
#define CT_REPLAY_LINES_H

#include "replay/session.h"

/* ctr_key() of the line in each code object of the file, ascending; the caller frees. */
int rp_line_keys(const struct ctr_trace *trace, uint32_t path, uint32_t line, uint64_t **keys,
                 uint32_t *count, struct ct_error *error);

/* The order of such keys, for qsort. */
int rp_compare_keys(const void *left, const void *right);

/* Whether a key is among ascending ones. */
bool rp_has_key(const uint64_t *keys, uint32_t count, uint64_t key);

/* The number of a path: as it was recorded, or else its last parts where only one path ends so.
 * UINT32_MAX: none. */
uint32_t rp_path_number(const struct ctr_trace *trace, const char *path);

/* How many lines a source has; of more than that nobody asks. */
enum { RP_LINES_MAX = 1 << 22 };
uint32_t rp_line_total(struct ctr_text source);

/* One of them, without its end; empty: it has no such line. */
struct ctr_text rp_line_text(struct ctr_text source, uint32_t line);

/* How often lines `first` to `first` + `count` - 1 of a file ran before `step`; the number of all
 * steps: in the whole recording. */
int rp_line_counts(struct rp_session *session, uint32_t path, uint32_t first, uint32_t count,
                   uint64_t step, uint64_t *visits, struct ct_error *error);

/* The line of a breakpoint wished for at `line`: that line where steps are on it, else the next
 * one of the same function, class or module body that has steps, else the one before. CT_ESTATE:
 * that code never ran, or the file has no such line. */
int rp_line_with_steps(struct rp_session *session, uint32_t path, uint32_t line, uint32_t *found,
                       struct ct_error *error);

#endif
