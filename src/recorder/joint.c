#include "recorder/joint.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/effects.h"
#include "recorder/plan.h"

/* ---- learning
 * ------------------------------------------------------------------------------------ */

enum {
    LED_TO = 1,      /* by a jump or an exception */
    LED_ON_LINE = 2, /* from an instruction of its own line: then no event says that it begins */
};

struct learning {
    struct plan *plan;
    const struct bytecode *bytecode;
    uint8_t *ways; /* to each instruction */
};

static void lead(const struct learning *learning, int from, int32_t to, uint8_t how)
{
    const struct instruction *at = learning->bytecode->at;
    if (to >= 0 && to < learning->bytecode->count) {
        bool on_line = at[from].position.line == at[to].position.line && at[from].opcode != RESUME;
        learning->ways[to] |= (uint8_t)(how | (on_line ? LED_ON_LINE : 0));
    }
}

static void find_ways(const struct learning *learning)
{
    for (int i = 0; i < learning->bytecode->count; i++) {
        const struct instruction *instruction = &learning->bytecode->at[i];
        lead(learning, i, instruction->target, LED_TO);
        lead(learning, i, instruction->handler, LED_TO);
        if (instruction->falls) {
            lead(learning, i, i + 1, 0);
        }
    }
}

/* A line that is come back to has events that are no start's. */
static void learn_opening(const struct learning *learning)
{
    const struct bytecode *bytecode = learning->bytecode;
    int start = 0;
    while (start < bytecode->count && bytecode->at[start].opcode != RESUME) {
        start++;
    }
    int first = start + 1;
    if (first < bytecode->count && bytecode->at[first].position.line > 0 &&
        (learning->ways[first] & LED_TO) == 0) {
        struct plan *plan = learning->plan;
        plan->opening.to = bytecode->at[first].start;
        plan->opening_line = bytecode->at[first].position.line;
        plan->lines[plan->line_count + 1].flags |= LINE_BEFORE;
    }
}

static bool leaves(const struct plan *plan, uint8_t opcode)
{
    return plan->generator ? opcode == YIELD_VALUE
                           : opcode == RETURN_VALUE || opcode == RETURN_CONST;
}

/* The first instruction of a line that does nothing before it leaves the frame; negative: it does.
 */
static int find_exit(const struct learning *learning, int leaving)
{
    const struct instruction *at = learning->bytecode->at;
    if (!leaves(learning->plan, at[leaving].opcode)) {
        return -1;
    }
    int first = leaving;
    if (at[leaving].opcode != RETURN_CONST) {
        first = leaving - 1;
        bool is_load =
            first >= 0 && (at[first].opcode == LOAD_FAST || at[first].opcode == LOAD_CONST);
        if (!is_load || (learning->ways[leaving] & LED_TO) != 0 ||
            at[first].position.line != at[leaving].position.line) {
            return -1;
        }
    }
    return (learning->ways[first] & LED_ON_LINE) == 0 ? first : -1;
}

static void learn_exits(const struct learning *learning)
{
    struct plan *plan = learning->plan;
    const struct instruction *at = learning->bytecode->at;
    for (int i = 0; i < learning->bytecode->count; i++) {
        int first = find_exit(learning, i);
        struct line_info *line = first >= 0 ? effects_line(plan, at[first].position.line) : NULL;
        if (line == NULL || line == effects_line(plan, NO_LINE) ||
            (line->flags & (LINE_AGAIN | LINE_LEAVES)) != 0) {
            continue;
        }
        struct exit *exits = realloc(plan->exits, (plan->exit_count + 1) * sizeof *exits);
        if (exits == NULL) {
            return;
        }
        plan->exits = exits;
        bool is_variable = at[first].opcode == LOAD_FAST;
        exits[plan->exit_count] = (struct exit){
            .joint = {.from = at[first].start, .to = at[i].unit},
            .slot = is_variable ? (int32_t)at[first].argument : -1,
            .constant = is_variable ? 0 : at[first].argument,
        };
        line->flags |= LINE_LEAVES;
        line->again = plan->exit_count++;
    }
}

void joints_learn(struct plan *plan, const struct bytecode *bytecode)
{
    struct learning learning = {
        .plan = plan,
        .bytecode = bytecode,
        .ways = calloc((size_t)bytecode->count + 1, 1),
    };
    if (learning.ways != NULL) {
        find_ways(&learning);
        learn_opening(&learning);
        learn_exits(&learning);
    }
    free(learning.ways);
}

/* ---- using them
 * ---------------------------------------------------------------------------------- */

static struct plan *plans_of(const struct session *session, const struct plan *plan)
{
    return compat_code_extra((PyCodeObject *)plan->code, session->code_extra);
}

void joints_take_over(struct plan *plan, const struct plan *other)
{
    plan->opening.is_told = other->opening.is_told && plan->opening_line != 0;
    for (uint32_t i = 0; i < plan->exit_count && i < other->exit_count; i++) {
        plan->exits[i].joint.is_told = other->exits[i].joint.is_told;
    }
}

PyObject *joint_close_opening(struct session *session, const struct plan *plan)
{
    for (struct plan *each = plans_of(session, plan); each != NULL; each = each->next) {
        each->opening.is_told = each->opening_line != 0;
    }
    return Py_NewRef(session->disable);
}

PyObject *joint_close_exit(struct session *session, const struct plan *plan,
                           const struct exit *exit)
{
    size_t number = (size_t)(exit - plan->exits);
    for (struct plan *each = plans_of(session, plan); each != NULL; each = each->next) {
        if (number < each->exit_count) {
            each->exits[number].joint.is_told = true;
        }
    }
    return Py_NewRef(session->disable);
}

bool exit_is_at(const struct exit *exit, PyObject *offset)
{
    int64_t at = -1;
    return compat_small_int(offset, &at) && at == (int64_t)(exit->joint.to * sizeof(_Py_CODEUNIT));
}

bool exit_is_told_at(const struct plan *plan, PyObject *offset)
{
    for (uint32_t i = 0; i < plan->exit_count; i++) {
        if (exit_is_at(&plan->exits[i], offset)) {
            return plan->exits[i].joint.is_told;
        }
    }
    return false;
}

const struct exit *exit_of(const struct plan *plan, const struct line_info *line)
{
    return (line->flags & LINE_LEAVES) != 0 ? &plan->exits[line->again] : NULL;
}

PyObject *exit_value(const struct exit *exit, const compat_frame *real)
{
    if (exit->slot >= 0) {
        return real->localsplus[exit->slot];
    }
    PyObject *constants = compat_frame_code(real)->co_consts;
    return exit->constant < (size_t)PyTuple_GET_SIZE(constants)
               ? PyTuple_GET_ITEM(constants, exit->constant)
               : NULL;
}
