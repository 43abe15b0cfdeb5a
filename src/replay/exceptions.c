#include "replay/exceptions.h"

#include <stdlib.h>
#include <string.h>

#include "replay/candidates.h"
#include "trace/calls.h"
#include "trace/exception_type.h"
#include "trace/text.h"

enum {
    CALLS_KEPT = 64,
    WINDOW = 256,
    RAISES_MAX = 4096, /* of one call that are looked at for the one that ended it */
    RAISES_AT_ONCE = 8,
};

/* How a call ended. */
struct ending {
    uint64_t call;
    bool is_known, is_unwound;
    struct ctr_place end;
    bool has_raise; /* this is where the exception that ended it was raised in it, or reached it: */
    struct ctr_place raise;
};

struct rule {
    enum rp_fate at_least;
    bool is_never;
    uint8_t *types;   /* by number: it is about this one */
    bool has_unknown; /* also about those of which no type is known */
};

/* What happened on a thread behind a place, its lines left out. */
struct window {
    uint32_t thread;
    struct ctr_place from;
    struct ctr_hit hits[WINDOW];
    size_t count; /* 0: there is none yet */
};

struct rp_exception_rules {
    struct rule *rules;
    size_t count;
    struct ending endings[CALLS_KEPT];
    struct window window;
};

/* ---- the names of a rule ---- */

struct name {
    const char *at;
    size_t size;
    bool is_excluded;
};

static bool is_name_byte(char byte, bool is_first)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
                     (byte & 0x80);
    return is_letter || (!is_first && ((byte >= '0' && byte <= '9') || byte == '.'));
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* The next name of a list; `*at` goes behind it and its comma. False: there is none there. */
static bool next_name(const char **at, struct name *name)
{
    const char *from = skip_spaces(*at);
    name->is_excluded = *from == '!';
    from = skip_spaces(from + name->is_excluded);
    name->at = from;
    while (is_name_byte(*from, from == name->at)) {
        from++;
    }
    name->size = (size_t)(from - name->at);
    bool is_whole = name->size > 0 && from[-1] != '.';
    from = skip_spaces(from);
    *at = from;
    if (!is_whole || (*from != ',' && *from != '\0')) {
        return false;
    }
    *at = from + (*from == ',');
    return *from == '\0' || *skip_spaces(*at) != '\0';
}

static int check_names(const char *types, size_t *error_at, struct ct_error *error)
{
    const char *at = types;
    struct name name;
    while (*skip_spaces(at) != '\0') {
        if (!next_name(&at, &name)) {
            *error_at = (size_t)(at - types);
            return ct_fail(error, CT_EUSAGE,
                           "names of types are separated by commas: ValueError, !KeyError");
        }
    }
    return CT_OK;
}

/* Whether a list of names is about a type; NULL: one of which nothing is known. */
static bool is_about(const char *types, const struct ctr_type *type)
{
    bool has_included = false, is_included = false, is_excluded = false;
    struct name name;
    for (const char *at = types; *skip_spaces(at) != '\0' && next_name(&at, &name);) {
        bool fits = type != NULL && ctr_exception_is_a(type, name.at, name.size);
        has_included |= !name.is_excluded;
        is_included |= fits && !name.is_excluded;
        is_excluded |= fits && name.is_excluded;
    }
    return (is_included || !has_included) && !is_excluded;
}

/* ---- rules ---- */

void rp_exceptions_clear(struct rp_session *session)
{
    struct rp_exception_rules *rules = session->exceptions;
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        free(rules->rules[i].types);
    }
    if (rules != NULL) {
        free(rules->rules);
        free(rules);
    }
    session->exceptions = NULL;
}

static int make_rule(const struct ctr_trace *trace, const struct rp_exception_rule *wanted,
                     struct rule *rule, bool *has_any, struct ct_error *error)
{
    uint32_t count = ctr_info(trace)->type_count;
    const char *types = wanted->types != NULL ? wanted->types : "";
    *rule = (struct rule){.at_least = wanted->at_least, .is_never = wanted->is_never};
    rule->types = malloc(count + 1ull);
    if (rule->types == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a breakpoint");
    }
    rule->has_unknown = is_about(types, NULL);
    *has_any = *skip_spaces(types) == '\0';
    for (uint32_t i = 0; i < count; i++) {
        const struct ctr_type *type = ctr_type(trace, i);
        rule->types[i] = is_about(types, type);
        *has_any |= rule->types[i] && type->family == CTR_F_EXCEPTION;
    }
    return CT_OK;
}

int rp_exceptions_add(struct rp_session *session, const struct rp_exception_rule *wanted,
                      bool *has_any, size_t *at, struct ct_error *error)
{
    struct rule rule, *rules;
    *at = SIZE_MAX;
    int status = wanted->types != NULL ? check_names(wanted->types, at, error) : CT_OK;
    if (status != CT_OK) {
        return status;
    }
    if (session->exceptions == NULL) {
        session->exceptions = calloc(1, sizeof *session->exceptions);
    }
    struct rp_exception_rules *all = session->exceptions;
    rules = all != NULL ? realloc(all->rules, (all->count + 1) * sizeof *rules) : NULL;
    if (rules == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a breakpoint");
    }
    all->rules = rules;
    status = make_rule(session->trace, wanted, &rule, has_any, error);
    if (status == CT_OK) {
        rules[all->count++] = rule;
    }
    return status;
}

bool rp_exceptions_stop(const struct rp_session *session)
{
    bool stops = false;
    for (size_t i = 0; session->exceptions != NULL && i < session->exceptions->count; i++) {
        stops |= !session->exceptions->rules[i].is_never;
    }
    return stops;
}

/* ---- how far one comes ---- */

/* The type of an exception that is raised; UINT32_MAX: the trace does not say. */
static uint32_t type_of(struct rp_session *session, const struct rp_candidate *candidate)
{
    struct ctr_event event;
    struct ctr_node node;
    uint32_t type = UINT32_MAX;
    if (candidate->value.tag == CTR_V_OBJECT &&
        ctr_player_seek_record(session->scout, candidate->place.block, candidate->place.at, &event,
                               NULL) == CT_OK) {
        const struct ctr_object *object =
            ctr_player_object(session->scout, candidate->value.bits, NULL);
        return object != NULL ? object->type : UINT32_MAX;
    }
    if (candidate->value.tag == CTR_V_NODE &&
        ctr_node_open(session->trace, candidate->value, &node, NULL) == CT_OK) {
        bool has_type = node.tag == CTR_V_AS || node.tag == CTR_V_THING || node.tag == CTR_V_OPAQUE;
        type = has_type ? node.type : UINT32_MAX;
        ctr_node_close(session->trace, &node);
    }
    return type;
}

static void text_at(struct rp_session *session, struct ctr_place place, struct ctr_value value,
                    struct ct_bytes *to)
{
    static const struct ctr_text_options options = {.depth = 3, .items = 20, .characters = 200};
    struct ctr_event event;
    if (ctr_player_seek_record(session->scout, place.block, place.at, &event, NULL) == CT_OK) {
        ctr_text_of(session->scout, value, &options, to);
    }
}

/* Whether two records of one call are of one exception. An exception that a handler had in its
 * hands has another number afterwards: then the text decides. */
static bool is_same(struct rp_session *session, const struct ctr_hit *a, const struct ctr_hit *b)
{
    struct ct_bytes left = {0}, right = {0};
    if (ctr_value_same(a->value, b->value)) {
        return true;
    }
    text_at(session, a->place, a->value, &left);
    text_at(session, b->place, b->value, &right);
    bool same =
        left.size > 0 && left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
    ct_bytes_free(&left);
    ct_bytes_free(&right);
    return same;
}

/* Where the exception that ended a call was raised in it, or reached it: the latest of its kind. */
static int find_raise(struct rp_session *session, const struct ctr_hit *end, struct ending *ending,
                      struct ct_error *error)
{
    struct ctr_query query = rp_of_call(ending->call, RP_BIT(CTR_EVENT_RAISE));
    struct ctr_hit hits[RAISES_AT_ONCE];
    struct ctr_page page = {.hits = hits, .capacity = 1, .next = end->place};
    for (size_t looked = 0; looked < RAISES_MAX; looked += page.count) {
        int status = rp_find(session, &query, page.next, true, &page, error);
        if (status != CT_OK) {
            return status;
        }
        for (size_t i = 0; i < page.count; i++) {
            if (is_same(session, end, &hits[i])) {
                ending->has_raise = true;
                ending->raise = hits[i].place;
                return CT_OK;
            }
        }
        if (page.done) {
            return CT_OK;
        }
        page.capacity = RAISES_AT_ONCE;
    }
    return CT_OK;
}

static int find_ending(struct rp_session *session, uint64_t number, struct ending *ending,
                       struct ct_error *error)
{
    struct ctr_call call;
    *ending = (struct ending){.call = number};
    int status = ctr_call_get(session->trace, number, &call, error);
    ending->is_unwound = status == CT_OK && call.exit == CTR_EXIT_UNWIND;
    if (ending->is_unwound) {
        struct ctr_query query = rp_of_call(number, RP_BIT(CTR_EVENT_UNWIND));
        struct ctr_place behind = {call.end_block + 1, 0};
        struct ctr_hit end;
        status = rp_find_one(session, &query, behind, true, &end, error);
        ending->end = end.place;
        status = status == CT_OK ? find_raise(session, &end, ending, error) : status;
    }
    ending->is_known = status == CT_OK;
    return status;
}

/* The first hit of the window behind a place; `count` where that is beyond it. */
static size_t behind_in(const struct window *window, struct ctr_place place)
{
    size_t low = 0, high = window->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rp_place_is_before(place, window->hits[middle].place)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Most exceptions are handled soon after: one look at what comes behind serves many of them. */
static int look_behind(struct rp_session *session, uint32_t thread, struct ctr_place place,
                       struct ct_error *error)
{
    struct window *window = &session->exceptions->window;
    bool is_inside = window->count > 0 && window->thread == thread &&
                     !rp_place_is_before(place, window->from) &&
                     behind_in(window, place) + WINDOW / 2 < window->count;
    if (is_inside) {
        return CT_OK;
    }
    struct ctr_page page = {.hits = window->hits, .capacity = WINDOW};
    struct ctr_query query = rp_of_thread(thread, ~(uint32_t)RP_LINE);
    query.is_bounded = true;
    query.bound = place.block + 1;
    int status = rp_find(session, &query, rp_behind(place), false, &page, error);
    window->thread = thread;
    window->from = place;
    window->count = status == CT_OK ? page.count : 0;
    return status;
}

/* How the call ended in which an exception was raised, or which it reached, as far as the window
 * shows. */
static bool end_in_window(const struct window *window, const struct ctr_hit *raised,
                          struct ending *ending)
{
    const struct ctr_hit *latest = raised;
    *ending = (struct ending){.call = raised->call};
    for (size_t i = behind_in(window, raised->place); i < window->count; i++) {
        const struct ctr_hit *hit = &window->hits[i];
        if (hit->call != raised->call) {
            continue;
        }
        if (hit->event == CTR_EVENT_RAISE) {
            latest = hit;
        } else if (hit->event == CTR_EVENT_RETURN) {
            return true;
        } else if (hit->event == CTR_EVENT_UNWIND) {
            ending->is_unwound = ending->has_raise = true;
            ending->end = hit->place;
            ending->raise = latest->place;
            return ctr_value_same(hit->value, latest->value);
        }
    }
    return false;
}

static int ending_of(struct rp_session *session, const struct ctr_hit *raised,
                     struct ending *ending, struct ct_error *error)
{
    struct ending *kept = &session->exceptions->endings[raised->call % CALLS_KEPT];
    if (kept->is_known && kept->call == raised->call) {
        *ending = *kept;
        return CT_OK;
    }
    int status = look_behind(session, raised->thread, raised->place, error);
    if (status != CT_OK || end_in_window(&session->exceptions->window, raised, ending)) {
        return status;
    }
    status = find_ending(session, raised->call, kept, error);
    *ending = *kept;
    return status;
}

/* What happened next on a thread; a line may be it. CT_ESTATE: nothing. */
static int next_on_thread(struct rp_session *session, uint32_t thread, struct ctr_place place,
                          struct ctr_hit *next, struct ct_error *error)
{
    const struct window *window = &session->exceptions->window;
    size_t at = behind_in(window, place);
    bool is_inside = window->thread == thread && at > 0 && at < window->count &&
                     !rp_place_is_before(place, window->from);
    if (is_inside && window->hits[at].step == window->hits[at - 1].step) {
        *next = window->hits[at]; /* no line ran since the hit before, which is at the place */
        return CT_OK;
    }
    struct ctr_query any = rp_of_thread(thread, UINT32_MAX);
    return rp_find_one(session, &any, rp_behind(place), false, next, error);
}

/* Whether a call that was unwound is the first of its thread, and nothing was recorded of what came
 * behind it: of the program's own module nothing can; of other code something means that whoever
 * called it went on. */
static int ends_thread(struct rp_session *session, const struct ending *ending, uint32_t thread,
                       bool goes_on, bool *ends, struct ct_error *error)
{
    struct ctr_event event;
    int status =
        ctr_player_seek_record(session->scout, ending->end.block, ending->end.at, &event, error);
    *ends = false;
    if (status != CT_OK || event.frame == NULL ||
        ctr_player_frame(session->scout, thread, 1, NULL) != NULL) {
        return status;
    }
    const struct ctr_plan *plan = ctr_plan(session->trace, event.frame->plan);
    bool is_program = plan != NULL && ctr_text_is(plan->name, "<module>") &&
                      ctr_text_is(plan->module, "__main__");
    *ends = is_program || !goes_on;
    return CT_OK;
}

static bool same_place(struct ctr_place a, struct ctr_place b)
{
    return a.block == b.block && a.at == b.at;
}

/* Follow an exception from call to call, as far as `enough`. */
static int follow(struct rp_session *session, const struct rp_candidate *candidate,
                  enum rp_fate enough, enum rp_fate *fate, struct ct_error *error)
{
    struct ctr_hit next = {.call = candidate->call,
                           .place = candidate->place,
                           .thread = candidate->thread,
                           .value = candidate->value};
    *fate = RP_RAISED;
    for (;;) {
        struct ending ending;
        int status = ending_of(session, &next, &ending, error);
        bool leaves = status == CT_OK && ending.is_unwound && ending.has_raise &&
                      same_place(ending.raise, next.place);
        if (!leaves) { /* handled where it came to */
            return status;
        }
        *fate = RP_LEAVES_CALL;
        if (*fate >= enough) {
            return CT_OK;
        }
        status = next_on_thread(session, candidate->thread, ending.end, &next, error);
        if (status == CT_OK && next.event == CTR_EVENT_RAISE && next.call != CTR_NO_CALL) {
            continue;
        }
        if (status != CT_OK && status != CT_ESTATE) {
            return status;
        }
        bool ends;
        status = ends_thread(session, &ending, candidate->thread, status == CT_OK, &ends, error);
        *fate = ends ? RP_UNCAUGHT : RP_LEAVES_RECORDED;
        return status;
    }
}

/* These are how a loop ends, and a generator: the interpreter takes them, wherever they come from.
 */
static bool is_of_protocol(const struct ctr_type *type)
{
    return type != NULL && ctr_type_is_builtin(type) &&
           (ctr_text_is(type->name, "StopIteration") ||
            ctr_text_is(type->name, "StopAsyncIteration") ||
            ctr_text_is(type->name, "GeneratorExit"));
}

/* The least fate with which an exception of a type stops. False: it stops with none. */
static bool least_fate(const struct rp_exception_rules *rules, uint32_t type, enum rp_fate *least)
{
    bool stops = false;
    *least = RP_UNCAUGHT;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        bool fits = type == UINT32_MAX ? rule->has_unknown : rule->types[type];
        if (fits && rule->is_never) {
            return false;
        }
        if (fits) {
            *least = rule->at_least < *least ? rule->at_least : *least;
            stops = true;
        }
    }
    return stops;
}

/* Whether nobody handles an exception, and no call is left by it: it ended an `await`, or a loop.
 */
static int is_taken(struct rp_session *session, const struct rp_candidate *candidate, bool *taken,
                    struct ct_error *error)
{
    struct ctr_query query =
        rp_of_thread(candidate->thread, RP_BIT(CTR_EVENT_HANDLED) | RP_LINE | RP_LEAVES);
    struct ctr_hit next;
    int status = rp_find_one(session, &query, rp_behind(candidate->place), false, &next, error);
    *taken = status == CT_OK && next.event != CTR_EVENT_HANDLED && next.event != CTR_EVENT_UNWIND;
    return status == CT_ESTATE ? CT_OK : status;
}

int rp_exception_stops(struct rp_session *session, const struct rp_candidate *candidate,
                       bool *stops, struct ct_error *error)
{
    const struct rp_exception_rules *rules = session->exceptions;
    uint32_t type = type_of(session, candidate);
    enum rp_fate least, fate = RP_RAISED;
    bool taken = false;
    *stops = false;
    type = type < ctr_info(session->trace)->type_count ? type : UINT32_MAX;
    if (!least_fate(rules, type, &least)) {
        return CT_OK;
    }
    bool is_protocol = type != UINT32_MAX && is_of_protocol(ctr_type(session->trace, type));
    if (least > RP_LEAVES_CALL && is_protocol) {
        return CT_OK;
    }
    int status = least > RP_RAISED ? follow(session, candidate, least, &fate, error)
                 : is_protocol     ? is_taken(session, candidate, &taken, error)
                                   : CT_OK;
    *stops = status == CT_OK && fate >= least && !taken;
    return status;
}
