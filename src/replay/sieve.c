#include "replay/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "replay/lines.h"
#include "replay/simple.h"
#include "trace/sweep.h"

enum {
    MANY = 16 * 1024, /* candidates of one worker: no more blocks */
    BITS = 64,
    SLOTS_MAX = 64, /* followed of one plan */
};

struct test { /* the condition of a breakpoint, at one of its keys */
    const struct rp_expression *condition;
    uint32_t first; /* value, of those followed */
    unsigned bit;
};

struct tests { /* of a key */
    uint32_t first, count;
    bool always; /* a breakpoint without a simple condition: every visit is a candidate */
};

struct rp_sieve {
    struct ctr_trace *trace;
    struct ctr_sweep sweep;
    struct ctr_sweep_plan *plans;
    uint32_t *slots; /* of all plans */
    size_t slot_count;
    struct tests *tests_of; /* each key */
    struct test *tests;
    size_t test_count;
    bool is_bounded;
    uint32_t bound;
    uint32_t blocks; /* in the next window */
    struct ctr_place from;
    bool backwards;
    struct found { /* by a worker */
        struct rp_candidate *items;
        size_t count, capacity;
        bool failed; /* no memory */
    } found[RP_SWEEP_WORKERS];
};

void rp_sieve_free(struct rp_sieve *sieve)
{
    if (sieve != NULL) {
        for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
            free(sieve->found[i].items);
        }
        free(sieve->plans);
        free(sieve->slots);
        free(sieve->tests_of);
        free(sieve->tests);
        free(sieve);
    }
}

/* ---- what to test ---- */

/* The variable a name means in every frame of the plan. False: that depends. */
static bool find_slot(const struct ctr_plan *plan, const struct rp_node *name, uint32_t *slot)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < plan->variable_count; i++) {
        struct ctr_text text = plan->variables[i].name;
        if ((plan->variables[i].kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE) {
            return false;
        }
        if (text.size == name->size && memcmp(text.bytes, name->text, text.size) == 0) {
            *slot = i;
            found++;
        }
    }
    return found == 1;
}

/* Test a condition at a key: follow its names in the frames of the plan. False: it is not simple
 * there. */
static bool add_test(struct rp_sieve *sieve, struct ctr_sweep_plan *plan,
                     const struct rp_expression *condition, unsigned bit)
{
    const struct rp_node *names[RP_SIMPLE_NAMES];
    const struct ctr_plan *about = ctr_plan(sieve->trace, plan->plan);
    uint32_t count, *slots = sieve->slots + sieve->slot_count;
    if (bit >= BITS || about == NULL || condition == NULL ||
        !rp_is_simple(condition, names, &count) || plan->slot_count + count > SLOTS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!find_slot(about, names[i], &slots[i])) {
            return false;
        }
    }
    sieve->tests[sieve->test_count++] = (struct test){condition, plan->slot_count, bit};
    sieve->slot_count += count;
    plan->slot_count += count;
    return true;
}

/* Whether any key has only simple conditions. */
static bool add_tests(struct rp_sieve *sieve, const struct ctr_query *query,
                      const struct rp_watched *watched, uint32_t watched_count)
{
    bool is_useful = false;
    for (uint32_t i = 0; i < query->key_count; i++) {
        uint32_t number = (uint32_t)(query->keys[i] >> 32), last = sieve->sweep.plan_count;
        if (last == 0 || sieve->plans[last - 1].plan != number) {
            sieve->plans[last] =
                (struct ctr_sweep_plan){number, sieve->slots + sieve->slot_count, 0};
            sieve->sweep.plan_count++;
        }
        struct ctr_sweep_plan *plan = &sieve->plans[sieve->sweep.plan_count - 1];
        struct tests *tests = &sieve->tests_of[i];
        tests->first = (uint32_t)sieve->test_count;
        for (uint32_t j = 0; j < watched_count; j++) {
            bool is_on = rp_has_key(watched[j].keys, watched[j].key_count, query->keys[i]);
            tests->always |= is_on && !add_test(sieve, plan, watched[j].condition, j);
        }
        tests->count = (uint32_t)sieve->test_count - tests->first;
        is_useful |= !tests->always;
    }
    return is_useful;
}

static bool visit(void *context, const struct ctr_sweep_visit *visit);

int rp_sieve_new(struct rp_sieve **sieve, struct ctr_trace *trace, const struct ctr_query *query,
                 const struct rp_watched *watched, uint32_t watched_count, struct ct_error *error)
{
    size_t tests = 0;
    for (uint32_t i = 0; i < watched_count; i++) {
        tests += watched[i].condition != NULL ? watched[i].key_count : 0;
    }
    *sieve = NULL;
    if (query->kind != CTR_FIND_LINES || tests == 0) {
        return CT_OK;
    }
    struct rp_sieve *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->plans = calloc(query->key_count + 1ull, sizeof *made->plans);
        made->tests_of = calloc(query->key_count + 1ull, sizeof *made->tests_of);
        made->tests = calloc(tests, sizeof *made->tests);
        made->slots = calloc(tests * RP_SIMPLE_NAMES, sizeof *made->slots);
    }
    if (made == NULL || made->plans == NULL || made->tests_of == NULL || made->tests == NULL ||
        made->slots == NULL) {
        rp_sieve_free(made);
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    made->trace = trace;
    made->is_bounded = query->is_bounded;
    made->bound = query->bound;
    made->blocks = 1;
    made->sweep = (struct ctr_sweep){.keys = query->keys,
                                     .key_count = query->key_count,
                                     .plans = made->plans,
                                     .workers = RP_SWEEP_WORKERS,
                                     .visit = visit,
                                     .context = made};
    if (!add_tests(made, query, watched, watched_count)) {
        rp_sieve_free(made);
        return CT_OK;
    }
    *sieve = made;
    return CT_OK;
}

/* ---- the sweep ---- */

static bool keep(struct found *found, const struct rp_candidate *candidate)
{
    if (found->count == found->capacity) {
        size_t capacity = found->capacity == 0 ? 64 : found->capacity * 2;
        struct rp_candidate *items = realloc(found->items, capacity * sizeof *items);
        if (items == NULL) {
            found->failed = true;
            return false;
        }
        found->items = items;
        found->capacity = capacity;
    }
    found->items[found->count++] = *candidate;
    return found->count < MANY;
}

static bool visit(void *context, const struct ctr_sweep_visit *visit)
{
    struct rp_sieve *sieve = context;
    const struct tests *tests = &sieve->tests_of[visit->key];
    bool is_wanted = tests->always;
    uint64_t sure = 0;
    for (uint32_t i = 0; i < tests->count; i++) {
        const struct test *test = &sieve->tests[tests->first + i];
        int truth = rp_simple_test(test->condition, visit->values + test->first);
        is_wanted |= truth != 0;
        sure |= (uint64_t)(truth == 1) << test->bit;
    }
    if (!is_wanted || rp_place_is_before(visit->place, sieve->from) != sieve->backwards) {
        return true;
    }
    struct rp_candidate candidate = {.place = visit->place,
                                     .step = visit->step,
                                     .key = sieve->sweep.keys[visit->key],
                                     .call = CTR_NO_CALL,
                                     .sure = sure};
    return keep(&sieve->found[visit->worker], &candidate);
}

static int by_place(const void *left, const void *right)
{
    const struct rp_candidate *a = left, *b = right;
    return rp_place_is_before(a->place, b->place) ? -1 : rp_place_is_before(b->place, a->place);
}

static int by_place_backwards(const void *left, const void *right)
{
    return by_place(right, left);
}

/* All that was found, with the first worker. False: no memory. */
static bool gather(struct rp_sieve *sieve)
{
    struct found *all = &sieve->found[0];
    size_t count = 0;
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        count += sieve->found[i].count;
        if (sieve->found[i].failed) {
            return false;
        }
    }
    if (count > all->capacity) {
        struct rp_candidate *items = realloc(all->items, count * sizeof *items);
        if (items == NULL) {
            return false;
        }
        all->items = items;
        all->capacity = count;
    }
    for (unsigned i = 1; i < RP_SWEEP_WORKERS; i++) {
        const struct found *found = &sieve->found[i];
        if (found->count > 0) {
            memcpy(all->items + all->count, found->items, found->count * sizeof *found->items);
        }
        all->count += found->count;
    }
    if (all->count > 1) {
        qsort(all->items, all->count, sizeof *all->items,
              sieve->backwards ? by_place_backwards : by_place);
    }
    return true;
}

/* Small windows first: what is looked for may be near. */
static void choose_window(struct rp_sieve *sieve, size_t found)
{
    if (found >= MANY) {
        sieve->blocks = sieve->blocks > 1 ? sieve->blocks / 2 : 1;
    } else if (sieve->blocks < RP_SWEEP_BLOCKS) {
        sieve->blocks *= 2;
    }
}

int rp_sieve_page(struct rp_sieve *sieve, struct ctr_place from, bool backwards,
                  struct rp_candidate **items, size_t *count, struct ctr_place *next, bool *done,
                  struct ct_error *error)
{
    struct ctr_sweep_range range = {
        .end = UINT32_MAX, .backwards = backwards, .most_blocks = sieve->blocks};
    if (backwards) {
        range.end = from.at > 0 ? from.block + 1 : from.block;
        range.first = sieve->is_bounded ? sieve->bound : 0;
    } else {
        range.first = from.block;
        range.end = sieve->is_bounded && sieve->bound < UINT32_MAX ? sieve->bound + 1 : UINT32_MAX;
    }
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        sieve->found[i].count = 0;
    }
    sieve->from = from;
    sieve->backwards = backwards;
    int status = ctr_sweep(sieve->trace, &sieve->sweep, &range, error);
    if (status == CT_OK && !gather(sieve)) {
        status = ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    *items = sieve->found[0].items;
    *count = status == CT_OK ? sieve->found[0].count : 0;
    *next = (struct ctr_place){backwards ? range.end : range.first, 0};
    *done = range.first >= range.end;
    choose_window(sieve, *count);
    return status;
}
