/* Paths are followed when a line has run. One that the line itself leads elsewhere, as in
 * `self.tail.next = self.tail = node`, does not tell any more what was worked on. */
#include <stdlib.h>

#include "recorder/effects.h"
#include "recorder/reach_internal.h"

static bool is_same_base(const struct route *one, const struct route *other)
{
    return one->base == other->base && one->slot == other->slot && one->name == other->name;
}

static bool are_same_terms(const struct findings *all, const struct path_step *one,
                           const struct path_step *other)
{
    bool same = one->count == other->count;
    for (unsigned i = 0; same && i < one->count; i++) {
        const struct found_term *a = &all->terms[(unsigned)one->index + i];
        const struct found_term *b = &all->terms[(unsigned)other->index + i];
        same = a->term.kind == b->term.kind && a->term.operation == b->term.operation &&
               a->term.number == b->term.number && a->route.count == b->route.count &&
               reach__begins_with(all, &a->route, &b->route);
    }
    return same;
}

static bool is_same_step(const struct findings *all, const struct path_step *one,
                         const struct path_step *other)
{
    if (one->kind == STEP_TERMS && other->kind == STEP_TERMS) {
        return one->index == other->index || are_same_terms(all, one, other);
    }
    return one->kind == other->kind && one->slot == other->slot && one->index == other->index &&
           one->name == other->name;
}

bool reach__begins_with(const struct findings *all, const struct route *route,
                        const struct route *start)
{
    bool same = is_same_base(route, start) && route->count >= start->count;
    for (unsigned i = 0; same && i < start->count; i++) {
        same = is_same_step(all, &route->steps[i], &start->steps[i]);
    }
    return same;
}

static bool any_in_route(const struct findings *all, const struct route *route, reach__test *test,
                         const void *with)
{
    bool any = test(all, route, with);
    for (unsigned i = 0; !any && i < route->count; i++) {
        any = reach__any_in_step(all, &route->steps[i], test, with);
    }
    return any;
}

bool reach__any_in_step(const struct findings *all, const struct path_step *step, reach__test *test,
                        const void *with)
{
    bool any = false;
    for (unsigned i = 0; !any && step->kind == STEP_TERMS && i < step->count; i++) {
        const struct found_term *found = &all->terms[(unsigned)step->index + i];
        any = found->term.kind == TERM_PATH && any_in_route(all, &found->route, test, with);
    }
    return any;
}

bool reach__any_route(const struct findings *all, const struct finding *found, reach__test *test,
                      const void *with)
{
    return any_in_route(all, &found->route, test, with) ||
           reach__any_in_step(all, &found->key, test, with);
}

/* Does a route go on from where another ends, by an item? */
static bool goes_on_by_item(const struct findings *all, const struct route *route, const void *from)
{
    const struct route *start = from;
    return route->count > start->count && route->steps[start->count].kind != STEP_ATTR &&
           reach__begins_with(all, route, start);
}

static bool goes_by_attribute(const struct findings *all, const struct route *route,
                              const void *name)
{
    (void)all;
    for (unsigned i = 0; i < route->count; i++) {
        if (route->steps[i].kind == STEP_ATTR && route->steps[i].name == name) {
            return true;
        }
    }
    return false;
}

static bool starts_at(const struct findings *all, const struct route *route, const void *base)
{
    (void)all;
    return is_same_base(route, base);
}

static bool is_call(const struct finding *found)
{
    return found->effect.action == ACTION_METHOD || found->effect.action == ACTION_CALL ||
           found->effect.action == ACTION_ARGUMENT;
}

/* What is called was looked up before its arguments were worked out; anything else is reached by
 * the instruction that works on it. */
static bool is_reached_before(const struct finding *found, const struct finding *other)
{
    return is_call(found) || found->effect.unit < other->effect.unit;
}

/* Where a name is bound to what was worked on in place, it leads there. */
static bool is_bound_again(const struct finding *found)
{
    return found->effect.action == ACTION_STORE && found->route.count == 0;
}

static bool leads_elsewhere(const struct findings *all, const struct finding *found,
                            const struct finding *by)
{
    if (!is_reached_before(found, by)) {
        return false;
    }
    switch (by->effect.action) {
    case ACTION_STORE_ATTR:
        return reach__any_route(all, found, goes_by_attribute, by->effect.name);
    case ACTION_STORE_ITEM:
    case ACTION_STORE:
    case ACTION_METHOD:
    case ACTION_ARGUMENT:
        return !by->gives && reach__any_route(all, found, goes_on_by_item, &by->route);
    case ACTION_REBIND:
        return !is_bound_again(found) && reach__any_route(all, found, starts_at, &by->route);
    default:
        return false;
    }
}

static bool is_effect(const struct finding *found)
{
    return found->effect.action != ACTION_NONE && found->effect.action < ACTION_REBIND;
}

/* Findings of one line, one behind the other: each names the next, 0 none. */
struct chain {
    uint32_t first, last, count;
};

static bool find_crossings(struct findings *findings, const uint32_t *next,
                           const struct chain *line)
{
    enum { COMPARED = 64 }; /* findings of a line, each with each */
    bool crossing = false;
    for (uint32_t i = line->first; i != 0; i = next[i - 1]) {
        struct finding *found = &findings->items[i - 1];
        if (is_effect(found) && line->count > COMPARED &&
            (found->route.count != 0 || found->key.kind == STEP_TERMS)) {
            found->effect.led = crossing = true;
        }
        for (uint32_t j = line->first; j != 0 && is_effect(found) && line->count <= COMPARED;
             j = next[j - 1]) {
            if (i != j && leads_elsewhere(findings, found, &findings->items[j - 1])) {
                found->effect.led = crossing = true;
            }
        }
    }
    return crossing;
}

static void add_to(struct chain *chain, uint32_t *next, uint32_t number)
{
    if (chain->last != 0) {
        next[chain->last - 1] = number;
    } else {
        chain->first = number;
    }
    chain->last = number;
    chain->count++;
}

bool reach__heed_order(struct plan *plan, struct findings *findings)
{
    struct chain *chains = calloc((size_t)plan->line_count + 1, sizeof *chains);
    uint32_t *next = calloc(findings->count + 1, sizeof *next);
    bool done = chains != NULL && next != NULL;
    for (size_t i = 0; done && i < findings->count; i++) {
        struct chain *chain = &chains[effects_line(plan, findings->items[i].line) - plan->lines];
        add_to(chain, next, (uint32_t)i + 1);
    }
    for (int i = 0; done && i < plan->line_count; i++) {
        if (chains[i].count > 1 && find_crossings(findings, next, &chains[i])) {
            reach__give_up(&plan->lines[i]);
        }
    }
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].effect.action == ACTION_REBIND) {
            findings->items[i].effect.action = ACTION_NONE;
        }
    }
    free(chains);
    free(next);
    return done;
}
