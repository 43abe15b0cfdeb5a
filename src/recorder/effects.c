#include "recorder/effects.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/reach.h"
#include "recorder/unseen.h"

/* ---- what each instruction does
 * -------------------------------------------------------------------- */

enum deed {
    PURE, /* neither rebinds a slot nor changes an object we look at */
    ESCAPES,
    STORES,
    WRITES,       /* rebinds slot oparg */
    WRITES_TWO,   /* rebinds slots oparg >> 4 and oparg & 15 */
    WRITES_FIRST, /* rebinds slot oparg >> 4, loads oparg & 15 */
    READS,
    READS_TWO,
    READS_CELL,
    GLOBAL, /* reads a name: oparg, shifted by the version's flags */
    NAME,
    IN_PLACE,  /* BINARY_OP: stores when in place */
    INTRINSIC, /* CALL_INTRINSIC_1: two of them run code */
};

/* Anything not listed escapes: an instruction we do not know may call anything. */
static const uint8_t effects[256] = {
    [CACHE] = PURE + 1,
    [NOP] = PURE + 1,
    [RESUME] = PURE + 1,
    [POP_TOP] = PURE + 1,
    [PUSH_NULL] = PURE + 1,
    [COPY] = PURE + 1,
    [SWAP] = PURE + 1,
    [EXTENDED_ARG] = PURE + 1,
    [MAKE_CELL] = PURE + 1,
    [COPY_FREE_VARS] = PURE + 1,
    [RETURN_VALUE] = PURE + 1,
    [RETURN_CONST] = PURE + 1,
    [RETURN_GENERATOR] = PURE + 1,
    [LOAD_CONST] = PURE + 1,
    [LOAD_FAST] = READS + 1,
    [LOAD_FAST_CHECK] = READS + 1,
    [LOAD_FAST_AND_CLEAR] = WRITES + 1,
    [STORE_FAST] = WRITES + 1,
    [DELETE_FAST] = WRITES + 1,
    [LOAD_DEREF] = READS_CELL + 1,
    [STORE_DEREF] = PURE + 1,
    [DELETE_DEREF] = PURE + 1,
    [LOAD_GLOBAL] = GLOBAL + 1,
    [LOAD_NAME] = NAME + 1,
    [STORE_NAME] = PURE + 1,
    [STORE_GLOBAL] = PURE + 1,
    [DELETE_NAME] = PURE + 1,
    [DELETE_GLOBAL] = PURE + 1,
    [LOAD_BUILD_CLASS] = PURE + 1,
    [LOAD_LOCALS] = PURE + 1,
    [LOAD_ASSERTION_ERROR] = PURE + 1,
    [LOAD_FROM_DICT_OR_GLOBALS] = PURE + 1,
    [LOAD_FROM_DICT_OR_DEREF] = PURE + 1,
    [LOAD_ATTR] = PURE + 1,
    [LOAD_SUPER_ATTR] = PURE + 1,
    [UNARY_NEGATIVE] = PURE + 1,
    [UNARY_NOT] = PURE + 1,
    [UNARY_INVERT] = PURE + 1,
    [BINARY_OP] = IN_PLACE + 1,
    [BINARY_SUBSCR] = PURE + 1,
    [BINARY_SLICE] = PURE + 1,
    [COMPARE_OP] = PURE + 1,
    [IS_OP] = PURE + 1,
    [CONTAINS_OP] = PURE + 1,
    [JUMP_FORWARD] = PURE + 1,
    [JUMP_BACKWARD] = PURE + 1,
    [JUMP_BACKWARD_NO_INTERRUPT] = PURE + 1,
    [POP_JUMP_IF_TRUE] = PURE + 1,
    [POP_JUMP_IF_FALSE] = PURE + 1,
    [POP_JUMP_IF_NONE] = PURE + 1,
    [POP_JUMP_IF_NOT_NONE] = PURE + 1,
    [GET_ITER] = PURE + 1,
    [FOR_ITER] = PURE + 1,
    [END_FOR] = PURE + 1,
    [BUILD_TUPLE] = PURE + 1,
    [BUILD_LIST] = PURE + 1,
    [BUILD_SET] = PURE + 1,
    [BUILD_MAP] = PURE + 1,
    [BUILD_CONST_KEY_MAP] = PURE + 1,
    [BUILD_STRING] = PURE + 1,
    [BUILD_SLICE] = PURE + 1,
    [LIST_APPEND] = PURE + 1, /* of a comprehension: no name holds it yet */
    [SET_ADD] = PURE + 1,
    [MAP_ADD] = PURE + 1,
    [LIST_EXTEND] = PURE + 1,
    [SET_UPDATE] = PURE + 1,
    [DICT_UPDATE] = PURE + 1,
    [DICT_MERGE] = PURE + 1,
    [GET_AWAITABLE] = PURE + 1,
    [GET_YIELD_FROM_ITER] = PURE + 1,
    [SEND] = PURE + 1,
    [END_SEND] = PURE + 1,
    [CLEANUP_THROW] = PURE + 1,
    [YIELD_VALUE] = PURE + 1, /* what runs until it is resumed is looked at then */
    [UNPACK_SEQUENCE] = PURE + 1,
    [UNPACK_EX] = PURE + 1,
    [MAKE_FUNCTION] = PURE + 1,
    [MATCH_MAPPING] = PURE + 1,
    [MATCH_SEQUENCE] = PURE + 1,
    [GET_LEN] = PURE + 1,
    [PUSH_EXC_INFO] = PURE + 1,
    [POP_EXCEPT] = PURE + 1,
    [CHECK_EXC_MATCH] = PURE + 1,
    [RERAISE] = PURE + 1,
    [RAISE_VARARGS] = PURE + 1,
    [CALL_INTRINSIC_1] = INTRINSIC + 1,
    [STORE_SUBSCR] = STORES + 1,
    [DELETE_SUBSCR] = STORES + 1,
    [STORE_SLICE] = STORES + 1,
    [STORE_ATTR] = STORES + 1,
    [DELETE_ATTR] = STORES + 1,
#if CT_PY312
    [LOAD_CLOSURE] = PURE + 1,
    [FORMAT_VALUE] = PURE + 1,
    [KW_NAMES] = PURE + 1,
#else
    [LOAD_FAST_LOAD_FAST] = READS_TWO + 1,
    [STORE_FAST_LOAD_FAST] = WRITES_FIRST + 1,
    [STORE_FAST_STORE_FAST] = WRITES_TWO + 1,
    [FORMAT_SIMPLE] = PURE + 1,
    [FORMAT_WITH_SPEC] = PURE + 1,
    [CONVERT_VALUE] = PURE + 1,
    [TO_BOOL] = PURE + 1,
    [SET_FUNCTION_ATTRIBUTE] = PURE + 1,
#endif
};

enum { LAST_ESCAPING_INTRINSIC = 2 }; /* print at the prompt, `from module import *` */

bool effects_escapes(int opcode, unsigned oparg)
{
    return effects[opcode] == 0 ||
           (effects[opcode] - 1 == INTRINSIC && oparg <= LAST_ESCAPING_INTRINSIC);
}

enum { FIRST_IN_PLACE_OPERATOR = 13 }; /* NB_INPLACE_ADD */

struct learning {
    struct plan *plan;
    PyCodeObject *code;
    uint64_t everywhere_writes; /* by instructions of no line */
    uint32_t everywhere_flags;
    size_t globals;
    int global_line; /* line whose globals are being collected */
};

static void slot_bit(struct line_info *info, uint64_t *mask, unsigned slot, bool write)
{
    if (slot < PLAN_MASK_SLOTS) {
        *mask |= 1ull << slot;
    } else if (write) {
        info->flags |= LINE_MANY;
    }
}

static void learn_instruction(struct line_info *info, int opcode, unsigned oparg)
{
    switch (effects[opcode] - 1) {
    case PURE:
    case GLOBAL:
    case NAME:
        break;
    case INTRINSIC:
        info->flags |= effects_escapes(opcode, oparg) ? LINE_ESCAPES : 0;
        break;
    case STORES:
        info->flags |= LINE_STORES;
        break;
    case IN_PLACE:
        info->flags |= oparg >= FIRST_IN_PLACE_OPERATOR ? LINE_STORES : 0;
        break;
    case WRITES:
        slot_bit(info, &info->writes, oparg, true);
        break;
    case WRITES_TWO:
        slot_bit(info, &info->writes, oparg >> 4, true);
        slot_bit(info, &info->writes, oparg & 15, true);
        break;
    case WRITES_FIRST:
        slot_bit(info, &info->writes, oparg >> 4, true);
        slot_bit(info, &info->reads, oparg & 15, false);
        break;
    case READS_TWO:
        slot_bit(info, &info->reads, oparg >> 4, false);
        slot_bit(info, &info->reads, oparg & 15, false);
        break;
    case READS:
    case READS_CELL:
        slot_bit(info, &info->reads, oparg, false);
        break;
    default:
        info->flags |= LINE_ESCAPES;
    }
}

/* The index into co_names an instruction reads, or -1. */
static int name_read(int opcode, unsigned oparg)
{
    switch (effects[opcode] - 1) {
    case GLOBAL:
        return (int)(oparg >> 1);
    case NAME:
        return (int)oparg;
    default:
        return -1;
    }
}

typedef void (*visit_instruction)(struct learning *learning, int line, int opcode, unsigned oparg);

static void each_instruction(struct learning *learning, const uint8_t *bytes, Py_ssize_t units,
                             const int *lines, visit_instruction visit)
{
    unsigned extended = 0;
    for (Py_ssize_t i = 0; i < units; i++) {
        int opcode = bytes[2 * i];
        unsigned oparg = extended << 8 | bytes[2 * i + 1];
        extended = opcode == EXTENDED_ARG ? oparg : 0;
        if (opcode != CACHE && opcode != EXTENDED_ARG) {
            visit(learning, lines[i], opcode, oparg);
        }
    }
}

static void visit_effects(struct learning *learning, int line, int opcode, unsigned oparg)
{
    struct line_info *info = effects_line(learning->plan, line);
    info->uses |= unseen_uses_of_instruction(opcode);
    learn_instruction(info, opcode, oparg);
}

static void visit_count_globals(struct learning *learning, int line, int opcode, unsigned oparg)
{
    struct line_info *info = effects_line(learning->plan, line);
    if (name_read(opcode, oparg) >= 0 && info->global_count < UINT16_MAX) {
        info->global_count++;
        learning->globals++;
    }
}

static void visit_globals(struct learning *learning, int line, int opcode, unsigned oparg)
{
    struct plan *plan = learning->plan;
    struct line_info *info = effects_line(plan, line);
    int name = name_read(opcode, oparg);
    if (name < 0 || name >= PyTuple_GET_SIZE(learning->code->co_names)) {
        return;
    }
    PyObject *text = PyTuple_GET_ITEM(learning->code->co_names, name);
    for (unsigned i = 0; i < info->global_count; i++) {
        if (plan->globals_read[info->first_global + i] == text) {
            return;
        }
    }
    plan->globals_read[info->first_global + info->global_count++] = text;
}

static bool learn_globals(struct learning *learning, const uint8_t *bytes, Py_ssize_t units,
                          const int *lines)
{
    struct plan *plan = learning->plan;
    each_instruction(learning, bytes, units, lines, visit_count_globals);
    plan->globals_read = calloc(learning->globals + 1, sizeof(void *));
    if (plan->globals_read == NULL) {
        return false;
    }
    uint32_t first = 0;
    for (int i = 0; i <= plan->line_count; i++) {
        plan->lines[i].first_global = first;
        first += plan->lines[i].global_count;
        plan->lines[i].global_count = 0;
    }
    each_instruction(learning, bytes, units, lines, visit_globals);
    return true;
}

/* Instructions without a line may run as part of any. */
static void spread_lineless(struct plan *plan)
{
    struct line_info *lineless = &plan->lines[plan->line_count];
    for (int i = 0; i < plan->line_count; i++) {
        plan->lines[i].writes |= lineless->writes;
        plan->lines[i].flags |= lineless->flags;
        if (lineless->flags & (LINE_ESCAPES | LINE_STORES)) {
            plan->lines[i].flags |= LINE_VAGUE;
            plan->lines[i].vague_at = UINT32_MAX;
        }
    }
    lineless->effect_count = lineless->mention_count = lineless->global_count = 0;
    lineless->flags |=
        LINE_ESCAPES | LINE_MANY | LINE_VAGUE; /* a line outside: look at everything */
    lineless->writes = plan->real_slots < PLAN_MASK_SLOTS ? (1ull << plan->real_slots) - 1 : ~0ull;
    lineless->reads = ~0ull;
    lineless->uses = USE_ANY;
}

/* Real code has some lines between its instructions, not thousands for each. */
enum { MAX_LINES_PER_UNIT = 64, MAX_LINES_APART = 32768 };

static bool make_lines(struct plan *plan, const int *lines, Py_ssize_t units)
{
    int first = INT_MAX, last = 0;
    for (Py_ssize_t i = 0; i < units; i++) {
        if (lines[i] != NO_LINE) {
            first = lines[i] < first ? lines[i] : first;
            last = lines[i] > last ? lines[i] : last;
        }
    }
    int64_t span = first == INT_MAX ? 0 : (int64_t)last - first + 1;
    if (span > MAX_LINES_PER_UNIT * (int64_t)units + MAX_LINES_APART) {
        span = 0; /* made-up numbers: every line is looked at as one we know nothing of */
    }
    plan->first_line = span == 0 ? 0 : first;
    plan->line_count = (int)span;
    plan->lines = calloc((size_t)plan->line_count + 2, sizeof *plan->lines);
    return plan->lines != NULL;
}

bool effects_learn(struct plan *plan, PyCodeObject *code)
{
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return false;
    }
    Py_ssize_t units = PyBytes_GET_SIZE(bytes) / 2;
    const uint8_t *raw = (const uint8_t *)PyBytes_AS_STRING(bytes);
    int *lines = calloc((size_t)units + 1, sizeof *lines);
    bool done = false;
    if (lines != NULL) {
        struct learning learning = {.plan = plan, .code = code};
        bytecode_lines(code, lines, units);
        done = make_lines(plan, lines, units);
        if (done) {
            each_instruction(&learning, raw, units, lines, visit_effects);
            done = learn_globals(&learning, raw, units, lines) &&
                   reach_learn(plan, code, raw, units, lines);
            spread_lineless(plan);
        }
    }
    free(lines);
    Py_DECREF(bytes);
    return done;
}
