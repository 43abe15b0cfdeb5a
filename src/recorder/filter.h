/* The recording rules of a user's filter files: which code is recorded, what happens to its names.
 *
 * The files are read, checked and composed in Python; here arrives a table of plain data, and what
 * the rules say of a code object, a type or a module is found out once, when it is met first. With
 * no files the built-in rules of scope.h stand alone, and nothing here costs anything.
 *
 * The table: (default skip, default action, rules), where
 *     rules    ((kind, how, what, exec, value, filter, patterns), ...)   in the order of the chain
 *     patterns ((kind, how, what, action), ...)
 *     kind     enum filter_scope_kind of a rule, enum filter_name_kind of a pattern
 *     how      enum filter_how; `what` is a text, None, or the arguments of _sre.compile()
 *     exec     -1 not set, 0 trace, 1 skip;  value: -1 not set, or enum ctr_variable_action
 *     filter   number of the file in the chain
 * and behind these three: the filters' descriptions, the source roots, the number of the file that
 * set the default action, and the streams that are recorded: a sum of 1 << file descriptor, or -1
 * where no file says anything of them.
 *
 * A match runs no code of the program's: it is a comparison of texts, or the C matcher of _sre. */
#ifndef CT_RECORDER_FILTER_H
#define CT_RECORDER_FILTER_H

#include "recorder/session.h"

enum filter_scope_kind { FILTER_PKG, FILTER_FILE, FILTER_OBJ };

/* In the order of the counters of the trace. */
enum filter_name_kind {
    FILTER_ARGUMENT,
    FILTER_ATTRIBUTE,
    FILTER_GLOBAL,
    FILTER_LOCAL,
    FILTER_RETURN,
    FILTER_SHAPE, /* not by a name: the value itself looks like a secret */
    FILTER_KEY,   /* of a dict: asked about as such, counted as an attribute */
};

enum filter_how { FILTER_EQUAL, FILTER_PREFIX, FILTER_ANY, FILTER_SEARCH };

/* How the names of a scope are decided: a list of patterns and what holds for all others. Numbers
 * of one session; 0 is the built-in rules alone. */
enum { FILTER_BUILT_IN = 0 };

struct filter;

/* Read a table, compile its patterns. NULL: an exception is set. */
struct filter *filter_read(PyObject *table);
void filter_free(struct filter *filter);

/* Is a standard stream recorded (by its descriptor's number), as far as the rules go? */
bool filter_records_stream(const struct filter *filter, int stream);

/* What a scope is known by; NULL where there is none. */
struct filter_subject {
    PyObject *module;
    PyObject *file; /* as the code object names it */
    PyObject *name; /* qualified */
};

enum filter_source { FROM_DEFAULT = -1, FROM_BUILT_IN = -2 }; /* else the number of a rule */

struct filter_verdict {
    bool skip;
    uint32_t policy;
    int exec_rule, value_rule, list_rule; /* which rules decided; enum filter_source */
};

/* The rules' word on a scope. `skip`: what the built-in rules say of it. */
struct filter_verdict filter_judge(struct filter *filter, const struct filter_subject *subject,
                                   bool skip);

/* "pkg.mod" of a file, as it is imported from below the rules' source roots (`filter` may be NULL:
 * there are none), else as far up as packages go. New; NULL: it has no such name, or there is no
 * memory and an exception set. */
PyObject *filter_module_of_file(const struct filter *filter, PyObject *file);

/* What the selectors of rules see of it: (module, file, object), each a text or None. */
PyObject *filter_seen(struct filter *filter, const struct filter_subject *subject);

/* The same for a code object, the attributes of a type, the names of a module. */
struct filter_verdict filter_code(struct session *session, PyCodeObject *code, PyObject *globals);
uint32_t filter_type(struct session *session, PyTypeObject *type);
uint32_t filter_module(struct session *session, PyObject *globals);

/* What becomes of a value by its name (enum ctr_variable_action). */
uint8_t filter_name(struct session *session, uint32_t policy, enum filter_name_kind kind,
                    PyObject *name);
uint8_t filter_key(struct session *session, uint32_t policy, enum filter_name_kind kind,
                   PyObject *key); /* of a dict: text or bytes */
uint8_t filter_text(struct session *session, uint32_t policy, enum filter_name_kind kind,
                    const char *name);

/* What becomes of what leaves a function; yields and exceptions have patterns of their own. */
enum filter_way_out { FILTER_RETURNS, FILTER_YIELDS, FILTER_UNWINDS };
uint8_t filter_result(struct session *session, uint32_t policy, PyCodeObject *code,
                      PyObject *globals, enum filter_way_out way);

/* The pattern of the policy's list that decides on a name, -1 when none does. */
int filter_pattern(struct filter *filter, uint32_t policy, enum filter_name_kind kind,
                   PyObject *name, uint8_t *action);

/* What stands in the place of a value that is not kept. */
static inline uint8_t filter_tag(uint8_t action)
{
    return action == CTR_DROP ? CTR_V_DROPPED : CTR_V_REDACTED;
}

/* Count a value that was redacted or dropped. */
void filter_count(struct session *session, enum filter_name_kind kind, uint8_t action);

/* The filters' descriptions, as CTR_DEF_RUN entries. */
void filter_add_run(PyObject *table, struct ct_bytes *run);

#endif
