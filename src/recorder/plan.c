#include "recorder/plan.h"

#include <stdlib.h>

#include "recorder/effects.h"
#include "recorder/facts.h"
#include "recorder/filter.h"
#include "recorder/joint.h"
#include "recorder/reach.h"
#include "recorder/site.h"
#include "recorder/source.h"
#include "recorder/value.h"
#include "recorder/wtf8.h"

enum { PATH_TABLE = 1024 };

/* ---- paths
 * ------------------------------------------------------------------------------- */

struct path {
    char *name;
    uint32_t id;
    struct path *next;
};

struct paths {
    struct path *table[PATH_TABLE];
    uint32_t count;
};

static size_t path_bucket(const char *name)
{
    size_t hash = 5381;
    for (const char *at = name; *at != 0; at++) {
        hash = hash * 33 ^ (uint8_t)*at;
    }
    return hash % PATH_TABLE;
}

/* The number of the file, defined with its source on first use. */
static uint32_t path_of(struct session *session, PyObject *filename, PyObject *globals)
{
    char *name = text_copy(filename);
    if (name == NULL) {
        return 0;
    }
    struct path **bucket = &session->paths->table[path_bucket(name)];
    for (struct path *path = *bucket; path != NULL; path = path->next) {
        if (strcmp(path->name, name) == 0) {
            free(name);
            return path->id;
        }
    }
    struct path *path = calloc(1, sizeof *path);
    struct ct_bytes payload = {0};
    ct_bytes_add_block(&payload, name, strlen(name));
    if (path == NULL || payload.failed ||
        !ctr_writer_define(session->writer, CTR_DEF_PATH, payload.data, payload.size)) {
        ct_bytes_free(&payload);
        free(path);
        free(name);
        return 0;
    }
    ct_bytes_free(&payload);
    path->name = name;
    path->id = session->paths->count++;
    path->next = *bucket;
    *bucket = path;
    source_define(session, path->id, name, globals);
    return path->id;
}

/* ---- slots
 * -----------------------------------------------------------------------------------------------
 */

static uint8_t variable_kind(PyCodeObject *code, int slot)
{
    _PyLocals_Kind kind = _PyLocals_GetKind(code->co_localspluskinds, slot);
    int arguments = code->co_argcount + code->co_kwonlyargcount +
                    ((code->co_flags & CO_VARARGS) != 0) + ((code->co_flags & CO_VARKEYWORDS) != 0);
    bool argument = slot < arguments;
    if (kind & CO_FAST_FREE) {
        return CTR_VAR_FREE;
    }
    if (kind & CO_FAST_CELL) {
        return (uint8_t)(CTR_VAR_CELL | (argument ? CTR_VAR_ALSO_ARG : 0));
    }
    if (kind & CO_FAST_HIDDEN) {
        return CTR_VAR_HIDDEN;
    }
    return argument ? CTR_VAR_ARG : CTR_VAR_LOCAL;
}

/* Cells and free variables: any code that shares them may rebind them, on any line. */
static void look_always(struct plan *plan, uint64_t shared)
{
    plan->entry_mask |= shared;
    plan->special |= shared;
    for (int i = 0; i < plan->line_count + 2; i++) {
        struct line_info *line = &plan->lines[i];
        line->special = (line->writes & plan->special) | shared;
        line->writes &= ~plan->special;
        line->flags |= line->special != 0 ? LINE_SPECIAL : 0;
    }
}

static void learn_slots(struct session *session, struct plan *plan, PyCodeObject *code)
{
    uint64_t shared = 0;
    for (uint32_t i = 0; i < plan->real_slots; i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        uint64_t bit = i < PLAN_MASK_SLOTS ? 1ull << i : 0;
        uint8_t kind = variable_kind(code, (int)i);
        plan->kinds[i] = kind;
        uint8_t base = kind & CTR_VAR_KIND;
        plan->actions[i] = filter_name(session, plan->policy, plan_name_kind(plan, i), name);
        if (base == CTR_VAR_CELL || base == CTR_VAR_FREE) {
            shared |= bit;
        }
        if (base == CTR_VAR_ARG || (kind & CTR_VAR_ALSO_ARG)) {
            plan->entry_mask |= bit;
        }
        if (plan->actions[i] != CTR_KEEP) {
            plan->special |= bit;
        }
    }
    look_always(plan, shared);
    if (plan->has_namespace) {
        plan->kinds[plan->real_slots] = CTR_VAR_NAMESPACE;
        plan->actions[plan->real_slots] = CTR_KEEP;
    }
}

/* ---- definition
 * ---------------------------------------------------------------------------------------- */

/* As the module calls itself, or else as its file is imported. New, or NULL. */
static PyObject *module_name(const struct session *session, const PyCodeObject *code,
                             PyObject *globals)
{
    if (!session->policy.module_name_from_globals) {
        return filter_module_of_file(session->filter, code->co_filename);
    }
    PyObject *name = compat_dict_get(globals, "__name__");
    return name != NULL && PyUnicode_CheckExact(name) ? Py_NewRef(name) : NULL;
}

static bool define(struct session *session, struct plan *plan, PyCodeObject *code, uint64_t globals)
{
    struct ct_bytes payload = {0};
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *module = module_name(session, code, plan->globals);
    PyErr_Clear(); /* no memory: it has no name */
    PyErr_SetRaisedException(pending);
    ct_bytes_add_varint(&payload, path_of(session, code->co_filename, plan->globals));
    text_add(&payload, code->co_name);
    text_add(&payload, code->co_qualname);
    text_add(&payload, module);
    Py_XDECREF(module);
    ct_bytes_add_varint(&payload, (uint64_t)code->co_firstlineno);
    ct_bytes_add_varint(&payload, (uint64_t)code->co_flags);
    ct_bytes_add_varint(&payload, (uint64_t)code->co_posonlyargcount);
    ct_bytes_add_varint(&payload, (uint64_t)code->co_argcount);
    ct_bytes_add_varint(&payload, (uint64_t)code->co_kwonlyargcount);
    ct_bytes_add_varint(&payload, globals);
    ct_bytes_add_varint(&payload, plan->slot_count);
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        text_add(&payload,
                 i < plan->real_slots ? PyTuple_GET_ITEM(code->co_localsplusnames, i) : NULL);
        ct_bytes_add_byte(&payload, plan->kinds[i]);
        ct_bytes_add_byte(&payload, plan->actions[i]);
    }
    bool done = !payload.failed &&
                ctr_writer_define(session->writer, CTR_DEF_PLAN, payload.data, payload.size);
    ct_bytes_free(&payload);
    return done;
}

/* The module's dict as an object that stays known. */
static uint64_t globals_number(struct session *session, PyObject *globals)
{
    struct shadow shadow;
    value_shadow(session, globals, &shadow);
    if (shadow_kind(&shadow) != CTR_V_OBJECT) {
        return 0;
    }
    object_pin(session, &shadow);
    return shadow.bits + 1;
}

static void expect_anything(struct plan *plan)
{
    for (int i = 0; i <= plan->line_count; i++) {
        plan->lines[i].flags |= LINE_ESCAPES | LINE_VAGUE;
        plan->lines[i].vague_at = UINT32_MAX;
    }
}

static void heed_globals(struct plan *plan)
{
    for (int i = 0; !plan->skip && i < plan->line_count; i++) {
        struct line_info *line = &plan->lines[i];
        uint16_t flag = line->global_count != 0 && line->uses != 0 ? LINE_GLOBALS : 0;
        line->flags |= flag;
        if (line->flags & LINE_AGAIN) {
            plan->lines[line->again].flags |= flag;
        }
    }
}

/* A blank one. */
static struct plan *add_plan(struct session *session, PyCodeObject *code)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return NULL;
    }
    plan->code = (PyObject *)code;
    plan->all = session->plans;
    plan->before = &session->plans;
    if (plan->all != NULL) {
        plan->all->before = &plan->all;
    }
    session->plans = plan;
    return plan;
}

static void fill(struct session *session, struct plan *plan, PyCodeObject *code, PyObject *globals,
                 PyObject *locals)
{
    struct filter_verdict verdict = filter_code(session, code, globals);
    plan->globals = globals;
    plan->skip = verdict.skip;
    plan->policy = verdict.policy;
    if (plan->skip) {
        ctr_count(session->writer, CTR_C_skipped_code);
        return;
    }
    plan->return_action = filter_result(session, plan->policy, code, globals, FILTER_RETURNS);
    plan->yield_action = filter_result(session, plan->policy, code, globals, FILTER_YIELDS);
    plan->unwind_action = filter_result(session, plan->policy, code, globals, FILTER_UNWINDS);
    plan->is_init =
        code->co_argcount > 0 && PyUnicode_CompareWithASCIIString(code->co_name, "__init__") == 0;
    plan->generator = (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
    bool has_namespace = !(code->co_flags & CO_OPTIMIZED) && locals != NULL && PyDict_Check(locals);
    plan->has_namespace = has_namespace;
    plan->real_slots = (uint32_t)code->co_nlocalsplus;
    plan->slot_count = plan->real_slots + has_namespace;
    plan->actions = calloc((size_t)plan->slot_count + 1, 2);
    if (plan->actions == NULL || !effects_learn(plan, code)) {
        plan->skip = true;
        return;
    }
    if (has_namespace && !PyDict_CheckExact(locals)) {
        expect_anything(plan); /* storing a name there may run code of the program's */
    }
    plan->kinds = plan->actions + plan->slot_count;
    learn_slots(session, plan, code);
    for (int i = 0; session->exact != NULL && i < plan->line_count + 2; i++) {
        plan->lines[i].flags |= LINE_EXACT;
    }
    if (!reach_learn_loops(plan) ||
        !define(session, plan, code, globals_number(session, globals))) {
        plan->skip = true;
        return;
    }
    if (session->restless_globals) {
        heed_globals(plan);
    }
    plan->id = session->plan_count++;
    facts_define(session, plan, code);
}

static void attach(const struct session *session, struct plan *plan)
{
    PyObject *pending = PyErr_GetRaisedException();
    if (PyUnstable_Code_SetExtra(plan->code, session->code_extra, plan) != 0) {
        PyErr_Clear();
    }
    compat_code_extra_trim((PyCodeObject *)plan->code, session->code_extra);
    PyErr_SetRaisedException(pending);
}

void plan_leave_out(struct session *session, PyCodeObject *code)
{
    struct plan *plan =
        compat_code_extra(code, session->code_extra) == NULL ? add_plan(session, code) : NULL;
    if (plan != NULL) {
        plan->skip = true;
        attach(session, plan);
    }
}

/* ---- a program without a file
 * ----------------------------------------------------------------------------------- */

/* A blank plan is the mark: unlike an address it goes with the code. */
static void mark(struct session *session, PyCodeObject *code)
{
    struct plan *plan =
        compat_code_extra(code, session->code_extra) == NULL ? add_plan(session, code) : NULL;
    if (plan == NULL) {
        return;
    }
    attach(session, plan);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant)) {
            mark(session, (PyCodeObject *)constant);
        }
    }
}

static bool is_named(PyObject *text, const char *name)
{
    return text != NULL && PyUnicode_Check(text) &&
           PyUnicode_CompareWithASCIIString(text, name) == 0;
}

static bool is_main(const struct session *session, const PyCodeObject *code, PyObject *globals)
{
    return session->program_file != NULL && is_named(code->co_name, "<module>") &&
           is_named(code->co_filename, session->program_file) &&
           is_named(compat_dict_get(globals, "__name__"), "__main__");
}

void plan_heed_program(struct session *session, PyCodeObject *code, PyObject *globals)
{
    bool is_known = compat_code_extra(code, session->code_extra) != NULL; /* or left out */
    if (!is_known && is_main(session, code, globals)) {
        session->knows_program = true;
        mark(session, code);
    }
}

/* The first code that can be: what a text of its own executes comes later. And any that nobody
 * called: a terminal gives one after another. */
static bool is_program(const struct session *session, const PyCodeObject *code, PyObject *globals)
{
    if (!is_main(session, code, globals)) {
        return false;
    }
    const compat_frame *outermost = compat_outermost_frame(PyThreadState_Get());
    return !session->knows_program || (outermost != NULL && compat_frame_code(outermost) == code);
}

/* ---- the plan of a code object
 * ---------------------------------------------------------------------------------- */

struct plan *plan_of(struct session *session, PyCodeObject *code, PyObject *globals,
                     PyObject *locals)
{
    struct plan *first = compat_code_extra(code, session->code_extra);
    if (first == NULL && is_program(session, code, globals)) {
        plan_heed_program(session, code, globals);
        first = compat_code_extra(code, session->code_extra);
    }
    if (first != NULL && plan_is_blank(first)) {
        fill(session, first, code, globals, locals);
        return first;
    }
    for (struct plan *plan = first; plan != NULL; plan = plan->next) {
        if (plan->skip || plan->globals == globals) {
            return plan;
        }
    }
    struct plan *plan = add_plan(session, code);
    if (plan == NULL) {
        return NULL;
    }
    fill(session, plan, code, globals, locals);
    if (first != NULL) { /* setting our storage again would announce the death of what is there */
        joints_take_over(plan, first);
        sites_take_over(plan, first);
        plan->next = first->next;
        first->next = plan;
        return plan;
    }
    attach(session, plan);
    return plan;
}

void plans_heed_globals(struct session *session)
{
    session->restless_globals = true;
    for (struct plan *plan = session->plans; plan != NULL; plan = plan->all) {
        heed_globals(plan);
    }
}

bool plan_will_record(struct session *session, PyCodeObject *code, PyObject *globals)
{
    const struct plan *plan = compat_code_extra(code, session->code_extra);
    bool is_known = plan != NULL && !plan_is_blank(plan);
    return is_known ? !plan->skip : !filter_code(session, code, globals).skip;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------
 */

static void free_plan(struct plan *plan)
{
    free(plan->actions);
    free(plan->lines);
    free(plan->globals_read);
    free(plan->effects);
    free(plan->steps);
    free(plan->terms);
    free(plan->sites);
    free(plan->turns);
    free(plan->exits);
    if (plan->owns_repair) {
        free(plan->repair);
    }
    free(plan);
}

void plan_free_unused(struct plan *plan)
{
    if (plan->code != NULL || plan->frames != 0 || plan->before == NULL) {
        return;
    }
    *plan->before = plan->all;
    if (plan->all != NULL) {
        plan->all->before = plan->before;
    }
    free_plan(plan);
}

/* The code object is dying, and its address means nothing now. */
static void code_dies(void *extra)
{
    struct plan *next;
    for (struct plan *plan = extra; plan != NULL; plan = next) {
        next = plan->next;
        plan->code = NULL;
        plan->next = NULL;
        if (!plan->owns_repair) {
            plan->repair = NULL;
        }
        plan_free_unused(plan);
    }
}

void plans_each_code(struct session *session, void (*visit)(struct session *, PyCodeObject *))
{
    for (struct plan *plan = session->plans; plan != NULL; plan = plan->all) {
        if (plan->code != NULL && !plan->skip && !plan_is_blank(plan)) {
            visit(session, (PyCodeObject *)plan->code);
        }
    }
}

int plans_init(struct session *session)
{
    static Py_ssize_t extra = -1; /* the interpreter gives few: one for the life of the process */
    if (extra < 0) {
        extra = PyUnstable_Eval_RequestCodeExtraIndex(code_dies);
    }
    if (extra < 0) {
        PyErr_Clear();
        return ct_fail(&session->error, CT_ELIMIT,
                       "no per-code storage is left in this interpreter");
    }
    session->code_extra = extra;
    session->paths = calloc(1, sizeof *session->paths);
    return session->paths == NULL ? CT_ENOMEM : CT_OK;
}

static void free_paths(struct session *session)
{
    for (size_t i = 0; session->paths != NULL && i < PATH_TABLE; i++) {
        struct path *next;
        for (struct path *path = session->paths->table[i]; path != NULL; path = next) {
            next = path->next;
            free(path->name);
            free(path);
        }
    }
    free(session->paths);
    session->paths = NULL;
}

/* Our storage in the code objects is emptied first: nothing may point at a freed plan. */
void plans_free(struct session *session)
{
    for (struct plan *plan = session->plans; plan != NULL; plan = plan->all) {
        plan->before = NULL; /* emptying the storage says that the code dies */
    }
    for (struct plan *plan = session->plans; plan != NULL; plan = plan->all) {
        if (plan->code != NULL &&
            PyUnstable_Code_SetExtra(plan->code, session->code_extra, NULL) != 0) {
            PyErr_Clear();
        }
    }
    struct plan *next;
    for (struct plan *plan = session->plans; plan != NULL; plan = next) {
        next = plan->all;
        free_plan(plan);
    }
    session->plans = NULL;
    free_paths(session);
}
