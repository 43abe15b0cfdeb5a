#include "recorder/reach_internal.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/effects.h"

/* ---- what stands on the evaluation stack
 * ------------------------------------------------------------- */

enum known {
    UNKNOWN,
    NAMED,    /* the value of a receiver */
    METHOD,   /* `name` looked up on the receiver */
    KEY,      /* a constant, or what is computed of ints: `key` */
    RESULT,   /* of working in place on what `route` leads to; `index` is that finding's */
    REWORKED, /* the same of an item that cannot be told */
    NOTHING,  /* the NULL or self beside a callable */
    HARMLESS, /* a method of a constant: it changes nothing */
};

struct operand {
    uint8_t known;
    bool is_inside; /* NAMED, METHOD: not what the path leads to, but something in it */
    bool crossed;   /* other code ran since it was put there */
    bool movable;   /* KEY: other code can make it another */
    int32_t index;
    uint32_t unit; /* of the instruction that put it there */
    PyObject *name;
    struct route route; /* NAMED, METHOD, RESULT */
    struct path_step key;
};

enum { STACK_MAX = 64 };

struct walk {
    struct plan *plan;
    PyCodeObject *code;
    struct operand stack[STACK_MAX];
    int depth;
    int line;
    uint32_t unit; /* of the instruction, with what extends its argument; and without: */
    uint32_t at;
    PyObject *keywords; /* names of the next CALL's, on 3.12: a tuple */
    struct findings *findings;
    bool failed;
    bool watches; /* calls can be watched in this code */
    bool shifted; /* places on the stack are not what they were: it was too long */
};

static struct operand pop(struct walk *walk)
{
    if (walk->depth == 0) {
        return (struct operand){0};
    }
    return walk->stack[--walk->depth];
}

static void push(struct walk *walk, struct operand operand)
{
    if (walk->depth == STACK_MAX) { /* forget the oldest: what is below reads as unknown */
        memmove(walk->stack, walk->stack + 1, (STACK_MAX - 1) * sizeof *walk->stack);
        walk->depth--;
        walk->shifted = true;
    }
    operand.unit = walk->unit;
    walk->stack[walk->depth++] = operand;
}

static void push_unknown(struct walk *walk)
{
    push(walk, (struct operand){0});
}

static struct line_info *line_of(struct walk *walk)
{
    return effects_line(walk->plan, walk->line);
}

static void vague(struct walk *walk)
{
    struct line_info *line = line_of(walk);
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

static void add_finding(struct walk *walk, struct finding finding)
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

/* The line calls what nothing names: what that is, is asked when it does. */
static void watch(struct walk *walk, uint8_t arguments, bool has_keywords)
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
        line_of(walk)->flags |= LINE_WATCHED;
    }
}

/* Does anything name this, or what it is in? */
static bool is_named(const struct operand *operand)
{
    return operand->known == NAMED || operand->known == METHOD;
}

/* A line that may change anything is looked at along the paths it goes. */
static void mention(struct walk *walk, const struct operand *operand)
{
    if (is_named(operand) && (operand->is_inside || operand->route.count != 0)) {
        add_finding(walk, (struct finding){
                              .effect.action = operand->is_inside ? ACTION_INSIDE : ACTION_MENTION,
                              .route = operand->route,
                          });
    }
}

/* What is about to run may change where the paths lead of all that stands on the stack. */
static void cross(struct walk *walk)
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
    return is_named(operand) &&
           (route->base == BASE_GLOBAL || route->count != 0 || is_cell(walk, route->slot));
}

static bool is_store(uint8_t action)
{
    return action >= ACTION_STORE && action <= ACTION_STORE_ITEM;
}

/* A store or call through `on`; vague when nothing names it. */
static void act(struct walk *walk, struct operand on, struct finding finding)
{
    if (!is_named(&on) || on.is_inside) {
        vague(walk);
        mention(walk, &on);
        line_of(walk)->flags |= is_store(finding.effect.action) && !is_named(&on) ? LINE_DEEP : 0;
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
    add_finding(walk, finding);
}

static struct operand slot_operand(unsigned slot)
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

static PyObject *name_at(struct walk *walk, unsigned index)
{
    PyObject *names = walk->code->co_names;
    return index < (unsigned)PyTuple_GET_SIZE(names) ? PyTuple_GET_ITEM(names, index) : NULL;
}

static struct operand global_operand(struct walk *walk, unsigned index)
{
    PyObject *name = name_at(walk, index);
    return (struct operand){.known = name != NULL ? NAMED : UNKNOWN,
                            .route = {.base = BASE_GLOBAL, .name = name}};
}

/* One step further along a path; when that cannot be told, or it has steps enough, what follows is
 * somewhere in there. */
static struct operand follow(struct operand from, struct path_step step)
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

static void load_constant(struct walk *walk, unsigned index)
{
    PyObject *constants = walk->code->co_consts;
    struct operand operand = {0};
    int64_t number;
    if (index < (unsigned)PyTuple_GET_SIZE(constants)) {
        PyObject *value = PyTuple_GET_ITEM(constants, index);
        bool is_index = PyLong_CheckExact(value) && compat_small_int(value, &number) &&
                        number >= INT32_MIN && number <= INT32_MAX;
        operand.known = KEY;
        operand.key = (struct path_step){.kind = STEP_KEY, .name = value};
        if (is_index) {
            operand.key.kind = STEP_INDEX;
            operand.key.index = (int32_t)number;
        }
    }
    push(walk, operand);
}

static bool is_key_movable(const struct walk *walk, const struct operand *key)
{
    return is_movable(walk, key) || (key->known == KEY && key->movable);
}

static bool is_key_crossed(const struct walk *walk, const struct operand *key)
{
    return key->crossed && is_key_movable(walk, key);
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

/* The step that takes what `key` says out of a container; STEP_NONE: that cannot be told. */
static struct path_step step_by(struct walk *walk, const struct operand *key)
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

/* `i + 1`, `(x + dx) % width`: a place in a list. */
static struct operand computed(struct walk *walk, struct operand left, struct operand right,
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
        .movable = is_key_movable(walk, &left) || is_key_movable(walk, &right),
        .crossed = is_key_crossed(walk, &left) || is_key_crossed(walk, &right),
    };
}

static struct path_step attribute_step(PyObject *name)
{
    return (struct path_step){.kind = name != NULL ? STEP_ATTR : STEP_NONE, .name = name};
}

static void load_attribute(struct walk *walk, unsigned oparg)
{
    struct operand owner = pop(walk);
    PyObject *name = name_at(walk, oparg >> 1);
    cross(walk); /* a property */
    if (oparg & 1) {
        struct operand method = owner;
        bool is_constant = owner.known == KEY && owner.key.kind != STEP_TERMS;
        method.known = owner.known == NAMED && name != NULL ? METHOD
                       : is_constant                        ? HARMLESS
                                                            : UNKNOWN;
        method.name = name;
        push(walk, method);
        push(walk, (struct operand){.known = NOTHING});
        return;
    }
    push(walk, follow(owner, attribute_step(name)));
}

/* `super().name`, whose parts stand on the stack; a method comes with its object. */
static void load_super_attribute(struct walk *walk, unsigned oparg)
{
    enum { PARTS = 3 };
    for (int i = 0; i < PARTS; i++) {
        pop(walk);
    }
    cross(walk);
    push_unknown(walk);
    if (oparg & 1) {
        push_unknown(walk);
    }
}

/* `a.b += c` stores the result where it was taken from: the store looks there. */
static bool store_back(struct walk *walk, struct operand value, struct operand to)
{
    bool back = value.known == RESULT && to.known == NAMED && value.route.count == to.route.count &&
                reach__begins_with(walk->findings, &value.route, &to.route);
    if (back) {
        walk->findings->items[value.index].effect.action = ACTION_NONE;
    }
    return back || value.known == REWORKED;
}

/* `a += b`: the line binds the variable, and then looks into what it holds. */
static void store_variable(struct walk *walk, unsigned slot)
{
    struct operand value = pop(walk);
    if (slot < PLAN_MASK_SLOTS && store_back(walk, value, slot_operand(slot))) {
        line_of(walk)->into |= 1ull << slot;
    }
}

/* A variable of the module or one in a cell is another value from here on. */
static void rebind(struct walk *walk, struct operand variable)
{
    if (variable.known == NAMED) {
        add_finding(walk,
                    (struct finding){.effect.action = ACTION_REBIND, .route = variable.route});
    }
}

static void store_attribute(struct walk *walk, unsigned index)
{
    struct operand owner = pop(walk), value = pop(walk);
    PyObject *name = name_at(walk, index);
    bool back = store_back(walk, value, follow(owner, attribute_step(name)));
    owner.name = name;
    act(walk, owner,
        (struct finding){.effect.action = name != NULL ? ACTION_STORE_ATTR : ACTION_STORE,
                         .effect.back = back});
}

static void store_item(struct walk *walk)
{
    struct operand key = pop(walk), container = pop(walk), value = pop(walk);
    struct path_step step = step_by(walk, &key);
    bool back = store_back(walk, value, follow(container, step));
    act(walk, container,
        (struct finding){.effect.action = ACTION_STORE_ITEM,
                         .effect.back = back,
                         .effect.movable = is_key_movable(walk, &key),
                         .effect.crossed = is_key_crossed(walk, &key),
                         .key = step});
}

static void act_alone(struct walk *walk, enum action action, struct operand on)
{
    act(walk, on, (struct finding){.effect.action = (uint8_t)action});
}

/* `get` and `setdefault` of dicts give the item that has the first argument as its key. */
static bool gives_item(const struct operand *callee, unsigned arguments)
{
    PyObject *name = callee->known == METHOD ? callee->name : NULL;
    return name != NULL && arguments != 0 &&
           (PyUnicode_CompareWithASCIIString(name, "get") == 0 ||
            PyUnicode_CompareWithASCIIString(name, "setdefault") == 0);
}

/* Builtins that change nothing themselves, but call what they are given as `key`. */
static bool calls_key(const struct operand *callee)
{
    static const char *const names[] = {"max", "min", "sorted"};
    const struct route *route = &callee->route;
    bool is_global = callee->known == NAMED && route->base == BASE_GLOBAL && route->count == 0;
    for (size_t i = 0; is_global && i < sizeof names / sizeof names[0]; i++) {
        if (PyUnicode_CompareWithASCIIString(route->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Functions written in C that change what they are given first, and nothing else. */
static const struct {
    const char *name;
    enum end end;
} changers[] = {
    {"heappush", END_HEAP},     {"heappop", END_HEAP},      {"heapreplace", END_HEAP},
    {"heappushpop", END_HEAP},  {"heapify", END_NONE},      {"insort", END_NONE},
    {"insort_left", END_NONE},  {"insort_right", END_NONE}, {"next", END_NEXT},
    {"setattr", END_ATTRIBUTE}, {"delattr", END_ATTRIBUTE},
};

/* What a function is called like: by its own name, or as an attribute. */
static PyObject *callee_name(const struct operand *callee)
{
    const struct route *route = &callee->route;
    if (callee->known != NAMED || callee->is_inside) {
        return callee->known == METHOD ? callee->name : NULL;
    }
    return route->count != 0 ? route->steps[route->count - 1].name : route->name;
}

/* Look at what such a function is given first. False: it is none, or that has no name. */
static bool changes_argument(struct walk *walk, const struct operand *callee,
                             const struct operand *argument)
{
    PyObject *name = callee_name(callee);
    for (size_t i = 0;
         name != NULL && PyUnicode_Check(name) && i < sizeof changers / sizeof changers[0]; i++) {
        if (PyUnicode_CompareWithASCIIString(name, changers[i].name) == 0) {
            bool is_found = argument->known == NAMED && !argument->is_inside;
            if (is_found) {
                act(walk, *argument,
                    (struct finding){.effect.action = ACTION_ARGUMENT,
                                     .effect.end = (uint8_t)changers[i].end});
            }
            return is_found;
        }
    }
    return false;
}

static unsigned keyword_count(PyObject *names)
{
    return names != NULL && PyTuple_Check(names) ? (unsigned)PyTuple_GET_SIZE(names) : 0;
}

static struct operand peek(const struct walk *walk, unsigned depth)
{
    return depth < (unsigned)walk->depth ? walk->stack[walk->depth - 1 - (int)depth]
                                         : (struct operand){0};
}

/* Beside the callable is NULL or what a method is of. */
static struct operand callee_of(const struct walk *walk, unsigned arguments)
{
    struct operand first = peek(walk, arguments + 1);
    return is_named(&first) || first.known == HARMLESS ? first : peek(walk, arguments);
}

/* How arguments are given. */
struct given {
    unsigned count;
    PyObject *keywords; /* names of the last ones: a tuple; NULL: they have none */
    bool is_spread;     /* from a tuple */
};

static void call(struct walk *walk, const struct given *given)
{
    unsigned arguments = given->count;
    PyObject *keywords = given->keywords;
    bool in_order = keywords == NULL && !given->is_spread;
    uint8_t counted = given->is_spread || arguments > UINT8_MAX ? UINT8_MAX : (uint8_t)arguments;
    struct operand callee = callee_of(walk, arguments), first_argument = {0}, result = {0};
    unsigned called = calls_key(&callee) ? keyword_count(keywords) : 0;
    for (unsigned i = 0; i < arguments; i++) {
        first_argument = pop(walk);
        mention(walk, &first_argument);
        if (i < called && first_argument.known == NAMED && !first_argument.is_inside) {
            act_alone(walk, ACTION_CALL, first_argument);
        }
    }
    pop(walk);
    pop(walk);
    cross(walk);
    bool gives = in_order && gives_item(&callee, arguments);
    if (gives) {
        struct path_step step = step_by(walk, &first_argument);
        step.is_given = true;
        result = callee;
        result.known = NAMED;
        result = follow(result, step);
        result.crossed = result.crossed || is_key_crossed(walk, &first_argument);
    }
    push(walk, result);
    walk->keywords = NULL;
    if (callee.known == HARMLESS) {
        return;
    }
    bool is_told = walk->watches && !given->is_spread; /* by an event */
    if (is_told && (!is_named(&callee) || callee.is_inside)) {
        mention(walk, &callee);
        watch(walk, counted, keywords != NULL);
        return;
    }
    bool on_argument = in_order && changes_argument(walk, &callee, &first_argument);
    act(walk, callee,
        (struct finding){.effect.action = callee.known == METHOD ? ACTION_METHOD : ACTION_CALL,
                         .gives = gives,
                         .effect.has_keywords = keywords != NULL,
                         .effect.on_argument = on_argument,
                         .effect.watchable = is_told && counted != UINT8_MAX,
                         .effect.arguments = counted});
}

static void in_place(struct walk *walk)
{
    pop(walk);
    struct operand left = pop(walk);
    if (left.known == NAMED && !left.is_inside) {
        size_t index = walk->findings->count;
        act_alone(walk, ACTION_STORE, left);
        push(walk, (struct operand){.known = walk->failed ? UNKNOWN : RESULT,
                                    .index = (int32_t)index,
                                    .route = left.route});
    } else if (left.known == NAMED) {
        push(walk, (struct operand){.known = REWORKED}); /* stored again, and looked into then */
    } else {
        push_unknown(walk);
        vague(walk);
        line_of(walk)->flags |= LINE_DEEP;
    }
}

/* Any other instruction: its net effect, and nothing known of what it leaves on top. */
static void other(struct walk *walk, int opcode, unsigned oparg)
{
    cross(walk); /* an operator, a truth, a text: all may be code of the program's */
    int effect = PyCompile_OpcodeStackEffectWithJump(opcode, (int)oparg, 0);
    if (effect == PY_INVALID_STACK_EFFECT) {
        PyErr_Clear();
        walk->depth = 0;
        return;
    }
    for (; effect < 0; effect++) {
        pop(walk);
    }
    if (walk->depth > 0) {
        walk->stack[walk->depth - 1] = (struct operand){0};
    }
    for (; effect > 0; effect--) {
        push_unknown(walk);
    }
}

/* A list, dict or text of what stands on the stack. */
static void build(struct walk *walk, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++) {
        pop(walk);
    }
    cross(walk);
    push_unknown(walk);
}

static void operate(struct walk *walk, unsigned operation)
{
    if (operation >= NB_INPLACE_ADD) {
        cross(walk);
        in_place(walk);
        return;
    }
    struct operand right = pop(walk), left = pop(walk);
    cross(walk);
    push(walk, computed(walk, left, right, operation));
}

/* `-i` and `~i` are `0 - i` and `-1 - i`. */
static void subtract_from(struct walk *walk, int32_t number)
{
    struct operand operand = pop(walk);
    struct operand left = {.known = KEY, .key = {.kind = STEP_INDEX, .index = number}};
    cross(walk);
    push(walk, computed(walk, left, operand, NB_SUBTRACT));
}

/* Whatever runs to make what is iterated was judged as a call. */
static void iterate(struct walk *walk)
{
    struct operand iterable = pop(walk);
    cross(walk);
    push_unknown(walk);
    mention(walk, &iterable);
    if (iterable.known == NAMED && !iterable.is_inside) {
        act_alone(walk, ACTION_ITERATE, iterable);
    }
}

static void load_item(struct walk *walk)
{
    struct operand key = pop(walk), container = pop(walk);
    cross(walk);
    struct operand item = follow(container, step_by(walk, &key));
    item.crossed = item.crossed || is_key_crossed(walk, &key);
    push(walk, item);
}

static void copy_operand(struct walk *walk, unsigned depth)
{
    push(walk, depth <= (unsigned)walk->depth ? walk->stack[walk->depth - (int)depth]
                                              : (struct operand){0});
}

static void swap_operands(struct walk *walk, unsigned depth)
{
    if (depth > (unsigned)walk->depth) {
        walk->depth = 0;
        return;
    }
    struct operand *top = &walk->stack[walk->depth - 1];
    struct operand *with = &walk->stack[walk->depth - (int)depth];
    struct operand held = *top;
    *top = *with;
    *with = held;
    top->unit = with->unit = walk->unit;
}

static void step(struct walk *walk, int opcode, unsigned oparg)
{
    switch (opcode) {
    case LOAD_FAST:
    case LOAD_FAST_CHECK:
    case LOAD_DEREF:
        push(walk, slot_operand(oparg));
        break;
#if CT_PY312
    case KW_NAMES:
        walk->keywords = oparg < (unsigned)PyTuple_GET_SIZE(walk->code->co_consts)
                             ? PyTuple_GET_ITEM(walk->code->co_consts, oparg)
                             : Py_None;
        break;
#else
    case LOAD_FAST_LOAD_FAST:
        push(walk, slot_operand(oparg >> 4));
        push(walk, slot_operand(oparg & 15));
        break;
    case STORE_FAST_LOAD_FAST:
        store_variable(walk, oparg >> 4);
        push(walk, slot_operand(oparg & 15));
        break;
    case STORE_FAST_STORE_FAST:
        store_variable(walk, oparg >> 4);
        store_variable(walk, oparg & 15);
        break;
    case CALL_KW: {
        struct operand names = pop(walk);
        PyObject *keywords = names.known == KEY ? names.key.name : Py_None;
        call(walk, &(struct given){.count = oparg, .keywords = keywords});
        break;
    }
#endif
    case STORE_FAST:
        store_variable(walk, oparg);
        break;
    case STORE_NAME:
    case STORE_GLOBAL:
        pop(walk);
        rebind(walk, global_operand(walk, oparg));
        break;
    case DELETE_NAME:
    case DELETE_GLOBAL:
        rebind(walk, global_operand(walk, oparg));
        break;
    case STORE_DEREF:
        pop(walk);
        rebind(walk, slot_operand(oparg));
        break;
    case DELETE_DEREF:
        rebind(walk, slot_operand(oparg));
        break;
    case LOAD_CONST:
        load_constant(walk, oparg);
        break;
    case LOAD_NAME:
        push(walk, global_operand(walk, oparg));
        break;
    case LOAD_GLOBAL:
        if ((oparg & 1) && CT_PY312) {
            push(walk, (struct operand){.known = NOTHING});
        }
        push(walk, global_operand(walk, oparg >> 1));
        if ((oparg & 1) && !CT_PY312) {
            push(walk, (struct operand){.known = NOTHING});
        }
        break;
    case PUSH_NULL:
        push(walk, (struct operand){.known = NOTHING});
        break;
    case LOAD_ATTR:
        load_attribute(walk, oparg);
        break;
    case LOAD_SUPER_ATTR:
        load_super_attribute(walk, oparg);
        break;
    case BINARY_SUBSCR:
        load_item(walk);
        break;
    case COPY:
        copy_operand(walk, oparg);
        break;
    case SWAP:
        swap_operands(walk, oparg);
        break;
    case STORE_SUBSCR:
        store_item(walk);
        break;
    case DELETE_SUBSCR:
        pop(walk);
        act_alone(walk, ACTION_STORE, pop(walk));
        break;
    case STORE_ATTR:
        store_attribute(walk, oparg);
        break;
    case DELETE_ATTR:
        act_alone(walk, ACTION_STORE, pop(walk));
        break;
    case STORE_SLICE:
        pop(walk);
        pop(walk);
        act_alone(walk, ACTION_STORE, pop(walk));
        pop(walk);
        break;
    case CALL:
        call(walk, &(struct given){.count = oparg, .keywords = walk->keywords});
        break;
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_NONE:
    case POP_JUMP_IF_NOT_NONE:
        pop(walk);
        break;
    case FOR_ITER: {
        struct line_info *line = line_of(walk);
        line->loop_at = walk->unit;
        line->loops += line->loops < UINT8_MAX;
        other(walk, opcode, oparg);
        break;
    }
    case GET_ITER:
    case GET_AWAITABLE:
    case GET_YIELD_FROM_ITER:
        iterate(walk);
        break;
    case CALL_FUNCTION_EX: /* a tuple of arguments, perhaps a dict */
        if (oparg & 1) {
            pop(walk);
        }
        call(walk, &(struct given){.count = 1,
                                   .keywords = (oparg & 1) != 0 ? Py_None : NULL,
                                   .is_spread = true});
        break;
    case BINARY_OP:
        operate(walk, oparg);
        break;
    case BUILD_LIST:
    case BUILD_SET:
    case BUILD_STRING:
    case BUILD_TUPLE:
        build(walk, oparg);
        break;
    case BUILD_MAP:
        build(walk, 2 * oparg);
        break;
    case UNARY_NEGATIVE:
        subtract_from(walk, 0);
        break;
    case UNARY_INVERT:
        subtract_from(walk, -1);
        break;
    default:
        if (effects_escapes(opcode, oparg)) {
            vague(walk);
        }
        other(walk, opcode, oparg);
    }
}

/* ---- the whole code
 * ---------------------------------------------------------------------------------- */

static bool ends_flow(int opcode)
{
    return opcode == JUMP_FORWARD || opcode == JUMP_BACKWARD || opcode == RETURN_VALUE ||
           opcode == RETURN_CONST || opcode == RAISE_VARARGS || opcode == RERAISE ||
           opcode == JUMP_BACKWARD_NO_INTERRUPT || opcode == END_FOR; /* it is stepped over */
}

static int caches_after(const uint8_t *bytes, Py_ssize_t units, Py_ssize_t at)
{
    int count = 0;
    while (at + 1 + count < units && bytes[2 * (at + 1 + count)] == CACHE) {
        count++;
    }
    return count;
}

/* Mark where jumps arrive that are not followed: back, and out of nowhere. */
enum target { TARGET_LOOP = 1, TARGET_HANDLER = 2 };

static void mark_target(uint8_t *targets, Py_ssize_t units, Py_ssize_t at, enum target target)
{
    if (at >= 0 && at < units) {
        targets[at] |= (uint8_t)target;
    }
}

static void mark_targets(const uint8_t *bytes, Py_ssize_t units, uint8_t *targets)
{
    unsigned extended = 0;
    for (Py_ssize_t i = 0; i < units; i++) {
        int opcode = bytes[2 * i];
        unsigned oparg = extended << 8 | bytes[2 * i + 1];
        extended = opcode == EXTENDED_ARG ? oparg : 0;
        Py_ssize_t next = i + 1 + caches_after(bytes, units, i);
        switch (opcode) {
        case JUMP_BACKWARD:
        case JUMP_BACKWARD_NO_INTERRUPT:
            mark_target(targets, units, next - (Py_ssize_t)oparg, TARGET_LOOP);
            break;
        case PUSH_EXC_INFO:
            mark_target(targets, units, i, TARGET_HANDLER);
            break;
        default:
            break;
        }
    }
}

/* How far behind its own target an instruction jumps, and with how many values less than it found
 * on the stack; false: it does not jump forward. A loop that is over steps over its END_FOR. */
static bool jumps_forward(int opcode, int *behind, int *less)
{
    *behind = opcode == FOR_ITER;
    *less = CT_PY312 && opcode == FOR_ITER;
    return opcode == FOR_ITER || opcode == SEND || opcode == JUMP_FORWARD ||
           opcode == POP_JUMP_IF_TRUE || opcode == POP_JUMP_IF_FALSE ||
           opcode == POP_JUMP_IF_NONE || opcode == POP_JUMP_IF_NOT_NONE;
}

/* A loop does not touch what stands below its header; but what it runs may. */
static void begin_loop(struct walk *walk)
{
    cross(walk);
    if (walk->depth > 0) {
        walk->stack[walk->depth - 1] = (struct operand){0};
    }
}

/* Jumps to an instruction behind them, as in `xs.append(a if b else c)`. */
struct arrival {
    uint32_t from; /* code unit of the first, and one more; 0: there is none */
    int depth;     /* of the stack at all of them; -1: they differ */
};

static void note_arrival(const struct walk *walk, struct arrival *arrivals, Py_ssize_t units,
                         Py_ssize_t target, int depth)
{
    if (target >= units) {
        return;
    }
    struct arrival *arrival = &arrivals[target];
    if (arrival->from == 0) {
        *arrival = (struct arrival){.from = walk->unit + 1, .depth = depth};
    } else if (arrival->depth != depth) {
        arrival->depth = -1;
    }
}

/* Paths meet: what stood on the stack before they parted is the same on all of them. */
static void arrive(struct walk *walk, const struct arrival *arrival, bool reached)
{
    if (walk->shifted || arrival->depth < 0 || (reached && walk->depth != arrival->depth)) {
        walk->depth = 0;
        return;
    }
    walk->depth = arrival->depth;
    for (int i = 0; i < walk->depth; i++) {
        if (walk->stack[i].unit >= arrival->from - 1) {
            walk->stack[i] = (struct operand){0};
        }
    }
}

static void walk_code(struct walk *walk, const uint8_t *bytes, Py_ssize_t units, const int *lines,
                      const uint8_t *targets, struct arrival *arrivals)
{
    unsigned extended = 0;
    bool reached = true, prefixed = false;
    for (Py_ssize_t i = 0; i < units; i++) {
        int opcode = bytes[2 * i];
        unsigned oparg = extended << 8 | bytes[2 * i + 1];
        extended = opcode == EXTENDED_ARG ? oparg : 0;
        if (!prefixed) {
            walk->unit = (uint32_t)i;
        }
        if (opcode == CACHE) {
            continue;
        }
        if (arrivals[i].from != 0) {
            arrive(walk, &arrivals[i], reached);
            reached = true;
        }
        if ((targets[i] & TARGET_HANDLER) || !reached) {
            walk->depth = 0;
            reached = true;
        } else if (targets[i] & TARGET_LOOP) {
            begin_loop(walk);
        }
        prefixed = opcode == EXTENDED_ARG;
        if (prefixed) {
            continue;
        }
        walk->line = lines[i];
        walk->at = (uint32_t)i;
        int behind, less, depth = walk->depth;
        step(walk, opcode, oparg);
        if (jumps_forward(opcode, &behind, &less)) {
            Py_ssize_t next = i + 1 + caches_after(bytes, units, i);
            depth = behind != 0 || opcode == SEND ? depth - less : walk->depth;
            note_arrival(walk, arrivals, units, next + (Py_ssize_t)oparg + behind, depth);
        }
        reached = !ends_flow(opcode);
    }
}

/* A call during which a profiler begins would end with an event it is told of, and would not be
 * without ours. */
static bool begins_profiler(const PyCodeObject *code)
{
    static const char *const names[] = {"setprofile", "setprofile_all_threads", "set_events",
                                        "set_local_events"};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(code->co_names, i), names[j]) ==
                0) {
                return true;
            }
        }
    }
    return false;
}

bool reach__walk(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines, struct findings *findings)
{
    struct walk *walk = calloc(1, sizeof *walk);
    uint8_t *targets = calloc((size_t)units + 1, 1);
    struct arrival *arrivals = calloc((size_t)units + 1, sizeof *arrivals);
    bool done = false;
    if (walk != NULL && targets != NULL && arrivals != NULL) {
        walk->plan = plan;
        walk->code = code;
        walk->findings = findings;
        walk->watches = !begins_profiler(code);
        mark_targets(bytes, units, targets);
        walk_code(walk, bytes, units, lines, targets, arrivals);
        done = !walk->failed;
    }
    free(walk);
    free(targets);
    free(arrivals);
    return done;
}
