/* The variables a line can see, as records: what did not change since it was last put down is
 * copied. */
#ifndef CT_EXPORT_SCOPE_H
#define CT_EXPORT_SCOPE_H

#include "export/names.h"
#include "export/values.h"

struct export_slot { /* a variable of one code object */
    struct export_cached cached;
    uint32_t variable; /* its id plus 1; 0: not announced yet */
};

struct export_entry { /* a name of one namespace */
    struct ctr_value key;
    struct export_cached cached;
    uint32_t variable; /* as above */
    bool is_name;
    bool is_builtins;
};

struct export_namespace {
    uint64_t object;
    struct export_entry *entries;
    uint32_t count;
    struct export_namespace *next;
};

enum { EXPORT_NAMESPACE_BUCKETS = 256 };

struct export_scope {
    struct export_values *values;
    struct ctr_trace *trace;
    struct export_names names;
    struct export_slot **plans; /* by plan, then by slot; NULL: not met yet */
    struct export_namespace *namespaces[EXPORT_NAMESPACE_BUCKETS];
    uint64_t *seen; /* by variable: the last line that showed it */
    uint32_t seen_capacity;
    uint64_t lines;
    struct export_argument *arguments; /* of the latest call */
    uint32_t argument_count, argument_capacity;
    struct ct_bytes text;
    bool failed; /* out of memory */
};

bool export_scope_init(struct export_scope *scope, struct ctr_trace *trace,
                       struct export_values *values);
void export_scope_clear(struct export_scope *scope);

/* Announce the variable if it is new; its id. */
uint32_t export_scope_variable(struct export_scope *scope, struct ctr_text name);

/* Put down a Value for every local of the frame, then for every global that no local hides. */
void export_scope_line(struct export_scope *scope, const struct ctr_frame *frame);

/* Encode the frame's arguments into `arguments` and announce their names. */
void export_scope_arguments(struct export_scope *scope, const struct ctr_frame *frame);

/* The same with one argument that is no variable of the frame. */
void export_scope_argument(struct export_scope *scope, const char *name,
                           const struct export_cached *cached);

#endif
