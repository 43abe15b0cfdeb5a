#include "recorder/reach_operand.h"

#include <stdlib.h>

#include "recorder/effects.h"

struct operand operand_pop(struct walk *walk)
{
    if (walk->depth == 0) {
        return (struct operand){0};
    }
    return walk->stack[--walk->depth];
}

void operand_push(struct walk *walk, struct operand operand)
{
    if (walk->depth == STACK_MAX) { /* forget the oldest: what is below reads as unknown */
        memmove(walk->stack, walk->stack + 1, (STACK_MAX - 1) * sizeof *walk->stack);
        walk->depth--;
        walk->shifted = true;
    }
    operand.unit = walk->unit;
    walk->stack[walk->depth++] = operand;
}

void operand_push_unknown(struct walk *walk)
{
    operand_push(walk, (struct operand){0});
}

struct operand operand_peek(const struct walk *walk, unsigned depth)
{
    return depth < (unsigned)walk->depth ? walk->stack[walk->depth - 1 - (int)depth]
                                         : (struct operand){0};
}

struct line_info *walk_line(struct walk *walk)
{
    return effects_line(walk->plan, walk->line);
}

void walk_vague(struct walk *walk)
{
    struct line_info *line = walk_line(walk);
    line->flags |= LINE_VAGUE;
    line->vague_at = walk->unit + 1;
    line->vagues += line->vagues < UINT8_MAX;
}

/* Room for one more of them; NULL: there is no memory. */
static void *grow(void **items, size_t *count, size_t *capacity, size_t size, bool *failed)
{
    if (*count == *capacity) {
        size_t more = *capacity != 0 ? *capacity * 2 : 32;
        void *grown = realloc(*items, more * size);
        if (grown == NULL) {
            *failed = true;
            return NULL;
        }
        *items = grown;
        *capacity = more;
    }
    return (char *)*items + size * (*count)++;
}

void walk_find(struct walk *walk, struct finding finding)
{
    struct findings *all = walk->findings;
    struct finding *place =
        grow((void **)&all->items, &all->count, &all->capacity, sizeof *place, &walk->failed);
    if (place != NULL) {
        finding.line = walk->line;
        finding.effect.unit = walk->unit;
        *place = finding;
    }
}

void walk_watch(struct walk *walk, uint8_t arguments, bool has_keywords)
{
    struct findings *all = walk->findings;
    struct site *site = grow((void **)&all->sites, &all->site_count, &all->site_capacity,
                             sizeof *site, &walk->failed);
    if (site != NULL) {
        *site = (struct site){
            .unit = walk->at,
            .line = walk->line,
            .arguments = arguments,
            .has_keywords = has_keywords,
        };
        walk_line(walk)->flags |= LINE_WATCHED;
    }
}

bool operand_is_named(const struct operand *operand)
{
    return operand->known == NAMED || operand->known == METHOD;
}

void walk_mention(struct walk *walk, const struct operand *operand)
{
    if (operand_is_named(operand) && (operand->is_inside || operand->route.count != 0)) {
        walk_find(walk, (struct finding){
                            .effect.action = operand->is_inside ? ACTION_INSIDE : ACTION_MENTION,
                            .route = operand->route,
                        });
    }
}

void walk_cross(struct walk *walk)
{
    for (int i = 0; i < walk->depth; i++) {
        walk->stack[i].crossed = true;
    }
}

static bool is_cell(const struct walk *walk, unsigned slot)
{
    return (_PyLocals_GetKind(walk->code->co_localspluskinds, (int)slot) &
            (CO_FAST_CELL | CO_FAST_FREE)) != 0;
}

/* Can other code lead the path elsewhere, as it cannot a variable of the frame's own? */
static bool is_movable(const struct walk *walk, const struct operand *operand)
{
    const struct route *route = &operand->route;
    return operand_is_named(operand) &&
           (route->base == BASE_GLOBAL || route->count != 0 || is_cell(walk, route->slot));
}

static bool is_store(uint8_t action)
{
    return action >= ACTION_STORE && action <= ACTION_STORE_ITEM;
}

void walk_act(struct walk *walk, struct operand on, struct finding finding)
{
    if (!operand_is_named(&on) || on.is_inside) {
        walk_vague(walk);
        walk_mention(walk, &on);
        bool is_found = is_store(finding.effect.action) && !operand_is_named(&on);
        walk_line(walk)->flags |= is_found ? LINE_WIDE : 0;
        return;
    }
    if (finding.effect.action != ACTION_CALL) {
        finding.effect.name = on.name;
    }
    finding.route = on.route;
    bool is_worked_on =
        finding.effect.action != ACTION_CALL && finding.effect.action != ACTION_ITERATE;
    bool moves = is_worked_on && is_movable(walk, &on);
    finding.effect.movable = finding.effect.movable || moves;
    finding.effect.crossed = finding.effect.crossed || (moves && on.crossed);
    walk_find(walk, finding);
}

struct operand operand_of_slot(unsigned slot)
{
    if (slot >= PLAN_MASK_SLOTS) {
        return (struct operand){0};
    }
    return (struct operand){.known = NAMED, .route = {.base = BASE_SLOT, .slot = (uint8_t)slot}};
}

/* A variable itself, without steps: usable as an index. */
static bool is_variable(const struct operand *operand)
{
    return operand->known == NAMED && !operand->is_inside && operand->route.base == BASE_SLOT &&
           operand->route.count == 0;
}

PyObject *walk_name(struct walk *walk, unsigned index)
{
    PyObject *names = walk->code->co_names;
    return index < (unsigned)PyTuple_GET_SIZE(names) ? PyTuple_GET_ITEM(names, index) : NULL;
}

struct operand operand_of_global(struct walk *walk, unsigned index)
{
    PyObject *name = walk_name(walk, index);
    return (struct operand){.known = name != NULL ? NAMED : UNKNOWN,
                            .route = {.base = BASE_GLOBAL, .name = name}};
}

struct operand operand_follow(struct operand from, struct path_step step)
{
    if (from.known != NAMED) {
        return (struct operand){0};
    }
    if (from.is_inside || step.kind == STEP_NONE || from.route.count == PATH_STEPS) {
        from.is_inside = true;
    } else {
        from.route.steps[from.route.count++] = step;
    }
    return from;
}

bool operand_is_key_movable(const struct walk *walk, const struct operand *key)
{
    return is_movable(walk, key) || (key->known == KEY && key->movable);
}

bool operand_is_key_crossed(const struct walk *walk, const struct operand *key)
{
    return key->crossed && operand_is_key_movable(walk, key);
}

/* False: there is no room, or the code has too many. */
static bool add_term(struct walk *walk, const struct found_term *term)
{
    enum { TERMS_OF_CODE = 1 << 16 };
    struct findings *all = walk->findings;
    struct found_term found = *term; /* it may be one of those that move */
    struct found_term *place = all->term_count < TERMS_OF_CODE
                                   ? grow((void **)&all->terms, &all->term_count,
                                          &all->term_capacity, sizeof *place, &walk->failed)
                                   : NULL;
    if (place != NULL) {
        *place = found;
    }
    return place != NULL;
}

/* Put the terms of an operand behind those that are there. False: it has none. */
static bool add_terms(struct walk *walk, const struct operand *operand)
{
    const struct path_step *key = &operand->key;
    if (operand->known == NAMED && !operand->is_inside) {
        return add_term(walk,
                        &(struct found_term){.term = {.kind = TERM_PATH}, .route = operand->route});
    }
    if (operand->known == KEY && key->kind == STEP_INDEX) {
        return add_term(walk,
                        &(struct found_term){.term = {.kind = TERM_INT, .number = key->index}});
    }
    bool done = operand->known == KEY && key->kind == STEP_TERMS;
    for (unsigned i = 0; done && i < key->count; i++) {
        struct found_term term = walk->findings->terms[(unsigned)key->index + i];
        done = add_term(walk, &term);
    }
    return done;
}

static uint8_t nesting_of(const struct route *route)
{
    uint8_t deepest = 0;
    for (unsigned i = 0; i < route->count; i++) {
        const struct path_step *step = &route->steps[i];
        deepest = step->kind == STEP_TERMS && step->nesting > deepest ? step->nesting : deepest;
    }
    return deepest;
}

/* What was put behind these; STEP_NONE: too much for one item. */
static struct path_step terms_since(struct walk *walk, size_t first)
{
    struct path_step step = {.kind = STEP_TERMS, .index = (int32_t)first};
    size_t count = walk->findings->term_count - first;
    for (size_t i = first; i < first + count; i++) {
        uint8_t nesting = nesting_of(&walk->findings->terms[i].route) + 1;
        step.nesting = nesting > step.nesting ? nesting : step.nesting;
    }
    if (count > TERMS_MAX || step.nesting > TERMS_NESTING) {
        walk->findings->term_count = first;
        return (struct path_step){0};
    }
    step.count = (uint8_t)count;
    return step;
}

struct path_step operand_step(struct walk *walk, const struct operand *key)
{
    size_t first = walk->findings->term_count;
    if (is_variable(key)) {
        return (struct path_step){.kind = STEP_SLOT, .slot = key->route.slot};
    }
    if (key->known == NAMED) {
        return add_terms(walk, key) ? terms_since(walk, first) : (struct path_step){0};
    }
    return key->known == KEY ? key->key : (struct path_step){0};
}

struct operand operand_computed(struct walk *walk, struct operand left, struct operand right,
                                unsigned operation)
{
    size_t first = walk->findings->term_count;
    struct found_term last = {.term = {.kind = TERM_OPERATOR, .operation = (uint8_t)operation}};
    if (!add_terms(walk, &left) || !add_terms(walk, &right) || !add_term(walk, &last)) {
        walk->findings->term_count = first;
        return (struct operand){0};
    }
    struct path_step key = terms_since(walk, first);
    return (struct operand){
        .known = key.kind != STEP_NONE ? KEY : UNKNOWN,
        .key = key,
        .movable = operand_is_key_movable(walk, &left) || operand_is_key_movable(walk, &right),
        .crossed = operand_is_key_crossed(walk, &left) || operand_is_key_crossed(walk, &right),
    };
}

void walk_act_alone(struct walk *walk, enum action action, struct operand on)
{
    walk_act(walk, on, (struct finding){.effect.action = (uint8_t)action});
}
