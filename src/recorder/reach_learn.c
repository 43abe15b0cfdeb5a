#include "recorder/reach.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/effects.h"

/* ---- learning: what stands on the evaluation stack
 * --------------------------------------------------- */

enum known {
    UNKNOWN,
    NAMED,    /* the value of a receiver */
    ITEM,     /* an item of a named container, by an index we do not know */
    CONSTANT, /* a small int, in `index` */
    METHOD,   /* `name` looked up on the receiver */
    RESULT,   /* of working in place on what `path` leads to; `index` is that effect's */
    NOTHING,  /* the NULL or self beside a callable */
};

struct operand {
    uint8_t known;
    int32_t index;
    PyObject *name;
    struct object_path path; /* NAMED, METHOD, RESULT */
};

enum { STACK_MAX = 64 };

struct walk {
    struct plan *plan;
    PyCodeObject *code;
    struct operand stack[STACK_MAX];
    int depth;
    int line;
    uint32_t unit;
    struct effect *effects; /* with their lines beside them until all are known */
    int *effect_lines;
    size_t count, capacity;
    bool failed;
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
    }
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
    line->vagues++;
}

static void add_effect(struct walk *walk, struct effect effect)
{
    if (walk->count == walk->capacity) {
        size_t capacity = walk->capacity ? walk->capacity * 2 : 32;
        struct effect *effects = realloc(walk->effects, capacity * sizeof *effects);
        walk->effects = effects != NULL ? effects : walk->effects;
        int *lines = realloc(walk->effect_lines, capacity * sizeof *lines);
        walk->effect_lines = lines != NULL ? lines : walk->effect_lines;
        if (effects == NULL || lines == NULL) {
            walk->failed = true;
            return;
        }
        walk->capacity = capacity;
    }
    effect.unit = walk->unit;
    walk->effect_lines[walk->count] = walk->line;
    walk->effects[walk->count++] = effect;
}

/* A store or call through `on`; vague when nothing names it. */
static void act(struct walk *walk, enum action action, struct operand on, int32_t index)
{
    if (on.known != NAMED && on.known != METHOD) {
        vague(walk);
        return;
    }
    add_effect(walk,
               (struct effect){
                   .action = (uint8_t)action, .index = index, .name = on.name, .path = on.path});
}

static struct operand slot_operand(unsigned slot)
{
    if (slot >= PLAN_MASK_SLOTS) {
        return (struct operand){0};
    }
    return (struct operand){.known = NAMED, .path = {.base = BASE_SLOT, .slot = (uint8_t)slot}};
}

/* A variable itself, without steps: usable as an index. */
static bool is_variable(const struct operand *operand)
{
    return operand->known == NAMED && operand->path.base == BASE_SLOT &&
           operand->path.steps[0].kind == STEP_NONE;
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
                            .path = {.base = BASE_GLOBAL, .name = name}};
}

/* One step further along a path; unknown when it has steps enough. */
static struct operand follow(struct operand from, struct path_step step)
{
    for (int i = 0; from.known == NAMED && i < PATH_STEPS; i++) {
        if (from.path.steps[i].kind == STEP_NONE) {
            from.path.steps[i] = step;
            return from;
        }
    }
    return (struct operand){0};
}

static void load_constant(struct walk *walk, unsigned index)
{
    PyObject *constants = walk->code->co_consts;
    struct operand operand = {0};
    int64_t number;
    if (index < (unsigned)PyTuple_GET_SIZE(constants)) {
        PyObject *value = PyTuple_GET_ITEM(constants, index);
        if (PyLong_CheckExact(value) && compat_small_int(value, &number) && number >= INT32_MIN &&
            number <= INT32_MAX) {
            operand = (struct operand){.known = CONSTANT, .index = (int32_t)number};
        }
    }
    push(walk, operand);
}

static void load_attribute(struct walk *walk, unsigned oparg)
{
    struct operand owner = pop(walk);
    PyObject *name = name_at(walk, oparg >> 1);
    if (oparg & 1) {
        struct operand method = owner;
        method.known = owner.known == NAMED && name != NULL ? METHOD : UNKNOWN;
        method.name = name;
        push(walk, method);
        push(walk, (struct operand){.known = NOTHING});
        return;
    }
    push(walk, name != NULL ? follow(owner, (struct path_step){.kind = STEP_ATTR, .name = name})
                            : (struct operand){0});
}

static bool same_path(const struct object_path *a, const struct object_path *b)
{
    bool same = a->base == b->base && a->slot == b->slot && a->name == b->name;
    for (int i = 0; same && i < PATH_STEPS; i++) {
        const struct path_step *x = &a->steps[i], *y = &b->steps[i];
        same = x->kind == y->kind && x->index == y->index && x->name == y->name;
    }
    return same;
}

/* `a.b += c` stores the result where it was taken from: the store looks there. */
static bool store_back(struct walk *walk, struct operand value, struct operand to)
{
    bool back = value.known == RESULT && to.known == NAMED && same_path(&value.path, &to.path);
    if (back) {
        walk->effects[value.index].action = ACTION_NONE;
    }
    return back;
}

/* `a += b`: the line binds the variable, and then looks into what it holds. */
static void store_variable(struct walk *walk, unsigned slot)
{
    struct operand value = pop(walk);
    if (slot < PLAN_MASK_SLOTS && store_back(walk, value, slot_operand(slot))) {
        line_of(walk)->into |= 1ull << slot;
    }
}

static void store_attribute(struct walk *walk, unsigned index)
{
    struct operand owner = pop(walk), value = pop(walk);
    PyObject *name = name_at(walk, index);
    bool back =
        store_back(walk, value, follow(owner, (struct path_step){.kind = STEP_ATTR, .name = name}));
    owner.name = name;
    act(walk, name != NULL ? ACTION_STORE_ATTR : ACTION_STORE, owner, back);
}

static struct operand item_of(struct operand container, struct operand key)
{
    if (is_variable(&key)) {
        return follow(container, (struct path_step){STEP_ITEM_SLOT, key.path.slot, NULL});
    }
    if (key.known == CONSTANT) {
        return follow(container, (struct path_step){STEP_ITEM_CONST, key.index, NULL});
    }
    return (struct operand){0};
}

static void store_item(struct walk *walk)
{
    struct operand key = pop(walk), container = pop(walk), value = pop(walk);
    store_back(walk, value, item_of(container, key));
    if (key.known == CONSTANT) {
        act(walk, ACTION_STORE_CONST, container, key.index);
    } else if (is_variable(&key)) {
        act(walk, ACTION_STORE_SLOT, container, key.path.slot);
    } else {
        act(walk, ACTION_STORE, container, 0);
    }
}

static void call(struct walk *walk, unsigned arguments, bool keywords)
{
    if (keywords) {
        pop(walk);
    }
    for (unsigned i = 0; i < arguments; i++) {
        pop(walk);
    }
    struct operand second = pop(walk), first = pop(walk);
    struct operand callee = first.known == METHOD || first.known == NAMED ? first : second;
    push_unknown(walk);
    act(walk, callee.known == METHOD ? ACTION_METHOD : ACTION_CALL, callee, (int32_t)arguments);
}

static void in_place(struct walk *walk)
{
    pop(walk);
    struct operand left = pop(walk);
    if (left.known == NAMED) {
        size_t index = walk->count;
        act(walk, ACTION_STORE, left, 0);
        push(walk, (struct operand){.known = walk->failed ? UNKNOWN : RESULT,
                                    .index = (int32_t)index,
                                    .path = left.path});
        return;
    }
    push_unknown(walk);
    if (left.known != ITEM) { /* an item is stored again, and looked into then */
        vague(walk);
    }
}

/* Whatever runs to make what is iterated was judged as a call. */
static void iterate(struct walk *walk)
{
    struct operand iterable = pop(walk);
    push_unknown(walk);
    if (iterable.known == NAMED) {
        act(walk, ACTION_ITERATE, iterable, 0);
    }
}

static void load_item(struct walk *walk)
{
    struct operand key = pop(walk), container = pop(walk);
    struct operand item = item_of(container, key);
    if (item.known == UNKNOWN && container.known == NAMED) {
        item.known = ITEM;
    }
    push(walk, item);
}

/* Any other instruction: its net effect, and nothing known of what it leaves on top. */
static void other(struct walk *walk, int opcode, unsigned oparg)
{
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
}

enum { FIRST_IN_PLACE = 13 }; /* NB_INPLACE_ADD */

static void step(struct walk *walk, int opcode, unsigned oparg)
{
    switch (opcode) {
    case LOAD_FAST:
    case LOAD_FAST_CHECK:
    case LOAD_DEREF:
        push(walk, slot_operand(oparg));
        break;
#if !CT_PY312
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
    case CALL_KW:
        call(walk, oparg, true);
        break;
#endif
    case STORE_FAST:
        store_variable(walk, oparg);
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
        act(walk, ACTION_STORE, pop(walk), 0);
        break;
    case STORE_ATTR:
        store_attribute(walk, oparg);
        break;
    case DELETE_ATTR:
        act(walk, ACTION_STORE, pop(walk), 0);
        break;
    case STORE_SLICE:
        pop(walk);
        pop(walk);
        act(walk, ACTION_STORE, pop(walk), 0);
        pop(walk);
        break;
    case CALL:
        call(walk, oparg, false);
        break;
    case FOR_ITER: {
        struct line_info *line = line_of(walk);
        line->loop_at = walk->unit;
        line->loops++;
        other(walk, opcode, oparg);
        break;
    }
    case GET_ITER:
    case GET_AWAITABLE:
    case GET_YIELD_FROM_ITER:
        iterate(walk);
        break;
    case CALL_FUNCTION_EX: /* a tuple of arguments, perhaps a dict */
        call(walk, 1, (oparg & 1) != 0);
        break;
    case BINARY_OP:
        if (oparg >= FIRST_IN_PLACE) {
            in_place(walk);
        } else {
            other(walk, opcode, oparg);
        }
        break;
    default:
        if (effects_escapes(opcode, oparg)) {
            vague(walk);
        }
        other(walk, opcode, oparg);
    }
}

/* ---- learning: the whole code
 * -------------------------------------------------------------------------- */

static bool ends_flow(int opcode)
{
    return opcode == JUMP_FORWARD || opcode == JUMP_BACKWARD || opcode == RETURN_VALUE ||
           opcode == RETURN_CONST || opcode == RAISE_VARARGS || opcode == RERAISE ||
           opcode == JUMP_BACKWARD_NO_INTERRUPT;
}

static int caches_after(const uint8_t *bytes, Py_ssize_t units, Py_ssize_t at)
{
    int count = 0;
    while (at + 1 + count < units && bytes[2 * (at + 1 + count)] == CACHE) {
        count++;
    }
    return count;
}

/* Mark where jumps arrive: two paths meet there, and nothing is known of the stack. */
static void mark_target(uint8_t *targets, Py_ssize_t units, Py_ssize_t at)
{
    if (at >= 0 && at < units) {
        targets[at] = 1;
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
        case FOR_ITER: /* it may step over the instruction it jumps to */
        case SEND:
            mark_target(targets, units, next + (Py_ssize_t)oparg + 1);
            mark_target(targets, units, next + (Py_ssize_t)oparg);
            break;
        case JUMP_FORWARD:
        case POP_JUMP_IF_TRUE:
        case POP_JUMP_IF_FALSE:
        case POP_JUMP_IF_NONE:
        case POP_JUMP_IF_NOT_NONE:
            mark_target(targets, units, next + (Py_ssize_t)oparg);
            break;
        case JUMP_BACKWARD:
        case JUMP_BACKWARD_NO_INTERRUPT:
            mark_target(targets, units, next - (Py_ssize_t)oparg);
            break;
        case PUSH_EXC_INFO:
            mark_target(targets, units, i);
            break;
        default:
            break;
        }
    }
}

static void walk_code(struct walk *walk, const uint8_t *bytes, Py_ssize_t units, const int *lines,
                      const uint8_t *targets)
{
    unsigned extended = 0;
    bool reached = true, prefixed = false;
    for (Py_ssize_t i = 0; i < units; i++) {
        int opcode = bytes[2 * i];
        unsigned oparg = extended << 8 | bytes[2 * i + 1];
        extended = opcode == EXTENDED_ARG ? oparg : 0;
        if (targets[i] || !reached) {
            walk->depth = 0;
            reached = true;
        }
        if (!prefixed) {
            walk->unit = (uint32_t)i;
        }
        prefixed = opcode == EXTENDED_ARG;
        if (opcode == CACHE || prefixed) {
            continue;
        }
        walk->line = lines[i];
        step(walk, opcode, oparg);
        reached = !ends_flow(opcode);
    }
}

static bool rebinds(const struct line_info *line, int32_t slot)
{
    return (line->writes >> slot & 1) != 0;
}

static void vague_wholly(struct line_info *line)
{
    line->flags |= LINE_VAGUE;
    line->vague_at = UINT32_MAX;
}

/* A variable the line rebinds is not the object it worked on, nor is a rebound index the place. */
static void settle_line(struct line_info *line, struct effect *effect)
{
    const struct object_path *path = &effect->path;
    bool direct = path->steps[0].kind == STEP_NONE;
    if (path->base == BASE_SLOT && rebinds(line, path->slot) &&
        !(effect->action == ACTION_STORE && direct)) {
        vague_wholly(line);
    }
    for (int i = 0; i < PATH_STEPS; i++) {
        if (path->steps[i].kind == STEP_ITEM_SLOT && rebinds(line, path->steps[i].index)) {
            vague_wholly(line);
        }
    }
    if (effect->action == ACTION_STORE_SLOT && rebinds(line, effect->index)) {
        effect->action = ACTION_STORE;
    }
}

static void drop_nothings(struct walk *walk)
{
    size_t kept = 0;
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->effects[i].action != ACTION_NONE) {
            walk->effect_lines[kept] = walk->effect_lines[i];
            walk->effects[kept++] = walk->effects[i];
        }
    }
    walk->count = kept;
}

static bool collect(struct walk *walk)
{
    struct plan *plan = walk->plan;
    drop_nothings(walk);
    plan->effects = calloc(walk->count + 1, sizeof *plan->effects);
    if (plan->effects == NULL) {
        return false;
    }
    for (size_t i = 0; i < walk->count; i++) {
        walk->line = walk->effect_lines[i];
        line_of(walk)->effect_count++;
    }
    uint32_t first = 0;
    for (int i = 0; i <= plan->line_count; i++) {
        plan->lines[i].first_effect = first;
        first += plan->lines[i].effect_count;
        plan->lines[i].effect_count = 0;
    }
    for (size_t i = 0; i < walk->count; i++) {
        walk->line = walk->effect_lines[i];
        struct line_info *line = line_of(walk);
        settle_line(line, &walk->effects[i]);
        plan->effects[line->first_effect + line->effect_count++] = walk->effects[i];
    }
    for (int i = 0; i < plan->line_count; i++) {
        if (plan->lines[i].effect_count != 0) { /* an iteration is no call, but has an effect */
            plan->lines[i].flags |= LINE_ESCAPES;
        } else if (!(plan->lines[i].flags & LINE_VAGUE)) {
            plan->lines[i].flags &= (uint16_t) ~(LINE_ESCAPES | LINE_STORES);
        }
    }
    return true;
}

/* What is left of a loop's header when the loop comes round: what stands before FOR_ITER ran once.
 */
static struct line_info header_again(const struct plan *plan, const struct line_info *line)
{
    struct line_info again = *line;
    while (again.effect_count != 0 && plan->effects[again.first_effect].unit < line->loop_at) {
        again.first_effect++;
        again.effect_count--;
    }
    again.flags &= (uint16_t)~LINE_VAGUE;
    if (again.effect_count == 0) {
        again.flags &= (uint16_t) ~(LINE_ESCAPES | LINE_STORES);
    }
    return again;
}

static bool is_header(const struct line_info *line)
{
    return line->loops == 1 && (!(line->flags & LINE_VAGUE) || line->vague_at <= line->loop_at);
}

bool reach_learn_loops(struct plan *plan)
{
    uint32_t count = (uint32_t)plan->line_count + 2, more = 0;
    for (int i = 0; i < plan->line_count; i++) {
        more += is_header(&plan->lines[i]);
    }
    struct line_info *lines = realloc(plan->lines, (count + more) * sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    plan->lines = lines;
    for (int i = 0; i < plan->line_count; i++) {
        if (is_header(&lines[i])) {
            lines[count] = header_again(plan, &lines[i]);
            lines[i].again = count++;
            lines[i].flags |= LINE_AGAIN;
        }
    }
    return true;
}

bool reach_learn(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines)
{
    struct walk *walk = calloc(1, sizeof *walk);
    uint8_t *targets = calloc((size_t)units + 1, 1);
    bool done = false;
    if (walk != NULL && targets != NULL) {
        walk->plan = plan;
        walk->code = code;
        mark_targets(bytes, units, targets);
        walk_code(walk, bytes, units, lines, targets);
        done = !walk->failed && collect(walk);
    }
    if (walk != NULL) {
        free(walk->effects);
        free(walk->effect_lines);
    }
    free(walk);
    free(targets);
    return done;
}
