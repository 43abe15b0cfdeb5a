/* Visits of lines at which a simple condition may hold, found by a sweep. */
#ifndef CT_REPLAY_SIEVE_H
#define CT_REPLAY_SIEVE_H

#include "replay/candidates.h"

struct rp_sieve;

/* `*sieve` is NULL where no condition is simple: there is nothing to gain. */
int rp_sieve_new(struct rp_sieve **sieve, struct ctr_trace *trace, const struct ctr_query *query,
                 const struct rp_watched *watched, uint32_t watched_count, struct ct_error *error);
void rp_sieve_free(struct rp_sieve *sieve);

/* The candidates of the next few blocks; `*next` is where the page after starts. They are the
 * sieve's until it is asked again. */
int rp_sieve_page(struct rp_sieve *sieve, struct ctr_place from, bool backwards,
                  struct rp_candidate **items, size_t *count, struct ctr_place *next, bool *done,
                  struct ct_error *error);

#endif
