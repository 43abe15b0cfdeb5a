#include "recorder/facts.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/bytecode.h"
#include "recorder/joint.h"
#include "recorder/wtf8.h"

enum {
    FACTS_MAX_BYTES = 64 * 1024, /* some 15,000 uses: a function of 3,000 lines */
    LOOP_WORK_MAX = 4 << 20,     /* instructions looked at for the loops of one code object */
    PLACE_MAX_BYTES = 1 + 5 * CT_VARINT_MAX,
};

struct facts {
    struct session *session;
    struct plan *plan;
    PyCodeObject *code;
    struct bytecode bytecode;
    struct ct_bytes names, codes, loops, branches, uses;
    uint64_t code_count, loop_count, branch_count, use_count;
    int line, column;   /* of the last position written in the section being written */
    uint64_t loop_work; /* instructions looked at */
    bool is_cut;
};

static bool has_room(struct facts *facts, size_t more)
{
    size_t size = facts->names.size + facts->codes.size + facts->loops.size + facts->branches.size +
                  facts->uses.size;
    facts->is_cut = facts->is_cut || size + more > FACTS_MAX_BYTES;
    return !facts->is_cut;
}

/* ---- positions
 * ----------------------------------------------------------------------------------- */

/* `what` in the low bits of the head; `index` (of kinds that have one) goes between it and the
 * place. */
static void put_place(struct facts *facts, struct ct_bytes *to, uint8_t what, int64_t index,
                      const struct position *position)
{
    bool one_line = position->end_line <= position->line;
    bool columns = position->column >= 0 && position->end_line >= position->line &&
                   position->end_column >= (one_line ? position->column : 0);
    uint8_t head = what | (position->line != facts->line ? CTR_PLACE_LINE : 0) |
                   (one_line ? 0 : CTR_PLACE_LINES) | (columns ? 0 : CTR_PLACE_NO_COLUMNS);
    uint8_t *at = ct_bytes_reserve(to, PLACE_MAX_BYTES);
    if (at == NULL) {
        return;
    }
    *at++ = head;
    at = index >= 0 ? ct_varint_put(at, (uint64_t)index) : at;
    if (head & CTR_PLACE_LINE) {
        at = ct_varint_put(at, ct_zigzag((int64_t)position->line - facts->line));
        facts->column = 0;
    }
    if (head & CTR_PLACE_LINES) {
        at = ct_varint_put(at, (uint64_t)((int64_t)position->end_line - position->line));
    }
    if (columns) {
        at = ct_varint_put(at, ct_zigzag((int64_t)position->column - facts->column));
        at =
            ct_varint_put(at, (uint64_t)(position->end_column - (one_line ? position->column : 0)));
        facts->column = position->column;
    }
    to->size = (size_t)(at - to->data);
    facts->line = position->line;
}

static void begin_section(struct facts *facts)
{
    facts->line = facts->code->co_firstlineno;
    facts->column = 0;
}

/* ---- loops
 * --------------------------------------------------------------------------------------- */

struct loop {
    int top; /* the instruction its turns come back to */
    uint8_t kind;
    int first_line, last_line;
};

static bool is_inside(const struct position *inner, const struct position *outer)
{
    bool after =
        inner->line > outer->line || (inner->line == outer->line && inner->column >= outer->column);
    bool before = inner->end_line < outer->end_line ||
                  (inner->end_line == outer->end_line && inner->end_column <= outer->end_column);
    return after && before;
}

static bool is_same_place(const struct position *one, const struct position *other)
{
    return memcmp(one, other, sizeof *one) == 0;
}

/* Does the comprehension that saves a name there restore it before `top`? A loop over what it made
 * stands where it does. */
static bool is_over(const struct bytecode *bytecode, int saves, int top)
{
    for (int i = saves + 1; i < top; i++) {
        if (bytecode->at[i].opcode == STORE_FAST &&
            is_same_place(&bytecode->at[i].position, &bytecode->at[saves].position)) {
            return true;
        }
    }
    return false;
}

/* Comprehensions stand in their function's code, between saving and restoring what the names of
 * their variables mean outside. */
static bool is_in_comprehension(const struct bytecode *bytecode, int top)
{
    for (int i = top - 1; i >= 0; i--) {
        const struct instruction *at = &bytecode->at[i];
        if (at->opcode == LOAD_FAST_AND_CLEAR) {
            return is_inside(&bytecode->at[top].position, &at->position) &&
                   !is_over(bytecode, i, top);
        }
    }
    return false;
}

static bool is_comprehension_code(PyCodeObject *code)
{
    static const char *const names[] = {"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (PyUnicode_CompareWithASCIIString(code->co_name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static uint8_t loop_kind(const struct facts *facts, int top)
{
    uint8_t opcode = facts->bytecode.at[top].opcode;
    if (opcode != FOR_ITER && opcode != GET_ANEXT) {
        return CTR_LOOP_WHILE;
    }
    if (is_comprehension_code(facts->code) || is_in_comprehension(&facts->bytecode, top)) {
        return CTR_LOOP_COMPREHENSION;
    }
    return opcode == FOR_ITER ? CTR_LOOP_FOR : CTR_LOOP_ASYNC_FOR;
}

static bool leads_into(const struct bytecode *bytecode, const uint8_t *body, int top, int i)
{
    const struct instruction *at = &bytecode->at[i];
    int next = at->falls && i + 1 < bytecode->count ? i + 1 : NO_INSTRUCTION;
    return (next > top && body[next]) || (at->target > top && body[at->target]) ||
           (at->handler > top && body[at->handler]);
}

/* The body of a loop: what leads to a jump back to its top without passing the top. */
static void mark_body(struct facts *facts, uint8_t *body, int top)
{
    const struct bytecode *bytecode = &facts->bytecode;
    memset(body, 0, (size_t)bytecode->count);
    body[top] = 1;
    int last = top;
    for (int i = top; i < bytecode->count; i++) {
        if (bytecode->at[i].opcode == JUMP_BACKWARD && bytecode->at[i].target == top) {
            body[i] = 1;
            last = i;
        }
    }
    if (PyBytes_GET_SIZE(facts->code->co_exceptiontable) != 0) {
        last = bytecode->count - 1; /* handlers stand behind everything else */
    }
    for (bool grows = true; grows;) {
        grows = false;
        facts->loop_work += (uint64_t)(last - top);
        for (int i = last; i > top; i--) {
            if (!body[i] && leads_into(bytecode, body, top, i)) {
                body[i] = 1;
                grows = true;
            }
        }
    }
}

/* A handler, which stands behind everything else, jumps back without being a loop: then there is
 * another way into what looks like the body. */
static bool has_side_entry(struct facts *facts, const uint8_t *body, int top)
{
    facts->loop_work += (uint64_t)facts->bytecode.count;
    for (int i = 0; i < facts->bytecode.count; i++) {
        if (!body[i] && leads_into(&facts->bytecode, body, top, i)) {
            return true;
        }
    }
    return false;
}

/* CPython reports no line event for a jump back to where the line is already. What a comprehension
 * does is one step all the same: its turns are no lines of the program. */
static void note_turns(struct facts *facts, int top, uint8_t kind)
{
    struct plan *plan = facts->plan;
    int line = facts->bytecode.at[top].position.line;
    for (int i = top; kind != CTR_LOOP_COMPREHENSION && line >= 0 && i < facts->bytecode.count;
         i++) {
        const struct instruction *at = &facts->bytecode.at[i];
        if (at->opcode != JUMP_BACKWARD || at->target != top || at->position.line != line) {
            continue;
        }
        struct turn *turns = realloc(plan->turns, (plan->turn_count + 1) * sizeof *turns);
        if (turns != NULL) {
            turns[plan->turn_count++] = (struct turn){2 * (int)at->unit, line};
            plan->turns = turns;
        }
    }
}

static struct loop measure(const struct facts *facts, const uint8_t *body, int top, uint8_t kind)
{
    struct loop loop = {.top = top, .kind = kind, .first_line = INT_MAX, .last_line = NO_LINE};
    for (int i = top; i < facts->bytecode.count; i++) {
        int line = facts->bytecode.at[i].position.line;
        if (body[i] && line >= 0) {
            loop.first_line = line < loop.first_line ? line : loop.first_line;
            loop.last_line = line > loop.last_line ? line : loop.last_line;
        }
    }
    return loop;
}

static void put_loop(struct facts *facts, const struct loop *loop)
{
    if (loop->last_line < 0 || !has_room(facts, 16)) {
        return;
    }
    ct_bytes_add_byte(&facts->loops, loop->kind);
    ct_bytes_add_zigzag(&facts->loops, (int64_t)loop->first_line - facts->line);
    ct_bytes_add_varint(&facts->loops, (uint64_t)(loop->last_line - loop->first_line));
    facts->line = loop->first_line;
    facts->loop_count++;
}

/* The compiler tests a `while` at its top and again at its end: two tops, one loop. */
static bool is_same_loop(const struct loop *before, const struct loop *loop)
{
    return before->kind == CTR_LOOP_WHILE && loop->kind == CTR_LOOP_WHILE &&
           before->first_line == loop->first_line;
}

static void learn_loops(struct facts *facts)
{
    struct bytecode *bytecode = &facts->bytecode;
    uint8_t *tops = calloc((size_t)bytecode->count + 1, 2);
    if (tops == NULL) {
        return;
    }
    uint8_t *body = tops + bytecode->count;
    int first = bytecode->count;
    for (int i = 0; i < bytecode->count; i++) {
        int top = bytecode->at[i].opcode == JUMP_BACKWARD ? bytecode->at[i].target : i + 1;
        if (top >= 0 && top <= i) {
            tops[top] = 1;
            first = top < first ? top : first;
        }
    }
    struct loop before = {.first_line = NO_LINE};
    begin_section(facts);
    for (int top = first; top < bytecode->count; top++) {
        if (!tops[top]) {
            continue;
        }
        if (facts->loop_work > LOOP_WORK_MAX) {
            facts->is_cut = true;
            break;
        }
        uint8_t kind = loop_kind(facts, top);
        mark_body(facts, body, top);
        if (kind == CTR_LOOP_WHILE && has_side_entry(facts, body, top)) {
            continue;
        }
        note_turns(facts, top, kind);
        struct loop loop = measure(facts, body, top, kind);
        if (!is_same_loop(&before, &loop)) {
            put_loop(facts, &loop);
        }
        before = loop;
    }
    free(tops);
}

/* ---- branches
 * ------------------------------------------------------------------------------------ */

static int branch_sense(int opcode)
{
    switch (opcode) {
    case POP_JUMP_IF_FALSE:
        return CTR_JUMPS_IF_FALSE;
    case POP_JUMP_IF_TRUE:
        return CTR_JUMPS_IF_TRUE;
    case POP_JUMP_IF_NONE:
        return CTR_JUMPS_IF_NONE;
    case POP_JUMP_IF_NOT_NONE:
        return CTR_JUMPS_IF_NOT_NONE;
    default:
        return -1;
    }
}

/* The first line at or behind an instruction. */
static int line_from(const struct bytecode *bytecode, int i, int otherwise)
{
    for (; i >= 0 && i < bytecode->count; i++) {
        if (bytecode->at[i].position.line >= 0) {
            return bytecode->at[i].position.line;
        }
    }
    return otherwise;
}

static void learn_branches(struct facts *facts)
{
    const struct bytecode *bytecode = &facts->bytecode;
    begin_section(facts);
    for (int i = 0; i < bytecode->count; i++) {
        const struct instruction *at = &bytecode->at[i];
        int sense = branch_sense(at->opcode), line = at->position.line;
        if (sense < 0 || line < 0 || !has_room(facts, 32)) {
            continue;
        }
        put_place(facts, &facts->branches, (uint8_t)sense, -1, &at->position);
        ct_bytes_add_zigzag(&facts->branches, (int64_t)line_from(bytecode, i + 1, line) - line);
        ct_bytes_add_zigzag(&facts->branches,
                            (int64_t)line_from(bytecode, at->target, line) - line);
        facts->branch_count++;
    }
}

/* ---- uses
 * ---------------------------------------------------------------------------------------- */

/* What an instruction does, and how far its argument is shifted to give the name's number. */
static const struct {
    uint8_t use; /* enum ctr_use plus 1 */
    uint8_t shift;
} uses[256] = {
    [LOAD_FAST] = {CTR_USE_READ + 1, 0},
    [LOAD_FAST_CHECK] = {CTR_USE_READ + 1, 0},
    [LOAD_DEREF] = {CTR_USE_READ + 1, 0},
    [LOAD_FROM_DICT_OR_DEREF] = {CTR_USE_READ + 1, 0},
    [STORE_FAST] = {CTR_USE_WRITE + 1, 0},
    [STORE_DEREF] = {CTR_USE_WRITE + 1, 0},
    [DELETE_FAST] = {CTR_USE_DELETE + 1, 0},
    [DELETE_DEREF] = {CTR_USE_DELETE + 1, 0},
    [LOAD_NAME] = {CTR_USE_READ_NAME + 1, 0},
    [LOAD_GLOBAL] = {CTR_USE_READ_NAME + 1, 1},
    [LOAD_FROM_DICT_OR_GLOBALS] = {CTR_USE_READ_NAME + 1, 0},
    [STORE_NAME] = {CTR_USE_WRITE_NAME + 1, 0},
    [STORE_GLOBAL] = {CTR_USE_WRITE_NAME + 1, 0},
    [DELETE_NAME] = {CTR_USE_DELETE_NAME + 1, 0},
    [DELETE_GLOBAL] = {CTR_USE_DELETE_NAME + 1, 0},
    [LOAD_ATTR] = {CTR_USE_READ_ATTRIBUTE + 1, 1},
    [LOAD_SUPER_ATTR] = {CTR_USE_READ_ATTRIBUTE + 1, 2},
    [STORE_ATTR] = {CTR_USE_WRITE_ATTRIBUTE + 1, 0},
    [DELETE_ATTR] = {CTR_USE_DELETE_ATTRIBUTE + 1, 0},
    [BINARY_SUBSCR] = {CTR_USE_READ_ITEM + 1, 0},
    [BINARY_SLICE] = {CTR_USE_READ_ITEM + 1, 0},
    [STORE_SUBSCR] = {CTR_USE_WRITE_ITEM + 1, 0},
    [STORE_SLICE] = {CTR_USE_WRITE_ITEM + 1, 0},
    [DELETE_SUBSCR] = {CTR_USE_DELETE_ITEM + 1, 0},
    [CALL] = {CTR_USE_CALL + 1, 0},
    [CALL_FUNCTION_EX] = {CTR_USE_CALL + 1, 0},
#if !CT_PY312
    [CALL_KW] = {CTR_USE_CALL + 1, 0},
#endif
};

static bool has_name(uint8_t use)
{
    return use <= CTR_USE_DELETE_ATTRIBUTE;
}

static void put_use(struct facts *facts, uint8_t use, uint32_t index,
                    const struct position *position)
{
    if (position->line < 0 || !has_room(facts, 32)) {
        return;
    }
    int64_t named = has_name(use) || use == CTR_USE_CODE ? (int64_t)index : -1;
    put_place(facts, &facts->uses, use, named, position);
    facts->use_count++;
}

/* A comprehension saves what its variables' names mean outside, and restores it: at its own
 * position, where no name stands. */
struct saved {
    struct position *positions;
    size_t count, capacity;
};

static void note_saved(struct saved *saved, const struct position *position)
{
    if (saved->count == saved->capacity) {
        size_t capacity = saved->capacity != 0 ? saved->capacity * 2 : 8;
        struct position *positions = realloc(saved->positions, capacity * sizeof *saved->positions);
        if (positions == NULL) {
            return; /* a name more is told */
        }
        saved->positions = positions;
        saved->capacity = capacity;
    }
    saved->positions[saved->count++] = *position;
}

/* In the order of the code, so that the one that counts is likely the last; where an exception
 * leaves a comprehension, far behind. */
static bool restores(const struct saved *saved, const struct position *position)
{
    for (size_t i = saved->count; i-- > 0;) {
        if (is_same_place(&saved->positions[i], position)) {
            return true;
        }
    }
    return false;
}

static bool is_cell(const struct facts *facts, uint32_t slot)
{
    uint8_t kind = slot < facts->plan->real_slots ? facts->plan->kinds[slot] & CTR_VAR_KIND : 0;
    return kind == CTR_VAR_CELL || kind == CTR_VAR_FREE;
}

static void put_nested(struct facts *facts, const struct instruction *at)
{
    PyObject *constants = facts->code->co_consts;
    PyObject *value = at->argument < (size_t)PyTuple_GET_SIZE(constants)
                          ? PyTuple_GET_ITEM(constants, at->argument)
                          : NULL;
    if (value == NULL || !PyCode_Check(value)) {
        return;
    }
    PyCodeObject *nested = (PyCodeObject *)value;
    if (!has_room(facts, (size_t)PyUnicode_GET_LENGTH(nested->co_qualname) * 4 + 16)) {
        return;
    }
    text_add(&facts->codes, nested->co_qualname);
    ct_bytes_add_varint(&facts->codes, (uint64_t)(uint32_t)nested->co_firstlineno);
    put_use(facts, CTR_USE_CODE, (uint32_t)facts->code_count++, &at->position);
}

#if !CT_PY312
/* Two instructions in one: the columns are those of the first. */
static void put_pair(struct facts *facts, const struct saved *saved, uint8_t first, uint8_t second,
                     const struct instruction *at)
{
    struct position behind = at->position;
    behind.column = behind.end_column = NO_COLUMN;
    behind.end_line = behind.line;
    if (first == CTR_USE_WRITE && second == CTR_USE_WRITE && restores(saved, &at->position)) {
        return;
    }
    if (first != CTR_USE_WRITE || !restores(saved, &at->position)) {
        put_use(facts, first, at->argument >> 4, &at->position);
    }
    put_use(facts, second, at->argument & 15, &behind);
}
#endif

static void learn_use(struct facts *facts, struct saved *saved, const struct instruction *at)
{
    switch (at->opcode) {
    case LOAD_CONST:
        put_nested(facts, at);
        return;
    case LOAD_FAST_AND_CLEAR:
        note_saved(saved, &at->position);
        return;
    case LOAD_FAST:
        if (is_cell(facts, at->argument)) {
            return; /* the cell itself, for a function made here */
        }
        break;
    case STORE_FAST:
        if (restores(saved, &at->position)) {
            return;
        }
        break;
#if !CT_PY312
    case LOAD_FAST_LOAD_FAST:
        put_pair(facts, saved, CTR_USE_READ, CTR_USE_READ, at);
        return;
    case STORE_FAST_LOAD_FAST:
        put_pair(facts, saved, CTR_USE_WRITE, CTR_USE_READ, at);
        return;
    case STORE_FAST_STORE_FAST:
        put_pair(facts, saved, CTR_USE_WRITE, CTR_USE_WRITE, at);
        return;
#endif
    default:
        break;
    }
    if (uses[at->opcode].use != 0) {
        put_use(facts, uses[at->opcode].use - 1, at->argument >> uses[at->opcode].shift,
                &at->position);
    }
}

static void learn_uses(struct facts *facts)
{
    struct saved saved = {.count = 0};
    begin_section(facts);
    for (int i = 0; i < facts->bytecode.count; i++) {
        learn_use(facts, &saved, &facts->bytecode.at[i]);
    }
    free(saved.positions);
}

/* ---- all of it
 * ----------------------------------------------------------------------------------- */

static bool learn_names(struct facts *facts)
{
    PyObject *names = facts->code->co_names;
    ct_bytes_add_varint(&facts->names, (uint64_t)PyTuple_GET_SIZE(names));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (!has_room(facts, (size_t)PyUnicode_GET_LENGTH(name) * 4 + 5)) {
            return false;
        }
        text_add(&facts->names, name);
    }
    return true;
}

static void put_section(struct ct_bytes *to, uint64_t count, const struct ct_bytes *section)
{
    ct_bytes_add_varint(to, count);
    ct_bytes_add(to, section->data, section->size);
    to->failed = to->failed || section->failed;
}

static void write_facts(struct facts *facts, bool has_names)
{
    struct ct_bytes payload = {0};
    ct_bytes_add_varint(&payload, facts->plan->id);
    ct_bytes_add_byte(&payload, facts->is_cut ? CTR_FACTS_CUT : 0);
    if (has_names) {
        ct_bytes_add(&payload, facts->names.data, facts->names.size);
    } else {
        ct_bytes_add_varint(&payload, 0);
    }
    put_section(&payload, facts->code_count, &facts->codes);
    put_section(&payload, facts->loop_count, &facts->loops);
    put_section(&payload, facts->branch_count, &facts->branches);
    put_section(&payload, facts->use_count, &facts->uses);
    if (!payload.failed && !facts->names.failed) {
        ctr_writer_define(facts->session->writer, CTR_DEF_FACTS, payload.data, payload.size);
    }
    ct_bytes_free(&payload);
}

void facts_define(struct session *session, struct plan *plan, PyCodeObject *code)
{
    struct facts facts = {.session = session, .plan = plan, .code = code};
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return;
    }
    if (bytecode_read(&facts.bytecode, code, bytes)) {
        if (session->exact == NULL) { /* which looks at everything before each line */
            joints_learn(plan, &facts.bytecode);
        }
        bool has_names = learn_names(&facts);
        if (has_names) {
            learn_loops(&facts);
            learn_branches(&facts);
            learn_uses(&facts);
        }
        write_facts(&facts, has_names);
    }
    ct_bytes_free(&facts.names);
    ct_bytes_free(&facts.codes);
    ct_bytes_free(&facts.loops);
    ct_bytes_free(&facts.branches);
    ct_bytes_free(&facts.uses);
    bytecode_free(&facts.bytecode);
    Py_DECREF(bytes);
}
