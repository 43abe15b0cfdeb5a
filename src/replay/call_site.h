/* Which call of its line a frame waits in: an expression of the source, with columns.
 *
 * The recording knows the line, and the code's calls with their columns; which of them made the
 * frame above is found by name and order, and not told where that leaves a doubt: aliases, what C
 * code calls, operators, short circuits, the turns of a comprehension. */
#ifndef CT_REPLAY_CALL_SITE_H
#define CT_REPLAY_CALL_SITE_H

#include "replay/session.h"
#include "trace/facts.h"

/* What is remembered from one frame to the next, from the top down: start from `{0}`. */
struct rp_sites {
    struct ctr_facts facts; /* of `plan` */
    uint32_t plan;
    bool has_facts;
    uint32_t searches; /* for what a line called; after some no more */
};

void rp_sites_clear(struct rp_sites *sites);

/* The call in which frame `index` of a thread's stack waits for the frame above it, or for the one
 * that was just left. False: it is about to run its line, or nobody knows. */
bool rp_call_site(struct rp_session *session, uint32_t thread, uint32_t index,
                  struct rp_sites *sites, struct ctr_place_in_source *site);

#endif
