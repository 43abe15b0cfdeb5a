#include "recorder/reach_operand.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/effects.h"

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
    operand_push(walk, operand);
}

static struct path_step attribute_step(PyObject *name)
{
    return (struct path_step){.kind = name != NULL ? STEP_ATTR : STEP_NONE, .name = name};
}

static void load_attribute(struct walk *walk, unsigned oparg)
{
    struct operand owner = operand_pop(walk);
    PyObject *name = walk_name(walk, oparg >> 1);
    walk_cross(walk); /* a property */
    if (oparg & 1) {
        struct operand method = owner;
        bool is_constant = owner.known == KEY && owner.key.kind != STEP_TERMS;
        method.known = owner.known == NAMED && name != NULL ? METHOD
                       : is_constant                        ? HARMLESS
                                                            : UNKNOWN;
        method.name = name;
        operand_push(walk, method);
        operand_push(walk, (struct operand){.known = NOTHING});
        return;
    }
    operand_push(walk, operand_follow(owner, attribute_step(name)));
}

/* `super().name`, whose parts stand on the stack; a method comes with its object. */
static void load_super_attribute(struct walk *walk, unsigned oparg)
{
    enum { PARTS = 3 };
    for (int i = 0; i < PARTS; i++) {
        operand_pop(walk);
    }
    walk_cross(walk);
    operand_push_unknown(walk);
    if (oparg & 1) {
        operand_push_unknown(walk);
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
    struct operand value = operand_pop(walk);
    if (slot < PLAN_MASK_SLOTS && store_back(walk, value, operand_of_slot(slot))) {
        walk_line(walk)->into |= 1ull << slot;
    }
}

/* A variable of the module or one in a cell is another value from here on. */
static void rebind(struct walk *walk, struct operand variable)
{
    if (variable.known == NAMED) {
        walk_find(walk, (struct finding){.effect.action = ACTION_REBIND, .route = variable.route});
    }
}

static void store_attribute(struct walk *walk, unsigned index)
{
    struct operand owner = operand_pop(walk), value = operand_pop(walk);
    PyObject *name = walk_name(walk, index);
    bool back = store_back(walk, value, operand_follow(owner, attribute_step(name)));
    owner.name = name;
    walk_act(walk, owner,
             (struct finding){.effect.action = name != NULL ? ACTION_STORE_ATTR : ACTION_STORE,
                              .effect.back = back});
}

static void store_item(struct walk *walk)
{
    struct operand key = operand_pop(walk), container = operand_pop(walk),
                   value = operand_pop(walk);
    struct path_step step = operand_step(walk, &key);
    bool back = store_back(walk, value, operand_follow(container, step));
    walk_act(walk, container,
             (struct finding){.effect.action = ACTION_STORE_ITEM,
                              .effect.back = back,
                              .effect.movable = operand_is_key_movable(walk, &key),
                              .effect.crossed = operand_is_key_crossed(walk, &key),
                              .key = step});
}

static void in_place(struct walk *walk)
{
    operand_pop(walk);
    struct operand left = operand_pop(walk);
    if (left.known == NAMED && !left.is_inside) {
        size_t index = walk->findings->count;
        walk_act_alone(walk, ACTION_STORE, left);
        operand_push(walk, (struct operand){.known = walk->failed ? UNKNOWN : RESULT,
                                            .index = (int32_t)index,
                                            .route = left.route});
    } else if (left.known == NAMED) {
        operand_push(walk,
                     (struct operand){.known = REWORKED}); /* stored again, and looked into then */
    } else {
        operand_push_unknown(walk);
        walk_act_alone(walk, ACTION_STORE, left);
    }
}

/* Any other instruction: its net effect, and nothing known of what it leaves on top. */
static void other(struct walk *walk, int opcode, unsigned oparg)
{
    walk_cross(walk); /* an operator, a truth, a text: all may be code of the program's */
    int effect = PyCompile_OpcodeStackEffectWithJump(opcode, (int)oparg, 0);
    if (effect == PY_INVALID_STACK_EFFECT) {
        PyErr_Clear();
        walk->depth = 0;
        return;
    }
    for (; effect < 0; effect++) {
        operand_pop(walk);
    }
    if (walk->depth > 0) {
        walk->stack[walk->depth - 1] = (struct operand){0};
    }
    for (; effect > 0; effect--) {
        operand_push_unknown(walk);
    }
}

/* A list, dict or text of what stands on the stack. */
static void build(struct walk *walk, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++) {
        operand_pop(walk);
    }
    walk_cross(walk);
    operand_push_unknown(walk);
}

static void operate(struct walk *walk, unsigned operation)
{
    if (operation >= NB_INPLACE_ADD) {
        walk_cross(walk);
        in_place(walk);
        return;
    }
    struct operand right = operand_pop(walk), left = operand_pop(walk);
    walk_cross(walk);
    operand_push(walk, operand_computed(walk, left, right, operation));
}

/* `-i` and `~i` are `0 - i` and `-1 - i`. */
static void subtract_from(struct walk *walk, int32_t number)
{
    struct operand operand = operand_pop(walk);
    struct operand left = {.known = KEY, .key = {.kind = STEP_INDEX, .index = number}};
    walk_cross(walk);
    operand_push(walk, operand_computed(walk, left, operand, NB_SUBTRACT));
}

/* Whatever runs to make what is iterated was judged as a call. */
static void iterate(struct walk *walk)
{
    struct operand iterable = operand_pop(walk);
    walk_cross(walk);
    operand_push_unknown(walk);
    walk_mention(walk, &iterable);
    if (iterable.known == NAMED && !iterable.is_inside) {
        walk_act_alone(walk, ACTION_ITERATE, iterable);
    }
}

static void load_item(struct walk *walk)
{
    struct operand key = operand_pop(walk), container = operand_pop(walk);
    walk_cross(walk);
    struct operand item = operand_follow(container, operand_step(walk, &key));
    item.crossed = item.crossed || operand_is_key_crossed(walk, &key);
    operand_push(walk, item);
}

static void copy_operand(struct walk *walk, unsigned depth)
{
    operand_push(walk, depth <= (unsigned)walk->depth ? walk->stack[walk->depth - (int)depth]
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
        operand_push(walk, operand_of_slot(oparg));
        break;
#if CT_PY312
    case KW_NAMES:
        walk->keywords = oparg < (unsigned)PyTuple_GET_SIZE(walk->code->co_consts)
                             ? PyTuple_GET_ITEM(walk->code->co_consts, oparg)
                             : Py_None;
        break;
#else
    case LOAD_FAST_LOAD_FAST:
        operand_push(walk, operand_of_slot(oparg >> 4));
        operand_push(walk, operand_of_slot(oparg & 15));
        break;
    case STORE_FAST_LOAD_FAST:
        store_variable(walk, oparg >> 4);
        operand_push(walk, operand_of_slot(oparg & 15));
        break;
    case STORE_FAST_STORE_FAST:
        store_variable(walk, oparg >> 4);
        store_variable(walk, oparg & 15);
        break;
    case CALL_KW: {
        struct operand names = operand_pop(walk);
        PyObject *keywords = names.known == KEY ? names.key.name : Py_None;
        walk_call(walk, &(struct given){.count = oparg, .keywords = keywords});
        break;
    }
#endif
    case STORE_FAST:
        store_variable(walk, oparg);
        break;
    case STORE_NAME:
    case STORE_GLOBAL:
        operand_pop(walk);
        rebind(walk, operand_of_global(walk, oparg));
        break;
    case DELETE_NAME:
    case DELETE_GLOBAL:
        rebind(walk, operand_of_global(walk, oparg));
        break;
    case STORE_DEREF:
        operand_pop(walk);
        rebind(walk, operand_of_slot(oparg));
        break;
    case DELETE_DEREF:
        rebind(walk, operand_of_slot(oparg));
        break;
    case LOAD_CONST:
        load_constant(walk, oparg);
        break;
    case LOAD_NAME:
        operand_push(walk, operand_of_global(walk, oparg));
        break;
    case LOAD_GLOBAL:
        if ((oparg & 1) && CT_PY312) {
            operand_push(walk, (struct operand){.known = NOTHING});
        }
        operand_push(walk, operand_of_global(walk, oparg >> 1));
        if ((oparg & 1) && !CT_PY312) {
            operand_push(walk, (struct operand){.known = NOTHING});
        }
        break;
    case PUSH_NULL:
        operand_push(walk, (struct operand){.known = NOTHING});
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
        operand_pop(walk);
        walk_act_alone(walk, ACTION_STORE, operand_pop(walk));
        break;
    case STORE_ATTR:
        store_attribute(walk, oparg);
        break;
    case DELETE_ATTR:
        walk_act_alone(walk, ACTION_STORE, operand_pop(walk));
        break;
    case STORE_SLICE:
        operand_pop(walk);
        operand_pop(walk);
        walk_act_alone(walk, ACTION_STORE, operand_pop(walk));
        operand_pop(walk);
        break;
    case CALL:
        walk_call(walk, &(struct given){.count = oparg, .keywords = walk->keywords});
        break;
    case POP_JUMP_IF_TRUE:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_NONE:
    case POP_JUMP_IF_NOT_NONE:
        operand_pop(walk);
        break;
    case FOR_ITER: {
        struct line_info *line = walk_line(walk);
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
            operand_pop(walk);
        }
        walk_call(walk, &(struct given){.count = 1,
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
            walk_vague(walk);
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
    walk_cross(walk);
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
