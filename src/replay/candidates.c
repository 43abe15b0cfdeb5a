#include "replay/candidates.h"

#include <stdlib.h>

#include "replay/sieve.h"

enum { FIRST_PAGE = 4, PAGE = 1024 }; /* what is looked for may be near */

int rp_walk_open(struct rp_walk *walk, struct rp_session *session, const struct ctr_query *query,
                 struct ctr_place from, bool backwards, const struct rp_watched *watched,
                 uint32_t watched_count, struct ct_error *error)
{
    *walk = (struct rp_walk){.session = session,
                             .query = *query,
                             .backwards = backwards,
                             .from = from,
                             .next = from,
                             .capacity = FIRST_PAGE};
    return rp_sieve_new(&walk->sieve, session->trace, query, watched, watched_count, error);
}

void rp_walk_close(struct rp_walk *walk)
{
    if (walk->sieve == NULL) {
        free(walk->items); /* else they are the sieve's */
    }
    free(walk->hits);
    rp_sieve_free(walk->sieve);
}

/* Damage is for the other way to find: there may be something in front of it. */
static int sift(struct rp_walk *walk, struct ct_error *error)
{
    struct ct_error problem = {0};
    struct ctr_place next;
    int status = rp_sieve_page(walk->sieve, walk->next, walk->backwards, &walk->items, &walk->count,
                               &next, &walk->done, &problem);
    if (status == CT_ENOMEM) {
        return ct_fail(error, status, "%s", problem.message);
    }
    if (status == CT_OK) {
        walk->next = next;
        return CT_OK;
    }
    rp_sieve_free(walk->sieve);
    walk->sieve = NULL;
    walk->items = NULL;
    return status;
}

static struct rp_candidate candidate_of(const struct rp_walk *walk, const struct ctr_hit *hit)
{
    bool is_start = walk->query.kind == CTR_FIND_STARTS;
    return (struct rp_candidate){
        .place = hit->place,
        .step = hit->step,
        .key = ctr_key(hit->plan, is_start ? 0 : hit->line),
        .call = hit->call,
        .thread = hit->thread,
        .value = hit->value,
        .is_passed_on = hit->is_passed_on,
    };
}

static int find(struct rp_walk *walk, struct ct_error *error)
{
    if (walk->hits == NULL) {
        walk->hits = malloc(PAGE * sizeof *walk->hits);
        walk->items = malloc(PAGE * sizeof *walk->items);
    }
    if (walk->hits == NULL || walk->items == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    struct ctr_page page = {.hits = walk->hits, .capacity = walk->capacity};
    int status = rp_find(walk->session, &walk->query, walk->next, walk->backwards, &page, error);
    for (size_t i = 0; status == CT_OK && i < page.count; i++) {
        walk->items[walk->count++] = candidate_of(walk, &page.hits[i]);
    }
    walk->next = page.next;
    walk->done = page.done;
    walk->capacity = walk->capacity * 4 < PAGE ? walk->capacity * 4 : PAGE;
    return status;
}

int rp_walk_next(struct rp_walk *walk, struct ct_error *error)
{
    int status =
        walk->has_begun ? rp_ask_watch(walk->session, walk->from, walk->next, error) : CT_OK;
    walk->has_begun = true;
    walk->count = 0;
    if (status == CT_OK && walk->sieve != NULL) {
        status = sift(walk, error);
        if (status == CT_OK || status == CT_ENOMEM) {
            return status;
        }
        status = CT_OK;
    }
    return status == CT_OK ? find(walk, error) : status;
}
