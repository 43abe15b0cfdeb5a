#include "recorder/repair.h"

#include <opcode.h>
#include <stdlib.h>

#include "recorder/bytecode.h"
#include "recorder/plan.h"

enum { MODULUS_MAX = 125, MODULUS_MIN = 61 };

/* ---- made-up lines
 * ----------------------------------------------------------------------------- */

struct long_code {
    const struct bytecode *bytecode;
    const _PyCoLineInstrumentationData *data;
    const int *lines;
    int hub; /* the line that is come back to most often, as to the first of a long table */
    int modulus;
};

/* The line modulo `modulus`, moved to where the byte of this unit reaches. Units of one zone with
 * one line have one made-up line; those of two zones never have. The hub, which may follow any
 * line, shares its made-up line with none of its zone. */
static int made_up(const struct long_code *code, Py_ssize_t unit)
{
    int reach = (int)(unit >> COMPAT_LINE_SHIFT);
    int line = code->lines[unit];
    int place = line == code->hub ? 0 : 1 + line % (code->modulus - 1);
    return reach / code->modulus * code->modulus + place;
}

/* An event is raised at `to` when its line is not that of the instruction before. */
static bool edge_stays(const struct long_code *code, int from, int to)
{
    const struct bytecode *bytecode = code->bytecode;
    if (to < 0 || to >= bytecode->count) {
        return true;
    }
    Py_ssize_t unit = bytecode->at[from].unit, start = bytecode->at[to].start;
    if (code->data[start].original_opcode == 0 ||
        code->data[unit].line_delta == COMPAT_NO_LINE_DELTA ||
        code->data[start].line_delta == COMPAT_NO_LINE_DELTA) {
        return true;
    }
    bool same = code->lines[unit] == code->lines[start];
    return same == (made_up(code, unit) == made_up(code, start));
}

static bool events_stay(const struct long_code *code)
{
    enum { BEHIND_LOOP = 2 }; /* instructions FOR_ITER and SEND may skip at their target */
    for (int i = 0; i < code->bytecode->count; i++) {
        const struct instruction *at = &code->bytecode->at[i];
        bool stays = (!at->falls || edge_stays(code, i, i + 1)) &&
                     edge_stays(code, i, at->target) && edge_stays(code, i, at->handler);
        bool skips = at->opcode == FOR_ITER || at->opcode == SEND;
        for (int more = 1; stays && skips && more <= BEHIND_LOOP; more++) {
            stays = edge_stays(code, i, at->target + more);
        }
        if (!stays) {
            return false;
        }
    }
    return true;
}

static int compare_lines(const void *one, const void *other)
{
    int a = *(const int *)one, b = *(const int *)other;
    return (a > b) - (a < b);
}

/* The line that most often follows another one; NO_LINE: no memory, or there is none. */
static int find_hub(const int *lines, int units)
{
    int *starts = malloc(((size_t)units + 1) * sizeof *starts);
    int count = 0, hub = NO_LINE, most = 0;
    for (int i = 1; starts != NULL && i < units; i++) {
        if (lines[i] != lines[i - 1] && lines[i] != NO_LINE) {
            starts[count++] = lines[i];
        }
    }
    if (count > 0) {
        qsort(starts, (size_t)count, sizeof *starts, compare_lines);
    }
    for (int i = 0, first = 0; i < count; i++) {
        first = starts[i] == starts[first] ? first : i;
        if (i - first >= most) {
            most = i - first + 1;
            hub = starts[i];
        }
    }
    free(starts);
    return hub;
}

static bool choose_modulus(struct long_code *code)
{
    for (code->modulus = MODULUS_MAX; code->modulus >= MODULUS_MIN; code->modulus--) {
        if (events_stay(code)) {
            return true;
        }
    }
    return false;
}

static bool needs_repair(PyCodeObject *code, const _PyCoLineInstrumentationData *data, int units)
{
    for (int i = code->_co_firsttraceable; i < units; i++) {
        if (data[i].line_delta <= COMPAT_COMPUTED_LINE_DELTA &&
            data[i].line_delta != COMPAT_NO_LINE_DELTA) {
            return true;
        }
    }
    return false;
}

static bool lines_are_sane(const int *lines, int units)
{
    for (int i = 0; i < units; i++) {
        if (lines[i] < NO_LINE) {
            return false;
        }
    }
    return true;
}

/* ---- doing it
 * ---------------------------------------------------------------------------------- */

static void write_deltas(PyCodeObject *code, _PyCoLineInstrumentationData *data,
                         struct line_repair *repair, const struct long_code *about)
{
    for (int i = 0; i < repair->units; i++) {
        repair->before[i] = data[i].line_delta;
        if (i >= code->_co_firsttraceable && data[i].line_delta != COMPAT_NO_LINE_DELTA) {
            int reach = i >> COMPAT_LINE_SHIFT;
            data[i].line_delta = (int8_t)(made_up(about, i) - reach);
        }
    }
}

static struct line_repair *make_repair(PyCodeObject *code, PyObject *bytes,
                                       _PyCoLineInstrumentationData *data)
{
    int units = (int)(PyBytes_GET_SIZE(bytes) / 2);
    struct bytecode bytecode;
    struct line_repair *repair =
        malloc(sizeof *repair + (size_t)units * (sizeof *repair->lines + sizeof *repair->before));
    if (repair == NULL || !bytecode_read(&bytecode, code, bytes)) {
        free(repair);
        return NULL;
    }
    repair->units = units;
    repair->before = (int8_t *)(repair->lines + units);
    bytecode_lines(code, repair->lines, units);
    struct long_code about = {.bytecode = &bytecode,
                              .data = data,
                              .lines = repair->lines,
                              .hub = find_hub(repair->lines, units)};
    if (lines_are_sane(repair->lines, units) && choose_modulus(&about)) {
        write_deltas(code, data, repair, &about);
    } else {
        free(repair);
        repair = NULL;
    }
    bytecode_free(&bytecode);
    return repair;
}

/* The interpreter passes no session to audit hooks, and they stay for the life of the process; they
 * hear of every interpreter in it. */
static struct session *repairing;

static int on_audit(const char *event, PyObject *args, void *nothing)
{
    (void)args;
    (void)nothing;
    bool is_tool = strcmp(event, "sys.settrace") == 0 ||
                   strcmp(event, "sys.monitoring.register_callback") == 0;
    if (is_tool && repairing != NULL && PyInterpreterState_Get() == repairing->interpreter) {
        repair_undo(repairing);
        repairing = NULL; /* and no more: another tool is there */
    }
    return 0;
}

/* From here on other tools announce themselves. Hooks of the program's own would hear of ours. */
static bool watch_tools(struct session *session)
{
    static bool is_hooked;
    if (session->repairs) {
        return repairing == session;
    }
    session->repairs = true;
    if (compat_has_audit_hooks(session->interpreter) ||
        compat_others_follow_lines(session->interpreter, session->tool)) {
        return false;
    }
    if (!is_hooked && PySys_AddAuditHook(on_audit, NULL) != 0) {
        PyErr_Clear();
        return false;
    }
    is_hooked = true;
    repairing = session;
    return true;
}

/* The same code under other globals has been repaired already. */
static struct line_repair *repair_of(struct session *session, PyCodeObject *code)
{
    struct plan *plan = compat_code_extra(code, session->code_extra);
    while (plan != NULL && plan->repair == NULL) {
        plan = plan->next;
    }
    return plan != NULL ? plan->repair : NULL;
}

void repair_code(struct session *session, struct plan *plan, PyCodeObject *code)
{
    _PyCoLineInstrumentationData *data = compat_line_data(code);
    plan->repair = repair_of(session, code);
    if (plan->repair != NULL || data == NULL || !compat_lines_are_bytes() ||
        compat_line_tools(session->interpreter, code) != 1u << session->tool) {
        return;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes != NULL && needs_repair(code, data, (int)(PyBytes_GET_SIZE(bytes) / 2)) &&
        watch_tools(session)) {
        plan->repair = make_repair(code, bytes, data);
        plan->owns_repair = plan->repair != NULL;
    }
    PyErr_Clear();
    Py_XDECREF(bytes);
    PyErr_SetRaisedException(pending);
}

void repair_undo(struct session *session)
{
    for (struct plan *plan = session->plans; plan != NULL; plan = plan->all) {
        struct line_repair *repair = plan->repair;
        plan->repair = NULL;
        if (repair == NULL || !plan->owns_repair) {
            continue;
        }
        _PyCoLineInstrumentationData *data =
            plan->code != NULL ? compat_line_data((PyCodeObject *)plan->code) : NULL;
        for (int i = 0; data != NULL && i < repair->units; i++) {
            data[i].line_delta = repair->before[i];
        }
        plan->owns_repair = false;
        free(repair);
    }
}

int repair_line(struct session *session, const struct plan *plan, compat_frame *frame)
{
    PyCodeObject *code = compat_frame_code(frame);
    Py_ssize_t unit = compat_frame_unit(frame, code);
    int line = unit >= 0 && unit < plan->repair->units ? plan->repair->lines[unit] : 0;
    if (compat_line_tools(session->interpreter, code) != 1u << session->tool) {
        repair_undo(session);
    }
    return line;
}
