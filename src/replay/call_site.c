#include "replay/call_site.h"

#include <string.h>

#include "replay/lines.h"
#include "replay/session_internal.h"

enum {
    SITES_MAX = 32,     /* calls of one line; with more nobody tells */
    SEARCHES_MAX = 8,   /* for those, in one stack */
    MADE_MAX = 64,      /* calls that one visit of the line made */
    BLOCKS_MAX = 2,     /* that are looked into for them */
    CODE_OPTIMIZED = 1, /* of co_flags: a function */
    CODE_COROUTINE = 0x80,
    CODE_GENERATES = 0x20 | 0x200,
};

struct site {
    struct ctr_text name; /* of what is called; empty: it is no name */
    bool is_variable;     /* and that alone, not an attribute of something */
    struct ctr_place_in_source place;
};

/* One line, and the frame whose call is looked for. */
struct line {
    struct rp_session *session;
    const struct ctr_facts *facts;
    const struct ctr_frame *caller, *callee;
    struct ctr_text callee_name, owner; /* "g" and "A" of "f.<locals>.A.g" */
    struct ct_bytes self;               /* type of its first argument */
    struct site sites[SITES_MAX];
    uint32_t count;
    bool has_bare_attribute; /* something is read that may be a property */
};

void rp_sites_clear(struct rp_sites *sites)
{
    ctr_facts_clear(&sites->facts);
    *sites = (struct rp_sites){0};
}

/* ---- texts ---- */

/* Cut off what follows the last dot, and give it. */
static struct ctr_text last_part(struct ctr_text *name)
{
    size_t at = name->size;
    while (at > 0 && name->bytes[at - 1] != '.') {
        at--;
    }
    struct ctr_text part = {name->bytes + at, name->size - at};
    name->size = at > 0 ? at - 1 : 0;
    return part;
}

static bool is_special(struct ctr_text name)
{
    return name.size > 4 && memcmp(name.bytes, "__", 2) == 0 &&
           memcmp(name.bytes + name.size - 2, "__", 2) == 0;
}

/* ---- places ---- */

static bool same_start(const struct ctr_place_in_source *a, const struct ctr_place_in_source *b)
{
    return a->line == b->line && a->column == b->column;
}

static bool ends_before(const struct ctr_place_in_source *a, const struct ctr_place_in_source *b)
{
    return a->end_line < b->end_line ||
           (a->end_line == b->end_line && a->end_column < b->end_column);
}

static bool same_place(const struct ctr_place_in_source *a, const struct ctr_place_in_source *b)
{
    return same_start(a, b) && !ends_before(a, b) && !ends_before(b, a);
}

static bool is_on(const struct ctr_use_fact *use, uint32_t line)
{
    return use->place.line == line && use->place.has_columns;
}

static bool is_read(const struct ctr_use_fact *use)
{
    return use->use == CTR_USE_READ || use->use == CTR_USE_READ_NAME;
}

/* ---- the calls of the line ---- */

/* What a call calls: the longest expression that starts where it starts. */
static const struct ctr_use_fact *called(const struct line *line, const struct ctr_use_fact *call)
{
    const struct ctr_use_fact *found = NULL;
    for (uint32_t i = 0; i < line->facts->use_count; i++) {
        const struct ctr_use_fact *use = &line->facts->uses[i];
        if (use->place.has_columns && same_start(&use->place, &call->place) &&
            ends_before(&use->place, &call->place) &&
            (found == NULL || ends_before(&found->place, &use->place))) {
            found = use;
        }
    }
    return found;
}

/* False: there are too many. */
static bool add_site(struct line *line, const struct ctr_use_fact *call)
{
    const struct ctr_use_fact *function = called(line, call);
    bool is_name =
        function != NULL && (is_read(function) || function->use == CTR_USE_READ_ATTRIBUTE);
    for (uint32_t i = 0; i < line->count; i++) {
        if (same_place(&line->sites[i].place, &call->place)) {
            return true; /* the compiler wrote it twice */
        }
    }
    if (line->count == SITES_MAX) {
        return false;
    }
    line->sites[line->count++] =
        (struct site){.name = is_name ? function->name : (struct ctr_text){"", 0},
                      .is_variable = is_name && is_read(function),
                      .place = call->place};
    return true;
}

static bool find_sites(struct line *line)
{
    for (uint32_t i = 0; i < line->facts->use_count; i++) {
        const struct ctr_use_fact *use = &line->facts->uses[i];
        if (use->use == CTR_USE_CALL && use->place.line == line->caller->line &&
            (!use->place.has_columns || !add_site(line, use))) {
            return false;
        }
    }
    return line->count > 0;
}

/* Whether it is what one of the calls calls. */
static bool is_called(const struct line *line, const struct ctr_use_fact *use)
{
    for (uint32_t i = 0; i < line->count; i++) {
        const struct site *site = &line->sites[i];
        if (same_start(&site->place, &use->place) && ctr_text_same(site->name, use->name)) {
            return true;
        }
    }
    return false;
}

/* What is read on the line and not called may run code all the same: given to C code that calls it,
 * or a property. */
static bool is_read_otherwise(struct line *line, struct ctr_text name)
{
    bool found = false;
    for (uint32_t i = 0; i < line->facts->use_count; i++) {
        const struct ctr_use_fact *use = &line->facts->uses[i];
        if (!is_on(use, line->caller->line) || is_called(line, use)) {
            continue;
        }
        line->has_bare_attribute |= use->use == CTR_USE_READ_ATTRIBUTE;
        found |=
            (is_read(use) || use->use == CTR_USE_READ_ATTRIBUTE) && ctr_text_same(use->name, name);
    }
    return found;
}

/* ---- who is called by which name ---- */

static bool makes(const struct line *line, struct ctr_text name)
{
    bool is_maker =
        ctr_text_is(line->callee_name, "__init__") || ctr_text_is(line->callee_name, "__new__");
    struct ctr_text self = {(const char *)line->self.data, line->self.failed ? 0 : line->self.size};
    return is_maker && (ctr_text_same(name, line->owner) || ctr_text_same(name, self));
}

static bool is_named(const struct line *line, const struct site *site)
{
    return site->name.size > 0 &&
           (ctr_text_same(site->name, line->callee_name) || makes(line, site->name));
}

/* ---- several calls of one name: by their order ---- */

/* Hits in a few blocks. False: nobody knows whether these are all. */
static bool find_some(struct line *line, const struct ctr_query *query, struct ctr_place from,
                      bool backwards, struct ctr_hit *hits, size_t room, size_t *count)
{
    struct ctr_page page = {.hits = hits, .capacity = room};
    int status = ctr_find(line->session->trace, query, from, backwards, BLOCKS_MAX, &page, NULL);
    *count = page.count;
    return status == CT_OK && (page.done || page.count == room);
}

/* The calls that this visit of the line made itself. */
static bool find_made(struct line *line, struct ctr_hit *made, size_t *count)
{
    struct ctr_query steps = rp_of_call(line->caller->call, RP_LINE | RP_LEAVES);
    struct ctr_query calls = rp_of_thread(line->caller->thread, RP_BIT(CTR_EVENT_CALL));
    struct ctr_place now = line->session->now.place;
    struct ctr_hit begin, end = {0};
    size_t found;
    calls.of_parent = true;
    calls.parent = line->caller->call;
    if (!find_some(line, &steps, now, true, &begin, 1, &found) || found == 0 ||
        begin.event != CTR_EVENT_LINE) {
        return false;
    }
    if (!find_some(line, &steps, rp_behind(begin.place), false, &end, 1, &found)) {
        return false;
    }
    calls.is_bounded = found > 0;
    calls.bound = end.place.block;
    if (!find_some(line, &calls, begin.place, false, made, MADE_MAX, count)) {
        return false;
    }
    bool may_be_more = *count == MADE_MAX;
    while (found > 0 && *count > 0 && rp_place_is_before(end.place, made[*count - 1].place)) {
        --*count;
        may_be_more = false;
    }
    return !may_be_more;
}

static bool has_branch(const struct line *line)
{
    for (uint32_t i = 0; i < line->facts->branch_count; i++) {
        if (line->facts->branches[i].place.line == line->caller->line) {
            return true;
        }
    }
    return false;
}

/* A decorated function may not run at each call of it. Its code begins at its first decorator. */
static bool is_plain(const struct line *line)
{
    const struct ctr_plan *plan = ctr_plan(line->session->trace, line->callee->plan);
    struct ctr_text source = ctr_source(line->session->trace, plan->path);
    struct ctr_text first = rp_line_text(source, plan->first_line);
    size_t at = 0;
    while (at < first.size && (first.bytes[at] == ' ' || first.bytes[at] == '\t')) {
        at++;
    }
    return at < first.size && first.bytes[at] != '@';
}

/* Whether the first calls of the line are those that ran: nothing is skipped but by an exception.
 */
static bool runs_in_order(const struct line *line, const struct site *const *named, uint32_t count)
{
    bool in_order = !has_branch(line) && is_plain(line);
    for (uint32_t i = 0; in_order && i < count; i++) {
        in_order = named[i]->is_variable && ctr_text_same(named[i]->name, line->callee_name);
    }
    return in_order;
}

static const struct site *by_order(struct line *line, const struct site *const *named,
                                   uint32_t count)
{
    struct ctr_hit made[MADE_MAX];
    size_t made_count;
    uint32_t ran = 0, place = 0;
    if (!find_made(line, made, &made_count)) {
        return NULL;
    }
    for (size_t i = 0; i < made_count; i++) {
        bool is_one = made[i].plan == line->callee->plan;
        ran += is_one;
        place = is_one && made[i].call == line->callee->call ? ran : place;
    }
    bool is_known =
        place > 0 && (ran == count || (ran < count && runs_in_order(line, named, count)));
    return is_known ? named[place - 1] : NULL;
}

/* The same, remembered: while one steps, the callers stay. False: nobody knows. */
static bool find_by_order(struct line *line, const struct site *const *named, uint32_t count,
                          struct ctr_place_in_source *place)
{
    uint64_t call = line->callee->call;
    struct rp_kept_site *kept = &line->session->kept_sites[call % RP_KEPT_SITES];
    if (kept->call != call + 1) {
        const struct site *found = by_order(line, named, count);
        *kept = (struct rp_kept_site){.call = call + 1, .is_known = found != NULL};
        if (found != NULL) {
            kept->place = found->place;
        }
    }
    *place = kept->place;
    return kept->is_known;
}

/* ---- which one ---- */

/* The only call of the line made it, whatever it calls, if it was a call at all. */
static const struct site *only_one(const struct line *line, uint32_t flags)
{
    bool is_call = line->count == 1 && !line->has_bare_attribute &&
                   !is_special(line->callee_name) && (flags & CODE_OPTIMIZED) &&
                   !(flags & CODE_COROUTINE);
    return is_call ? &line->sites[0] : NULL;
}

static bool choose(struct line *line, struct rp_sites *sites, struct ctr_place_in_source *place)
{
    const struct site *named[SITES_MAX];
    uint32_t count = 0, unnamed = 0;
    uint32_t flags = ctr_plan(line->session->trace, line->callee->plan)->flags;
    if (flags & CODE_GENERATES) { /* made by a call, run by what asks for a value */
        return false;
    }
    for (uint32_t i = 0; i < line->count; i++) {
        unnamed += line->sites[i].name.size == 0;
        if (is_named(line, &line->sites[i])) {
            named[count++] = &line->sites[i];
        }
    }
    bool is_read = is_read_otherwise(line, count > 0 ? named[0]->name : line->callee_name);
    bool is_doubtful = is_read || (unnamed > 0 && line->count > 1) ||
                       ((flags & CODE_COROUTINE) && line->count > 1); /* run by something else */
    if (count > 1) {
        return !is_doubtful && sites->searches++ < SEARCHES_MAX &&
               find_by_order(line, named, count, place);
    }
    const struct site *found = count == 0 ? only_one(line, flags) : !is_doubtful ? named[0] : NULL;
    if (found != NULL) {
        *place = found->place;
    }
    return found != NULL;
}

static const struct ctr_facts *facts_of(struct rp_session *session, struct rp_sites *sites,
                                        uint32_t plan)
{
    if (!sites->has_facts || sites->plan != plan) {
        ctr_facts_clear(&sites->facts);
        ctr_facts_read(session->trace, plan, &sites->facts, NULL);
        sites->plan = plan;
        sites->has_facts = true;
    }
    return &sites->facts;
}

bool rp_call_site(struct rp_session *session, uint32_t thread, uint32_t index,
                  struct rp_sites *sites, struct ctr_place_in_source *site)
{
    bool has_left = session->now.moment.left > 0 && thread == session->now.thread;
    if (index + has_left == 0) {
        return false;
    }
    struct line line = {.session = session};
    line.caller = ctr_player_frame(session->player, thread, index + has_left, NULL);
    line.callee = ctr_player_frame(session->player, thread, index + has_left - 1, NULL);
    const struct ctr_plan *plan =
        line.callee != NULL ? ctr_plan(session->trace, line.callee->plan) : NULL;
    if (line.caller == NULL || plan == NULL) {
        return false;
    }
    line.facts = facts_of(session, sites, line.caller->plan);
    line.owner = plan->qualname;
    line.callee_name = last_part(&line.owner);
    line.owner = last_part(&line.owner);
    if (!find_sites(&line)) {
        return false;
    }
    if (line.callee->slot_count > 0 && is_special(line.callee_name)) {
        ctr_text_of_type(session->player, line.callee->slots[0], &line.self);
    }
    bool is_known = choose(&line, sites, site);
    ct_bytes_free(&line.self);
    return is_known;
}
