#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "recorder/filter_internal.h"
#include "recorder/scope.h"
#include "recorder/types.h"
#include "recorder/wtf8.h"

bool filter_records_stream(const struct filter *filter, int stream)
{
    return filter == NULL || (filter->streams >> stream & 1) != 0;
}

/* ---- matching
 * -------------------------------------------------------------------------------------- */

enum match { NO_MATCH, MATCHES, MATCH_FAILED };

/* The matcher allocates one match object: no reason for a collection. It looks at signals when it
 * works for long, and their handlers may raise: an interrupt then comes again. */
static enum match search(PyObject *method, PyObject *text)
{
    PyObject *pending = PyErr_GetRaisedException();
    int collects = PyGC_Disable();
    PyObject *found = PyObject_CallOneArg(method, text);
    enum match match = found == NULL ? MATCH_FAILED : found != Py_None ? MATCHES : NO_MATCH;
    Py_XDECREF(found);
    if (collects) {
        PyGC_Enable();
    }
    if (match == MATCH_FAILED && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_SetInterrupt();
    }
    PyErr_Clear();
    PyErr_SetRaisedException(pending);
    return match;
}

static enum match matches(const struct selector *selector, PyObject *text)
{
    if (text == NULL) {
        return NO_MATCH;
    }
    switch (selector->how) {
    case FILTER_EQUAL:
        return PyUnicode_Compare(text, selector->what) == 0 ? MATCHES : NO_MATCH;
    case FILTER_PREFIX:
        return PyUnicode_Tailmatch(text, selector->what, 0, PY_SSIZE_T_MAX, -1) == 1 ? MATCHES
                                                                                     : NO_MATCH;
    case FILTER_ANY:
        return MATCHES;
    default:
        return search(selector->what, text);
    }
}

/* ---- what a scope is known by
 * ---------------------------------------------------------------------- */

struct candidates { /* owned, as filter.h's subject; by enum filter_scope_kind */
    PyObject *texts[FILTER_OBJ + 1];
};

static bool is_module_name(PyObject *name)
{
    if (name == NULL || !PyUnicode_Check(name) || !PyUnicode_IS_ASCII(name)) {
        return false;
    }
    const char *text = PyUnicode_DATA(name);
    bool in_part = false;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(name); i++) {
        bool is_letter = Py_ISALNUM(text[i]) || text[i] == '_';
        if (!is_letter && (text[i] != '.' || !in_part)) {
            return false;
        }
        in_part = is_letter;
    }
    return in_part;
}

/* The file from the deepest source root it lies in, or NULL. */
static const char *below_root(const struct filter *filter, const char *file)
{
    const char *below = NULL;
    for (int i = 0; filter != NULL && i < filter->root_count; i++) {
        size_t length = strlen(filter->roots[i]);
        bool is_in = strncmp(file, filter->roots[i], length) == 0 && file[length] == '/';
        if (is_in && (below == NULL || file + length + 1 > below)) {
            below = file + length + 1;
        }
    }
    return below;
}

/* The path that `file:` selectors see: from the source root, else absolute. */
static PyObject *file_candidate(const struct filter *filter, const char *file)
{
    char *real = realpath(file, NULL);
    const char *below = below_root(filter, file);
    if (below == NULL && real != NULL) {
        below = below_root(filter, real);
    }
    const char *shown = below != NULL ? below : real != NULL ? real : file;
    PyObject *text = PyUnicode_DecodeFSDefault(shown);
    free(real);
    return text;
}

static bool has_init(const char *file, size_t folder)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%.*s/__init__.py", (int)folder, file);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

/* "pkg.mod" of ".../pkg/mod.py": from the source root, else as far up as packages go. */
static PyObject *module_of_file(const struct filter *filter, const char *file)
{
    const char *from = below_root(filter, file);
    if (from == NULL) {
        size_t folder = strlen(file);
        do {
            while (folder > 0 && file[--folder] != '/') {
            }
        } while (folder > 0 && has_init(file, folder));
        from = file + folder + (file[folder] == '/');
    }
    char *dotted = strdup(from);
    if (dotted == NULL) {
        return NULL;
    }
    size_t size = strlen(dotted);
    static const char *const ends[] = {".py", "/__init__"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        if (size > end && strcmp(dotted + size - end, ends[i]) == 0) {
            dotted[size -= end] = 0;
        }
    }
    for (char *at = dotted; *at != 0; at++) {
        *at = *at == '/' ? '.' : *at == '.' ? '/' : *at;
    }
    PyObject *name = PyUnicode_DecodeFSDefault(dotted);
    free(dotted);
    if (name != NULL && !is_module_name(name)) {
        Py_CLEAR(name);
    }
    return name;
}

PyObject *filter_module_of_file(const struct filter *filter, PyObject *file)
{
    int saved = errno;
    char *text = text_copy(file);
    PyObject *name = text != NULL ? module_of_file(filter, text) : NULL;
    free(text);
    errno = saved;
    return name;
}

static struct candidates find_candidates(const struct filter *filter,
                                         const struct filter_subject *subject)
{
    int saved = errno;
    struct candidates found = {0};
    PyObject *module = is_module_name(subject->module) ? Py_XNewRef(subject->module) : NULL;
    char *file = subject->file != NULL && (module == NULL || filter->uses_files)
                     ? text_copy(subject->file)
                     : NULL;
    if (file != NULL) {
        found.texts[FILTER_FILE] = file_candidate(filter, file);
        module = module != NULL ? module : module_of_file(filter, file);
    }
    free(file);
    found.texts[FILTER_PKG] = module;
    if (subject->name != NULL) {
        found.texts[FILTER_OBJ] = module != NULL
                                      ? PyUnicode_FromFormat("%U.%U", module, subject->name)
                                      : Py_NewRef(subject->name);
    }
    errno = saved;
    return found;
}

static void free_candidates(struct candidates *candidates)
{
    for (int i = 0; i <= FILTER_OBJ; i++) {
        Py_XDECREF(candidates->texts[i]);
    }
}

/* ---- scopes
 * ---------------------------------------------------------------------------------------- */

enum { ACTIONS = CTR_DROP + 1 };

static uint32_t policy_number(int list_rule, uint8_t action)
{
    return (uint32_t)(list_rule + 1) * ACTIONS + action;
}

static uint8_t policy_action(uint32_t policy)
{
    return (uint8_t)(policy % ACTIONS);
}

static int policy_list(uint32_t policy)
{
    return (int)(policy / ACTIONS) - 1;
}

struct filter_verdict filter_judge(struct filter *filter, const struct filter_subject *subject,
                                   bool skip)
{
    PyObject *pending = PyErr_GetRaisedException();
    struct candidates candidates = find_candidates(filter, subject);
    PyErr_Clear();
    struct filter_verdict verdict = {.skip = filter->skips || skip,
                                     .exec_rule = skip ? FROM_BUILT_IN : FROM_DEFAULT,
                                     .value_rule = FROM_DEFAULT,
                                     .list_rule = FROM_DEFAULT};
    uint8_t action = filter->action;
    int action_filter = filter->action_filter;
    for (int i = 0; i < filter->rule_count; i++) {
        const struct rule *rule = &filter->rules[i];
        enum match match = matches(&rule->selector, candidates.texts[rule->selector.kind]);
        if (match == MATCH_FAILED) { /* what cannot be judged is not recorded */
            verdict.skip = true;
            action = CTR_REDACT;
            break;
        }
        if (match == NO_MATCH) {
            continue;
        }
        if (rule->exec != FILTER_UNSET) {
            verdict.skip = rule->exec == 1;
            verdict.exec_rule = i;
        }
        if (rule->value != FILTER_UNSET) {
            action = (uint8_t)rule->value;
            action_filter = rule->filter;
            verdict.value_rule = i;
        }
        if (rule->pattern_count != 0) {
            verdict.list_rule = i;
        }
    }
    bool is_overruled = verdict.list_rule >= 0 && action == CTR_DROP &&
                        filter->rules[verdict.list_rule].filter < action_filter;
    verdict.list_rule = is_overruled ? FROM_DEFAULT : verdict.list_rule;
    verdict.policy = policy_number(verdict.list_rule, action);
    free_candidates(&candidates);
    PyErr_SetRaisedException(pending);
    return verdict;
}

PyObject *filter_seen(struct filter *filter, const struct filter_subject *subject)
{
    bool uses_files = filter->uses_files;
    filter->uses_files = true;
    struct candidates candidates = find_candidates(filter, subject);
    filter->uses_files = uses_files;
    PyErr_Clear();
    PyObject *const *texts = candidates.texts;
    PyObject *seen = PyTuple_Pack(3, texts[FILTER_PKG] != NULL ? texts[FILTER_PKG] : Py_None,
                                  texts[FILTER_FILE] != NULL ? texts[FILTER_FILE] : Py_None,
                                  texts[FILTER_OBJ] != NULL ? texts[FILTER_OBJ] : Py_None);
    free_candidates(&candidates);
    return seen;
}

static PyObject *module_text(PyObject *globals, const char *name)
{
    PyObject *value = globals != NULL ? compat_dict_get(globals, name) : NULL;
    return value != NULL && PyUnicode_CheckExact(value) ? value : NULL;
}

struct filter_verdict filter_code(struct session *session, PyCodeObject *code, PyObject *globals)
{
    enum scope_reason reason = scope_of_code(session, code);
    if (session->filter == NULL || scope_is_final(reason)) {
        return (struct filter_verdict){.skip = reason != SCOPE_PROGRAM, .policy = FILTER_BUILT_IN};
    }
    struct filter_subject subject = {.module = module_text(globals, "__name__"),
                                     .file = code->co_filename,
                                     .name = code->co_qualname};
    return filter_judge(session->filter, &subject, reason != SCOPE_PROGRAM);
}

/* The file a class is from is that of its module. */
static PyObject *module_file(PyObject *name)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    bool is_text = name != NULL && PyUnicode_CheckExact(name) && PyDict_Check(modules);
    PyObject *module = is_text ? compat_dict_find(modules, name, PyObject_Hash(name)) : NULL;
    return module != NULL && PyModule_Check(module)
               ? module_text(PyModule_GetDict(module), "__file__")
               : NULL;
}

uint32_t filter_type(struct session *session, PyTypeObject *type)
{
    if (session->filter == NULL) {
        return FILTER_BUILT_IN;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *module = NULL, *name = NULL;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        module = Py_XNewRef(types_module(type));
        name = Py_NewRef(((PyHeapTypeObject *)type)->ht_qualname);
    } else {
        const char *dot = strrchr(type->tp_name, '.');
        module = dot != NULL ? PyUnicode_FromStringAndSize(type->tp_name, dot - type->tp_name)
                             : PyUnicode_FromString("builtins");
        name = PyUnicode_FromString(dot != NULL ? dot + 1 : type->tp_name);
    }
    PyErr_Clear();
    struct filter_subject subject = {.module = module, .file = module_file(module), .name = name};
    uint32_t policy = filter_judge(session->filter, &subject, false).policy;
    Py_XDECREF(module);
    Py_XDECREF(name);
    PyErr_SetRaisedException(pending);
    return policy;
}

uint32_t filter_module(struct session *session, PyObject *globals)
{
    if (session->filter == NULL) {
        return FILTER_BUILT_IN;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *name = PyUnicode_FromString("<module>");
    PyErr_Clear();
    struct filter_subject subject = {.module = module_text(globals, "__name__"),
                                     .file = module_text(globals, "__file__"),
                                     .name = name};
    uint32_t policy = filter_judge(session->filter, &subject, false).policy;
    Py_XDECREF(name);
    PyErr_SetRaisedException(pending);
    return policy;
}

/* ---- names
 * ----------------------------------------------------------------------------------------- */

int filter_pattern(struct filter *filter, uint32_t policy, enum filter_name_kind kind,
                   PyObject *name, uint8_t *action)
{
    const struct rule *rule = policy_list(policy) >= 0 ? &filter->rules[policy_list(policy)] : NULL;
    for (int i = 0; rule != NULL && i < rule->pattern_count; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        /* To a module's own lines its globals are their local variables. */
        bool is_kind = pattern->selector.kind == (kind == FILTER_KEY ? FILTER_ATTRIBUTE : kind) ||
                       (kind == FILTER_GLOBAL && pattern->selector.kind == FILTER_LOCAL);
        enum match match = is_kind ? matches(&pattern->selector, name) : NO_MATCH;
        if (match != NO_MATCH) {
            /* What cannot be told apart is kept off the disk. */
            *action = match == MATCHES ? pattern->action : CTR_REDACT;
            return i;
        }
    }
    return -1;
}

static bool is_attribute(enum filter_name_kind kind)
{
    return kind == FILTER_ATTRIBUTE || kind == FILTER_KEY;
}

/* Globals and attributes have one state, whoever looks at them. So what is hidden where one
 * function looks (a rule about objects) is hidden everywhere; and a dict may hold what an instance
 * of any class did, so a key is hidden when an attribute of that name is, unless all are. */
static uint8_t hidden_elsewhere(const struct filter *filter, enum filter_name_kind kind,
                                PyObject *name)
{
    uint8_t wanted = is_attribute(kind) ? FILTER_ATTRIBUTE : FILTER_GLOBAL;
    for (int i = 0; (is_attribute(kind) || kind == FILTER_GLOBAL) && i < filter->rule_count; i++) {
        const struct rule *rule = &filter->rules[i];
        if (rule->selector.kind != FILTER_OBJ && kind != FILTER_KEY) {
            continue;
        }
        for (int j = 0; j < rule->pattern_count; j++) {
            const struct pattern *pattern = &rule->patterns[j];
            if (pattern->selector.kind == wanted && pattern->action != CTR_KEEP &&
                pattern->selector.how != FILTER_ANY &&
                matches(&pattern->selector, name) != NO_MATCH) {
                return pattern->action;
            }
        }
    }
    return CTR_KEEP;
}

/* The user's patterns, then the built-in words, then what holds for the rest: for all variables of
 * the scope, and not for the insides of what they hold. */
static uint8_t decide(struct session *session, uint32_t policy, enum filter_name_kind kind,
                      PyObject *name, bool is_secret)
{
    uint8_t action = is_attribute(kind) ? CTR_KEEP : policy_action(policy);
    if (filter_pattern(session->filter, policy, kind, name, &action) >= 0) {
        return action;
    }
    uint8_t elsewhere = hidden_elsewhere(session->filter, kind, name);
    if (elsewhere != CTR_KEEP) {
        return elsewhere;
    }
    return is_secret && action != CTR_DROP ? CTR_REDACT : action;
}

uint8_t filter_name(struct session *session, uint32_t policy, enum filter_name_kind kind,
                    PyObject *name)
{
    if (session->filter == NULL) {
        return scope_is_secret(name) ? CTR_REDACT : CTR_KEEP;
    }
    if (!PyUnicode_Check(name)) {
        return CTR_KEEP;
    }
    Py_hash_t hash = ((PyASCIIObject *)name)->hash;
    uint64_t key = ((uint64_t)hash ^ (uint64_t)policy << 3 ^ kind) * 0x9e3779b97f4a7c15ull;
    struct verdict_cache *cached = &session->filter->names[key >> (64 - FILTER_VERDICT_BITS)];
    if (hash == -1 || cached->key != key) {
        uint8_t action = decide(session, policy, kind, name, scope_is_secret(name));
        if (hash == -1) {
            return action;
        }
        *cached = (struct verdict_cache){key, action};
    }
    return cached->action;
}

uint8_t filter_text(struct session *session, uint32_t policy, enum filter_name_kind kind,
                    const char *name)
{
    if (session->filter == NULL) {
        return scope_is_secret_text(name) ? CTR_REDACT : CTR_KEEP;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace");
    PyErr_Clear();
    uint8_t action =
        text != NULL ? decide(session, policy, kind, text, scope_is_secret_text(name)) : CTR_REDACT;
    Py_XDECREF(text);
    PyErr_SetRaisedException(pending);
    return action;
}

uint8_t filter_key(struct session *session, uint32_t policy, enum filter_name_kind kind,
                   PyObject *key)
{
    if (PyUnicode_Check(key)) {
        return filter_name(session, policy, kind, key);
    }
    return PyBytes_Check(key) ? filter_text(session, policy, kind, PyBytes_AS_STRING(key))
                              : CTR_KEEP;
}

/* What a function returns and yields is known by its name. */
static uint8_t decide_result(struct session *session, uint32_t policy, PyCodeObject *code,
                             PyObject *globals)
{
    struct filter_subject subject = {.module = module_text(globals, "__name__"),
                                     .file = code->co_filename,
                                     .name = code->co_qualname};
    struct candidates candidates = find_candidates(session->filter, &subject);
    PyErr_Clear();
    uint8_t action = decide(session, policy, FILTER_RETURN, candidates.texts[FILTER_OBJ],
                            scope_is_secret(code->co_name));
    free_candidates(&candidates);
    return action;
}

uint8_t filter_result(struct session *session, uint32_t policy, PyCodeObject *code,
                      PyObject *globals, enum filter_way_out way)
{
    static const char *const labels[] = {NULL, "<yield>", "<unwind>"};
    if (policy == FILTER_BUILT_IN) {
        return way != FILTER_UNWINDS && scope_is_secret(code->co_name) ? CTR_REDACT : CTR_KEEP;
    }
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *label = labels[way] != NULL ? PyUnicode_FromString(labels[way]) : NULL;
    PyErr_Clear();
    uint8_t action = policy_action(policy);
    if (label == NULL ||
        filter_pattern(session->filter, policy, FILTER_RETURN, label, &action) < 0) {
        action = way == FILTER_UNWINDS ? policy_action(policy)
                                       : decide_result(session, policy, code, globals);
    }
    Py_XDECREF(label);
    PyErr_SetRaisedException(pending);
    return action;
}

/* ---- what the trace says of it
 * -------------------------------------------------------------------- */

void filter_count(struct session *session, enum filter_name_kind kind, uint8_t action)
{
    bool drops = action == CTR_DROP;
    enum ctr_counter first = drops ? CTR_C_dropped_arguments : CTR_C_redacted_arguments;
    ctr_count(session->writer, drops ? CTR_C_values_dropped : CTR_C_values_redacted);
    ctr_count(session->writer, first + kind);
}

static void add_run_entry(struct ct_bytes *run, const char *key, PyObject *value)
{
    PyObject *text = PyObject_Str(value);
    ct_bytes_add_block(run, key, strlen(key));
    text_add(run, text);
    Py_XDECREF(text);
    PyErr_Clear();
}

void filter_add_run(PyObject *table, struct ct_bytes *run)
{
    static const char *const keys[] = {"filter.name", "filter.path", "filter.sha256",
                                       "filter.version"};
    PyObject *filters = PyTuple_GET_ITEM(table, 3);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(filters); i++) {
        PyObject *filter = PyTuple_GET_ITEM(filters, i);
        for (Py_ssize_t j = 0; j < 4 && PyTuple_Check(filter) && j < PyTuple_GET_SIZE(filter);
             j++) {
            add_run_entry(run, keys[j], PyTuple_GET_ITEM(filter, j));
        }
    }
}
