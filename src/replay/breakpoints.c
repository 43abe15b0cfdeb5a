#include "replay/breakpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/candidates.h"
#include "replay/expression_internal.h"
#include "replay/lines.h"

enum hit_test {
    HIT_ALL,
    HIT_EQUAL,
    HIT_AT_LEAST,
    HIT_MORE,
    HIT_LESS,
    HIT_AT_MOST,
    HIT_EVERY,
    HIT_NOT
};

struct rp_breakpoint {
    struct rp_breakpoint *next;
    uint32_t number;
    bool is_disabled;
    bool is_function, is_log;
    uint64_t *keys; /* its lines, or plans, in the trace */
    uint32_t key_count;
    struct rp_expression *condition; /* or NULL */
    enum hit_test test;
    uint64_t hits_wanted;
    struct ctr_place counted; /* hits that hold before here */
    uint64_t count;           /* are so many */
    uint64_t pass;            /* in which that was found: its next hit is the next one tested */
    uint64_t failures;
    char why[200];
};

/* ---- making them ---- */

static bool is_text(struct ctr_text text, const char *name, size_t size)
{
    return text.size == size && memcmp(text.bytes, name, size) == 0;
}

/* "f", "Class.f" or "module.Class.f". */
static bool is_function(const struct ctr_plan *plan, const char *name)
{
    size_t size = strlen(name), module = plan->module.size;
    bool has_module =
        size > module && name[module] == '.' && memcmp(name, plan->module.bytes, module) == 0;
    return is_text(plan->qualname, name, size) || is_text(plan->name, name, size) ||
           (has_module && is_text(plan->qualname, name + module + 1, size - module - 1));
}

static int find_functions(const struct ctr_trace *trace, const char *name,
                          struct rp_breakpoint *breakpoint, struct ct_error *error)
{
    uint32_t plans = ctr_info(trace)->plan_count;
    breakpoint->is_function = true;
    breakpoint->keys = malloc((plans + 1ull) * sizeof *breakpoint->keys);
    if (breakpoint->keys == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a breakpoint");
    }
    for (uint32_t plan = 0; plan < plans; plan++) {
        if (is_function(ctr_plan(trace, plan), name)) {
            breakpoint->keys[breakpoint->key_count++] = ctr_key(plan, 0);
        }
    }
    return CT_OK;
}

static bool may_be_zero(enum hit_test test)
{
    return test == HIT_AT_LEAST || test == HIT_MORE || test == HIT_NOT;
}

static int parse_hits(const char *text, struct rp_breakpoint *breakpoint, struct ct_error *error)
{
    static const struct {
        const char *sign;
        enum hit_test test;
    } signs[] = {{"==", HIT_EQUAL}, {">=", HIT_AT_LEAST}, {"<=", HIT_AT_MOST},
                 {">", HIT_MORE},   {"<", HIT_LESS},      {"%", HIT_EVERY},
                 {"!=", HIT_NOT},   {"=", HIT_EQUAL},     {"", HIT_EQUAL}};
    text = text == NULL ? "" : text + strspn(text, " ");
    if (*text == '\0') {
        return CT_OK;
    }
    size_t i = 0;
    while (strncmp(text, signs[i].sign, strlen(signs[i].sign)) != 0) {
        i++;
    }
    const char *digits = text + strlen(signs[i].sign);
    digits += strspn(digits, " ");
    size_t count = strspn(digits, "0123456789");
    const char *end = digits + count + strspn(digits + count, " ");
    breakpoint->test = signs[i].test;
    breakpoint->hits_wanted = strtoull(digits, NULL, 10);
    if (count == 0 || count >= 19 || *end != '\0') {
        return ct_fail(error, CT_EUSAGE, "a hit condition is a number, or >= 5, != 5, %% 5");
    }
    uint64_t least = breakpoint->test == HIT_LESS ? 2 : 1;
    return breakpoint->hits_wanted >= least || may_be_zero(breakpoint->test)
               ? CT_OK
               : ct_fail(error, CT_EUSAGE, "this hit condition never holds: hits count from 1");
}

static void free_breakpoint(struct rp_breakpoint *breakpoint)
{
    rp_expression_free(breakpoint->condition);
    free(breakpoint->keys);
    free(breakpoint);
}

int rp_break_add(struct rp_session *session, const struct rp_break *wanted, uint32_t *number,
                 size_t *at, struct ct_error *error)
{
    struct rp_breakpoint *made = calloc(1, sizeof *made);
    *at = SIZE_MAX;
    if (made == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a breakpoint");
    }
    made->is_log = wanted->is_log;
    int status = wanted->function != NULL
                     ? find_functions(session->trace, wanted->function, made, error)
                     : rp_line_keys(session->trace, wanted->path, wanted->line, &made->keys,
                                    &made->key_count, error);
    if (status == CT_OK && wanted->condition != NULL && *wanted->condition != '\0') {
        status = rp_expression_new(&made->condition, wanted->condition, strlen(wanted->condition),
                                   at, error);
    }
    if (status == CT_OK) {
        *at = SIZE_MAX;
        status = parse_hits(wanted->hit_condition, made, error);
    }
    if (status != CT_OK) {
        free_breakpoint(made);
        return status;
    }
    struct rp_breakpoint **end = &session->breakpoints;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = made;
    made->number = ++session->last_breakpoint;
    *number = made->number;
    return CT_OK;
}

static struct rp_breakpoint **find(struct rp_session *session, uint32_t number)
{
    struct rp_breakpoint **at = &session->breakpoints;
    while (*at != NULL && (*at)->number != number) {
        at = &(*at)->next;
    }
    return at;
}

bool rp_break_remove(struct rp_session *session, uint32_t number)
{
    struct rp_breakpoint **at = find(session, number), *gone = *at;
    if (gone != NULL) {
        *at = gone->next;
        free_breakpoint(gone);
    }
    return gone != NULL;
}

bool rp_break_enable(struct rp_session *session, uint32_t number, bool enabled)
{
    struct rp_breakpoint *breakpoint = *find(session, number);
    if (breakpoint != NULL) {
        breakpoint->is_disabled = !enabled;
    }
    return breakpoint != NULL;
}

bool rp_break_has_code(const struct rp_session *session, uint32_t number)
{
    const struct rp_breakpoint *at = session->breakpoints;
    while (at != NULL && at->number != number) {
        at = at->next;
    }
    return at != NULL && at->key_count > 0;
}

uint64_t rp_break_failures(const struct rp_session *session, uint32_t number, const char **why)
{
    const struct rp_breakpoint *at = session->breakpoints;
    while (at != NULL && at->number != number) {
        at = at->next;
    }
    *why = at != NULL ? at->why : "";
    return at != NULL ? at->failures : 0;
}

void rp_breakpoints_free(struct rp_session *session)
{
    while (session->breakpoints != NULL) {
        rp_break_remove(session, session->breakpoints->number);
    }
}

/* ---- whether a hit counts ---- */

static void note_failure(struct rp_breakpoint *breakpoint, const struct ct_error *error)
{
    if (breakpoint->failures++ == 0) {
        snprintf(breakpoint->why, sizeof breakpoint->why, "%.199s", error->message);
    }
}

/* Whether the condition holds at a step; `is_sure`: it is known to. Only damage and lack of memory
 * fail. */
static int test_condition(struct rp_session *session, struct rp_breakpoint *breakpoint,
                          uint64_t step, bool is_sure, bool *holds, struct ct_error *error)
{
    struct ctr_event event;
    struct rp_answer answer = {0};
    struct ct_error problem = {0};
    size_t at;
    *holds = true;
    if (breakpoint->condition == NULL || is_sure) {
        return CT_OK;
    }
    int status = ctr_player_seek(session->scout, step, &event, error);
    if (status != CT_OK || event.frame == NULL) {
        return status;
    }
    status = rp_evaluate_in(session, session->scout, event.frame, breakpoint->condition, NULL,
                            false, &answer, &at, &problem);
    if (status != CT_OK) {
        note_failure(breakpoint, &problem);
    }
    *holds = status == CT_OK && answer.is_true;
    return CT_OK;
}

static struct ctr_query query_of(const struct rp_breakpoint *breakpoint)
{
    return (struct ctr_query){
        .kind = breakpoint->is_function ? CTR_FIND_STARTS : CTR_FIND_LINES,
        .call = CTR_NO_CALL,
        .keys = breakpoint->keys,
        .key_count = breakpoint->key_count,
    };
}

/* The step of a candidate: of a call its first. CT_ESTATE: it has none. */
static int step_of(struct rp_session *session, const struct rp_candidate *candidate,
                   bool is_function, uint64_t *step, struct ct_error *error)
{
    *step = candidate->step;
    if (!is_function) {
        return CT_OK;
    }
    struct ctr_query lines = rp_of_call(candidate->call, RP_LINE);
    struct ctr_hit line;
    int status = rp_find_one(session, &lines, candidate->place, false, &line, error);
    if (status == CT_OK) {
        *step = line.step;
    }
    return status;
}

static struct rp_watched watched_of(const struct rp_breakpoint *breakpoint)
{
    return (struct rp_watched){breakpoint->keys, breakpoint->key_count, breakpoint->condition};
}

/* Whether a candidate is a hit, by the condition alone. */
static int is_hit(struct rp_session *session, struct rp_breakpoint *breakpoint,
                  const struct rp_candidate *candidate, bool *holds, struct ct_error *error)
{
    uint64_t step;
    *holds = true;
    if (breakpoint->condition == NULL) {
        return CT_OK;
    }
    int status = step_of(session, candidate, breakpoint->is_function, &step, error);
    if (status != CT_OK) {
        *holds = false;
        return status == CT_ESTATE ? CT_OK : status;
    }
    return test_condition(session, breakpoint, step, candidate->sure & 1, holds, error);
}

/* Count hits that hold up to a place by looking at each, from where that was done last. */
static int count_by_looking(struct rp_session *session, struct rp_breakpoint *breakpoint,
                            struct ctr_place to, struct ct_error *error)
{
    struct ctr_query query = query_of(breakpoint);
    struct rp_watched watched = watched_of(breakpoint);
    struct rp_walk walk;
    if (rp_place_is_before(to, breakpoint->counted)) {
        breakpoint->counted = (struct ctr_place){0, 0};
        breakpoint->count = 0;
    }
    query.is_bounded = true;
    query.bound = to.block;
    int status =
        rp_walk_open(&walk, session, &query, breakpoint->counted, false, &watched, 1, error);
    bool is_over = false;
    while (status == CT_OK && !is_over && !walk.done) {
        status = rp_walk_next(&walk, error);
        for (size_t i = 0; status == CT_OK && i < walk.count && !is_over; i++) {
            bool holds = false;
            is_over = !rp_place_is_before(walk.items[i].place, to);
            if (!is_over) {
                status = is_hit(session, breakpoint, &walk.items[i], &holds, error);
            }
            breakpoint->count += holds;
        }
    }
    rp_walk_close(&walk);
    if (status == CT_OK) {
        breakpoint->counted = to;
    }
    return status;
}

/* Hits of lines without a condition: the index knows how many. */
static int count_lines(struct rp_session *session, struct rp_breakpoint *breakpoint, uint64_t step,
                       struct ct_error *error)
{
    int status = CT_OK;
    breakpoint->count = 0;
    for (uint32_t i = 0; status == CT_OK && i < breakpoint->key_count; i++) {
        uint64_t visits = 0, key = breakpoint->keys[i];
        status = ctr_count_lines(session->trace, (uint32_t)(key >> 32), (uint32_t)key, 1, step,
                                 &visits, error);
        breakpoint->count += visits;
    }
    return status;
}

/* The number of a hit that holds, from 1. Hits are tested one after another: of those behind the
 * first of a pass it follows from the one before. */
static int number_hit(struct rp_session *session, struct rp_breakpoint *breakpoint, uint64_t step,
                      struct ctr_place place, uint64_t pass, uint64_t *number,
                      struct ct_error *error)
{
    int status = CT_OK;
    bool by_index = breakpoint->condition == NULL && !breakpoint->is_function;
    if (breakpoint->pass != pass) {
        status = by_index ? count_lines(session, breakpoint, step, error)
                          : count_by_looking(session, breakpoint, place, error);
    }
    if (status != CT_OK) { /* the next one counts from the start */
        breakpoint->count = 0;
        breakpoint->counted = (struct ctr_place){0, 0};
        return status;
    }
    breakpoint->pass = pass;
    breakpoint->counted = rp_behind(place);
    *number = ++breakpoint->count;
    return status;
}

static bool number_counts(const struct rp_breakpoint *breakpoint, uint64_t number)
{
    uint64_t wanted = breakpoint->hits_wanted;
    switch (breakpoint->test) {
    case HIT_EQUAL:
        return number == wanted;
    case HIT_AT_LEAST:
        return number >= wanted;
    case HIT_MORE:
        return number > wanted;
    case HIT_LESS:
        return number < wanted;
    case HIT_AT_MOST:
        return number <= wanted;
    case HIT_EVERY:
        return number % wanted == 0;
    case HIT_NOT:
        return number != wanted;
    default:
        return true;
    }
}

struct hits {
    uint32_t numbers[RP_STOP_HITS];
    uint32_t count;
};

static void add_hit(struct hits *hits, uint32_t number)
{
    if (hits->count < RP_STOP_HITS) {
        hits->numbers[hits->count++] = number;
    }
}

/* Whether a breakpoint is one of those looked for. */
struct wanted {
    bool is_function, is_log;
};

static bool is_wanted(const struct rp_breakpoint *breakpoint, struct wanted wanted)
{
    return !breakpoint->is_disabled && breakpoint->is_function == wanted.is_function &&
           breakpoint->is_log == wanted.is_log;
}

/* Which breakpoints a candidate hits, whose step this is. */
static int test_candidate(struct rp_session *session, const struct rp_candidate *candidate,
                          uint64_t step, struct wanted wanted, uint64_t pass, struct hits *hits,
                          struct ct_error *error)
{
    uint64_t sure = candidate->sure; /* of the wanted ones, in their order */
    hits->count = 0;
    for (struct rp_breakpoint *at = session->breakpoints; at != NULL; at = at->next) {
        bool holds, is_sure = sure & 1;
        if (!is_wanted(at, wanted)) {
            continue;
        }
        sure >>= 1;
        if (!rp_has_key(at->keys, at->key_count, candidate->key)) {
            continue;
        }
        int status = test_condition(session, at, step, is_sure, &holds, error);
        uint64_t hit = 0;
        if (status == CT_OK && holds && at->test != HIT_ALL) {
            status = number_hit(session, at, step, candidate->place, pass, &hit, error);
            holds = number_counts(at, hit);
        }
        if (status != CT_OK) {
            return status;
        }
        if (holds) {
            add_hit(hits, at->number);
        }
    }
    return CT_OK;
}

/* ---- one sort of hits ---- */

enum sort { SORT_LINES, SORT_FUNCTIONS, SORT_EXCEPTIONS, SORTS };

struct stream {
    struct rp_session *session;
    enum sort sort;
    bool backwards;
    bool from_start;     /* of the recording, not from the moment */
    uint64_t pass;       /* through hits in the order of the trace */
    struct rp_moment to; /* what was found */
    struct ctr_place place;
    struct hits hits;
    bool is_exception, found;
};

/* What is looked for: the query, and the breakpoints in their order. */
struct target {
    struct ctr_query query;
    uint64_t *keys; /* the query's */
    struct rp_watched *watched;
    uint32_t watched_count;
};

static void target_free(struct target *target)
{
    free(target->keys);
    free(target->watched);
}

static uint32_t drop_doubles(uint64_t *keys, size_t count)
{
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || keys[kept - 1] != keys[i]) {
            keys[kept++] = keys[i];
        }
    }
    return kept;
}

/* All breakpoints that are wanted; to be freed, also when it failed. */
static int find_target(const struct rp_session *session, struct wanted wanted,
                       struct target *target, struct ct_error *error)
{
    size_t keys = 0, count = 0;
    const struct rp_breakpoint *at;
    for (at = session->breakpoints; at != NULL; at = at->next) {
        keys += is_wanted(at, wanted) ? at->key_count : 0;
        count += is_wanted(at, wanted);
    }
    memset(target, 0, sizeof *target);
    target->keys = malloc((keys + 1) * sizeof *target->keys);
    target->watched = malloc((count + 1) * sizeof *target->watched);
    if (target->keys == NULL || target->watched == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to search the trace");
    }
    keys = 0;
    for (at = session->breakpoints; at != NULL; at = at->next) {
        if (is_wanted(at, wanted)) {
            memcpy(target->keys + keys, at->keys, at->key_count * sizeof *at->keys);
            keys += at->key_count;
            target->watched[target->watched_count++] = watched_of(at);
        }
    }
    qsort(target->keys, keys, sizeof *target->keys, rp_compare_keys);
    target->query = (struct ctr_query){
        .kind = wanted.is_function ? CTR_FIND_STARTS : CTR_FIND_LINES,
        .call = CTR_NO_CALL,
        .keys = target->keys,
        .key_count = drop_doubles(target->keys, keys),
    };
    return CT_OK;
}

int rp_break_keys(const struct rp_session *session, uint64_t **keys, uint32_t *count,
                  struct ct_error *error)
{
    struct target target;
    struct wanted wanted = {0};
    int status = find_target(session, wanted, &target, error);
    if (status != CT_OK) {
        target_free(&target);
        return status;
    }
    *count = target.query.key_count;
    *keys = target.keys;
    free(target.watched);
    return CT_OK;
}

/* The moment at which an exception is raised. CT_ESTATE: it is not one to stop at. */
static int exception_moment(struct rp_session *session, const struct rp_candidate *candidate,
                            struct rp_moment *to, struct ct_error *error)
{
    bool stops;
    if (candidate->is_passed_on) {
        return CT_ESTATE;
    }
    int status = rp_exception_stops(session, candidate, &stops, error);
    if (status != CT_OK || !stops) {
        return status != CT_OK ? status : CT_ESTATE;
    }
    return rp_moment_before(session, candidate->thread, candidate->place, to, error);
}

/* Test one candidate: `stream->found` when it is one to stop at. */
static int test_one(struct stream *stream, const struct rp_candidate *candidate,
                    struct ct_error *error)
{
    struct rp_session *session = stream->session;
    struct rp_moment to = {0};
    int status;
    if (stream->sort == SORT_EXCEPTIONS) {
        status = exception_moment(session, candidate, &to, error);
    } else {
        bool is_function = stream->sort == SORT_FUNCTIONS;
        status = step_of(session, candidate, is_function, &to.step, error);
    }
    if (status != CT_OK || (!stream->from_start && rp_moment_same(to, session->now.moment))) {
        return status == CT_ESTATE ? CT_OK : status;
    }
    bool is_hit = true;
    if (stream->sort != SORT_EXCEPTIONS) {
        struct wanted wanted = {.is_function = stream->sort == SORT_FUNCTIONS};
        status =
            test_candidate(session, candidate, to.step, wanted, stream->pass, &stream->hits, error);
        is_hit = stream->hits.count > 0;
    }
    if (status == CT_OK && is_hit) {
        stream->found = true;
        stream->to = to;
        stream->place = candidate->place;
    }
    return status;
}

/* Candidates are tested in the order of the trace, which costs least; backwards the last of them is
 * it. */
static int test_page(struct stream *stream, const struct rp_walk *walk, struct ct_error *error)
{
    int status = CT_OK;
    if (stream->backwards) { /* the page is behind the one before */
        stream->pass = ++stream->session->passes;
    }
    struct stream best = *stream;
    for (size_t i = 0; status == CT_OK && i < walk->count && !stream->found; i++) {
        size_t at = stream->backwards ? walk->count - 1 - i : i;
        status = test_one(stream, &walk->items[at], error);
        if (stream->backwards && stream->found) {
            best = *stream;
            stream->found = false;
        }
    }
    if (stream->backwards) {
        *stream = best;
    }
    return status;
}

/* The next hit to stop at, no further than `bound` when there is one. */
static int search(struct stream *stream, const struct target *target, const struct ctr_place *bound,
                  struct ct_error *error)
{
    const struct rp_position *now = &stream->session->now;
    struct ctr_place from = stream->backwards ? now->place : rp_behind(now->place);
    if (stream->from_start) {
        from = (struct ctr_place){0, 0};
    }
    struct ctr_query query = target->query;
    struct rp_walk walk;
    if (bound != NULL) {
        query.is_bounded = true;
        query.bound = bound->block;
    }
    int status = rp_walk_open(&walk, stream->session, &query, from, stream->backwards,
                              target->watched, target->watched_count, error);
    while (status == CT_OK && !stream->found && !walk.done) {
        status = rp_walk_next(&walk, error);
        if (status == CT_OK) {
            status = test_page(stream, &walk, error);
        }
    }
    rp_walk_close(&walk);
    return status;
}

/* Take what a search found, where it is nearer than the best so far; what stops at the same moment
 * counts as well. */
static void compete(struct stream *best, const struct stream *found)
{
    bool is_nearer =
        !best->found || (found->backwards ? rp_place_is_before(best->place, found->place)
                                          : rp_place_is_before(found->place, best->place));
    struct stream other = is_nearer ? *best : *found;
    if (!found->found) {
        return;
    }
    if (is_nearer) {
        *best = *found;
    }
    if (other.found && rp_moment_same(other.to, best->to)) {
        for (uint32_t i = 0; i < other.hits.count; i++) {
            add_hit(&best->hits, other.hits.numbers[i]);
        }
        best->is_exception |= other.is_exception;
    }
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static int go_on(struct rp_session *session, bool backwards, bool from_start, struct rp_stop *stop,
                 struct ct_error *error)
{
    struct stream best = {0};
    int status = CT_OK;
    for (enum sort sort = 0; status == CT_OK && sort < SORTS; sort++) {
        struct stream stream = {.session = session,
                                .sort = sort,
                                .backwards = backwards,
                                .from_start = from_start,
                                .pass = ++session->passes,
                                .is_exception = sort == SORT_EXCEPTIONS};
        struct target target = {.query = {.kind = CTR_FIND_RAISE, .call = CTR_NO_CALL}};
        bool has_any = rp_exceptions_stop(session);
        if (sort != SORT_EXCEPTIONS) {
            struct wanted wanted = {.is_function = sort == SORT_FUNCTIONS};
            status = find_target(session, wanted, &target, error);
            has_any = target.query.key_count > 0;
        }
        if (status == CT_OK && has_any) {
            status = search(&stream, &target, best.found ? &best.place : NULL, error);
        }
        target_free(&target);
        compete(&best, &stream);
    }
    *stop = (struct rp_stop){
        .end = best.found ? RP_MOVED : RP_NOT_FOUND,
        .hit_count = best.hits.count,
        .is_exception = best.found && best.is_exception,
    };
    memcpy(stop->hits, best.hits.numbers, sizeof stop->hits);
    qsort(stop->hits, stop->hit_count, sizeof *stop->hits, compare_numbers);
    return status == CT_OK && best.found ? rp_go(session, best.to, error) : status;
}

int rp_continue(struct rp_session *session, bool backwards, struct rp_stop *stop,
                struct ct_error *error)
{
    return go_on(session, backwards, false, stop, error);
}

int rp_start(struct rp_session *session, struct rp_stop *stop, struct ct_error *error)
{
    return go_on(session, false, true, stop, error);
}

/* ---- log points ---- */

struct told { /* of one page: hits that hold, in the order of the trace */
    uint32_t breakpoint;
    uint64_t step;
};

struct log {
    struct rp_session *session;
    struct ctr_place from, to;
    bool backwards;
    uint64_t pass;
    rp_tell *tell;
    void *context;
    struct told *told;
    size_t count, capacity;
    bool is_over;
};

static bool note_told(struct log *log, const struct hits *hits, uint64_t step)
{
    for (uint32_t i = 0; i < hits->count; i++) {
        if (log->count == log->capacity) {
            size_t capacity = log->capacity == 0 ? 64 : log->capacity * 2;
            struct told *told = realloc(log->told, capacity * sizeof *told);
            if (told == NULL) {
                return false;
            }
            log->told = told;
            log->capacity = capacity;
        }
        log->told[log->count++] = (struct told){hits->numbers[i], step};
    }
    return true;
}

/* Whether a hit is between where it starts and where it ends, that included. */
static bool is_passed(struct log *log, struct ctr_place place)
{
    bool is_beyond =
        log->backwards ? rp_place_is_before(place, log->to) : rp_place_is_before(log->to, place);
    log->is_over |= is_beyond;
    return !is_beyond;
}

static int log_page(struct log *log, const struct rp_walk *walk, struct ct_error *error)
{
    struct wanted wanted = {.is_log = true};
    int status = CT_OK;
    log->count = 0;
    if (log->backwards) { /* the page is behind the one before */
        log->pass = ++log->session->passes;
    }
    for (size_t i = 0; status == CT_OK && i < walk->count; i++) {
        const struct rp_candidate *candidate =
            &walk->items[log->backwards ? walk->count - 1 - i : i];
        struct hits hits;
        if (!is_passed(log, candidate->place)) {
            continue;
        }
        status = test_candidate(log->session, candidate, candidate->step, wanted, log->pass, &hits,
                                error);
        if (status == CT_OK && !note_told(log, &hits, candidate->step)) {
            status = ct_fail(error, CT_ENOMEM, "no memory for log points");
        }
    }
    for (size_t i = 0; status == CT_OK && i < log->count; i++) {
        const struct told *told = &log->told[log->backwards ? log->count - 1 - i : i];
        if (!log->tell(log->context, told->breakpoint, told->step)) {
            status = ct_fail(error, CT_ELIMIT, "nobody wants to be told more");
        }
    }
    return status;
}

static int log_all(struct log *log, struct target *target, struct ct_error *error)
{
    struct rp_walk walk;
    struct ctr_place from = log->backwards ? log->from : rp_behind(log->from);
    target->query.is_bounded = true;
    target->query.bound = log->to.block;
    int status = rp_walk_open(&walk, log->session, &target->query, from, log->backwards,
                              target->watched, target->watched_count, error);
    while (status == CT_OK && !log->is_over && !walk.done) {
        status = rp_walk_next(&walk, error);
        if (status == CT_OK) {
            status = log_page(log, &walk, error);
        }
    }
    rp_walk_close(&walk);
    return status;
}

int rp_break_log(struct rp_session *session, struct ctr_place from, struct ctr_place to,
                 rp_tell *tell, void *context, struct ct_error *error)
{
    struct log log = {.session = session,
                      .from = from,
                      .to = to,
                      .backwards = rp_place_is_before(to, from),
                      .pass = ++session->passes,
                      .tell = tell,
                      .context = context};
    struct wanted wanted = {.is_log = true};
    struct target target;
    int status = find_target(session, wanted, &target, error);
    if (status == CT_OK && target.query.key_count > 0) {
        status = log_all(&log, &target, error);
    }
    target_free(&target);
    free(log.told);
    return status;
}
