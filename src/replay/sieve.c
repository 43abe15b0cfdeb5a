#include "replay/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "replay/lines.h"
#include "replay/simple.h"
#include "trace/sweep.h"

enum {
    MANY = 16 * 1024, /* candidates of one worker: no more blocks */
    UNDECIDED = 100,  /* visits of a window: it may be for objects that nobody looked at */
    BITS = 64,
    SLOTS_MAX = 64, /* followed of one plan */
};

struct test { /* the condition of a breakpoint, at one of its keys */
    const struct rp_expression *condition;
    uint32_t first; /* value, of those followed: one of each name, */
    bool has_space; /* and that of the namespace */
    uint32_t name_count;
    uint32_t outside; /* bit: the name is no variable of the frame */
    uint64_t globals; /* of its module, plus 1 */
    unsigned bit;
};

struct tests { /* of a key */
    uint32_t first, count;
    bool always; /* a breakpoint without a simple condition: every visit is a candidate */
};

struct rp_sieve {
    struct ctr_trace *trace;
    struct ctr_sweep sweep;
    uint64_t *keys; /* of the lines that ran */
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
        size_t undecided; /* tests that are for the evaluator */
        bool failed;      /* no memory */
        struct rp_view *view;
    } found[RP_SWEEP_WORKERS];
};

void rp_sieve_free(struct rp_sieve *sieve)
{
    if (sieve != NULL) {
        for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
            free(sieve->found[i].items);
            rp_view_free(sieve->found[i].view);
        }
        free(sieve->keys);
        free(sieve->plans);
        free(sieve->slots);
        free(sieve->tests_of);
        free(sieve->tests);
        free(sieve);
    }
}

/* ---- what to test ---- */

/* The variables of a name, and the last of them. */
static uint32_t find_slots(const struct ctr_plan *plan, const struct rp_node *name, uint32_t *slot)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < plan->variable_count; i++) {
        struct ctr_text text = plan->variables[i].name;
        if (text.size == name->size && memcmp(text.bytes, name->text, text.size) == 0) {
            *slot = i;
            found++;
        }
    }
    return found;
}

/* The slot of the namespace, always the last one; UINT32_MAX: there is none. */
static uint32_t find_space(const struct ctr_plan *plan)
{
    uint32_t last = plan->variable_count - 1;
    bool is_space = plan->variable_count > 0 &&
                    (plan->variables[last].kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE;
    return is_space ? last : UINT32_MAX;
}

static bool has_len(const struct ctr_plan *plan)
{
    static const struct rp_node len = {.text = "len", .size = 3};
    uint32_t slot;
    return find_slots(plan, &len, &slot) > 0 || find_space(plan) != UINT32_MAX;
}

/* What the names of a simple condition mean in every frame of the plan. False: that depends. */
static bool find_names(const struct ctr_plan *plan, const struct rp_simple *simple,
                       struct test *test, uint32_t *slots, uint32_t *count)
{
    uint32_t space = find_space(plan);
    for (uint32_t i = 0; i < simple->name_count; i++) {
        uint32_t found =
            simple->names[i] != NULL ? find_slots(plan, simple->names[i], &slots[i]) : 0;
        if (found > 1 || (found > 0 && space != UINT32_MAX)) {
            return false;
        }
        if (found == 0) {
            slots[i] = UINT32_MAX;
            test->outside |= 1u << i;
        }
    }
    *count = test->name_count = simple->name_count;
    test->has_space = space != UINT32_MAX;
    if (test->has_space) {
        slots[(*count)++] = space;
    }
    test->globals = plan->globals;
    return !simple->calls_len || !has_len(plan);
}

/* Test a condition at a key: follow its names in the frames of the plan. False: it is not simple
 * there. */
static bool add_test(struct rp_sieve *sieve, struct ctr_sweep_plan *plan,
                     const struct rp_expression *condition, unsigned bit)
{
    struct rp_simple simple;
    struct test test = {.condition = condition, .first = plan->slot_count, .bit = bit};
    const struct ctr_plan *about = ctr_plan(sieve->trace, plan->plan);
    uint32_t count;
    if (bit >= BITS || about == NULL || condition == NULL || !rp_is_simple(condition, &simple) ||
        plan->slot_count + simple.name_count >= SLOTS_MAX ||
        !find_names(about, &simple, &test, sieve->slots + sieve->slot_count, &count)) {
        return false;
    }
    sieve->tests[sieve->test_count++] = test;
    sieve->slot_count += count;
    plan->slot_count += count;
    sieve->sweep.sees_objects |= simple.needs_view || test.outside != 0;
    return true;
}

/* For who looks into objects. */
static bool make_views(struct rp_sieve *sieve)
{
    bool has_memory = true;
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        sieve->found[i].view = rp_view_new(sieve->trace);
        has_memory &= sieve->found[i].view != NULL;
    }
    return has_memory;
}

/* Whether any key has only simple conditions. */
static bool add_tests(struct rp_sieve *sieve, const struct rp_watched *watched,
                      uint32_t watched_count)
{
    bool is_useful = false;
    for (uint32_t i = 0; i < sieve->sweep.key_count; i++) {
        uint64_t key = sieve->keys[i];
        uint32_t number = (uint32_t)(key >> 32), last = sieve->sweep.plan_count;
        if (last == 0 || sieve->plans[last - 1].plan != number) {
            sieve->plans[last] =
                (struct ctr_sweep_plan){number, sieve->slots + sieve->slot_count, 0};
            sieve->sweep.plan_count++;
        }
        struct ctr_sweep_plan *plan = &sieve->plans[sieve->sweep.plan_count - 1];
        struct tests *tests = &sieve->tests_of[i];
        tests->first = (uint32_t)sieve->test_count;
        for (uint32_t j = 0; j < watched_count; j++) {
            bool is_on = rp_has_key(watched[j].keys, watched[j].key_count, key);
            tests->always |= is_on && !add_test(sieve, plan, watched[j].condition, j);
        }
        tests->count = (uint32_t)sieve->test_count - tests->first;
        is_useful |= !tests->always;
    }
    return is_useful;
}

/* A line has a key in each code of its file: most of them never run there, and need not be
 * followed. */
static int keep_keys(struct rp_sieve *sieve, const struct ctr_query *query, struct ct_error *error)
{
    bool *ran = calloc(query->key_count + 1ull, sizeof *ran);
    if (ran == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    int status = ctr_lines_ran(sieve->trace, query->keys, query->key_count, ran, error);
    for (uint32_t i = 0; status == CT_OK && i < query->key_count; i++) {
        if (ran[i]) {
            sieve->keys[sieve->sweep.key_count++] = query->keys[i];
        }
    }
    free(ran);
    return status;
}

static bool visit(void *context, const struct ctr_sweep_visit *visit);

static bool make_room(struct rp_sieve *sieve, size_t keys, size_t tests)
{
    sieve->keys = calloc(keys + 1, sizeof *sieve->keys);
    sieve->plans = calloc(keys + 1, sizeof *sieve->plans);
    sieve->tests_of = calloc(keys + 1, sizeof *sieve->tests_of);
    sieve->tests = calloc(tests, sizeof *sieve->tests);
    sieve->slots = calloc(tests * (RP_SIMPLE_NAMES + 1), sizeof *sieve->slots);
    return sieve->keys != NULL && sieve->plans != NULL && sieve->tests_of != NULL &&
           sieve->tests != NULL && sieve->slots != NULL;
}

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
    if (made == NULL || !make_room(made, query->key_count, tests)) {
        rp_sieve_free(made);
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    made->trace = trace;
    made->is_bounded = query->is_bounded;
    made->bound = query->bound;
    made->blocks = 1;
    made->sweep = (struct ctr_sweep){.keys = made->keys,
                                     .plans = made->plans,
                                     .workers = RP_SWEEP_WORKERS,
                                     .visit = visit,
                                     .context = made};
    struct ct_error damage;
    bool is_useful =
        keep_keys(made, query, &damage) == CT_OK && add_tests(made, watched, watched_count);
    if (is_useful && made->sweep.sees_objects && !make_views(made)) {
        rp_sieve_free(made);
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    if (!is_useful) {
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

static int decide(const struct test *test, const struct ctr_sweep_visit *visit,
                  struct rp_view *view)
{
    const struct ctr_value *values = visit->values + test->first;
    struct rp_simple_scope scope = {
        .values = values, .outside = test->outside, .globals = test->globals, .view = view};
    if (test->has_space) {
        scope.space = &values[test->name_count];
    }
    return rp_simple_test(test->condition, &scope);
}

static bool visit(void *context, const struct ctr_sweep_visit *visit)
{
    struct rp_sieve *sieve = context;
    struct found *found = &sieve->found[visit->worker];
    const struct tests *tests = &sieve->tests_of[visit->key];
    bool is_wanted = tests->always;
    uint64_t sure = 0;
    if (found->view != NULL) {
        rp_view_enter(found->view, visit->sweeper);
    }
    for (uint32_t i = 0; i < tests->count; i++) {
        const struct test *test = &sieve->tests[tests->first + i];
        int truth = decide(test, visit, found->view);
        is_wanted |= truth != 0;
        found->undecided += truth < 0;
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
    return keep(found, &candidate);
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

/* Variables that are asked for their truth, or compared with each other, are looked at as numbers
 * first, which takes half the time. False: no memory. */
static bool choose_sight(struct rp_sieve *sieve)
{
    size_t undecided = 0;
    for (unsigned i = 0; i < RP_SWEEP_WORKERS; i++) {
        undecided += sieve->found[i].undecided;
        sieve->found[i].undecided = 0;
    }
    if (sieve->sweep.sees_objects || undecided < UNDECIDED) {
        return true;
    }
    sieve->sweep.sees_objects = true;
    return make_views(sieve);
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
        if (sieve->found[i].view != NULL) {
            rp_view_forget(sieve->found[i].view);
        }
    }
    sieve->from = from;
    sieve->backwards = backwards;
    int status = ctr_sweep(sieve->trace, &sieve->sweep, &range, error);
    if (status == CT_OK && (!gather(sieve) || !choose_sight(sieve))) {
        status = ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    *items = sieve->found[0].items;
    *count = status == CT_OK ? sieve->found[0].count : 0;
    *next = (struct ctr_place){backwards ? range.end : range.first, 0};
    *done = range.first >= range.end;
    choose_window(sieve, *count);
    return status;
}
