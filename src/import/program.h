/* What the program was, and what it did, from the events of a foreign trace.
 *
 * Those formats have no frames. This module has: it follows calls and returns, knows which values
 * belong to which step, and hands calls, lines and returns to a sink. It runs twice: the first time
 * to find out which variables each function has, since a trace must say so before the first call.
 *
 * The peculiarities of the format that end here:
 *   - a call is a step at the definition, then the call, and perhaps the arguments once more before
 *     both, as values of the caller's step;
 *   - the whole run is inside a function `<toplevel>`, with a step of its own;
 *   - a step may be in another file than its function: it gets a frame of its own. */
#ifndef CT_IMPORT_PROGRAM_H
#define CT_IMPORT_PROGRAM_H

#include "import/map.h"
#include "import/source.h"

enum {
    IMPORT_NO_FUNCTION = 0xffffffffu,
    IMPORT_NAMES_MAX = 1 << 20,         /* paths, variables, types, functions: of each */
    IMPORT_NAMES_BYTES_MAX = 256 << 20, /* of all of them together */
    IMPORT_VARIABLES_MAX = 1 << 12,     /* of one function */
    IMPORT_CALLS_MAX = 1 << 20,         /* open at once */
};

struct import_name {
    char *text;
    size_t size;
};

struct import_type {
    struct import_name name;
    struct import_name fields; /* each with its NUL */
    uint32_t kind;
};

struct import_function {
    struct import_name name;
    uint32_t path;
    uint32_t line;
};

struct import_variable {
    uint32_t name;
    bool is_argument; /* of any call */
};

/* A function as it appears in one file. */
struct import_plan {
    uint32_t function; /* or IMPORT_NO_FUNCTION */
    uint32_t path;
    struct import_variable *variables; /* in the order of the slots, arguments first */
    uint32_t count;
    uint32_t arguments;
};

/* The values of a step, or the arguments of a call. */
struct import_bindings {
    const struct import_values *values;
    const struct import_argument *items;
    uint32_t count;
};

struct import_sink {
    int (*call)(struct import_sink *sink, uint32_t plan, const struct import_bindings *arguments,
                struct ct_error *error);
    int (*line)(struct import_sink *sink, uint32_t plan, uint32_t line,
                const struct import_bindings *values, struct ct_error *error);
    int (*leave)(struct import_sink *sink, const struct import_bindings *result,
                 struct ct_error *error);
    int (*io)(struct import_sink *sink, uint32_t stream, const struct ct_bytes *text,
              struct ct_error *error);
};

/* What of the file a trace does not keep. */
struct import_losses {
    uint64_t events;       /* of kinds that have no place in a trace */
    uint64_t loose_values; /* that belong to no step */
    uint64_t variables;    /* beyond IMPORT_VARIABLES_MAX of a function */
};

struct import_step {
    bool is_there;
    bool is_first; /* of all */
    uint32_t path, line;
    struct import_values values;
    struct import_argument *items;
    uint32_t count, capacity;
};

struct import_open_call {
    uint32_t plan;
    bool is_borrowed; /* for steps of another file: no Return belongs to it */
    bool is_hidden;   /* `<toplevel>`: it has no frame */
};

struct import_program {
    struct import_source *source;
    void (*progress)(unsigned percent); /* may be NULL */
    struct import_sink *sink;
    struct import_name *paths;
    struct import_name *variables;
    struct import_type *types;
    struct import_function *functions;
    uint32_t path_count, variable_count, type_count, function_count;
    struct import_plan *plans;
    uint32_t plan_count;
    uint64_t name_bytes;
    struct import_map plan_of; /* function and path */
    struct import_map slot_of; /* plan and variable */
    bool is_learned;           /* the first run is over: nothing new may come */
    struct import_losses losses;
    bool has_exit_status; /* `<toplevel>` returned it */
    int32_t exit_status;

    /* Of one run over the events. */
    uint32_t seen_paths, seen_variables, seen_types, seen_functions;
    struct import_open_call *stack;
    uint32_t depth, stack_capacity;
    struct import_step older, newer; /* not handed over yet */
    uint64_t steps;
    uint64_t loose; /* values since the last call or return, while there is no step */
};

/* Run over all events. */
int import_program_run(struct import_program *program, struct import_sink *sink,
                       struct ct_error *error);
/* The first run: fills in the tables. */
int import_program_learn(struct import_program *program, struct ct_error *error);
void import_program_free(struct import_program *program);

/* The slot of a variable, or NULL. */
static inline const uint32_t *import_slot(const struct import_program *program, uint32_t plan,
                                          uint32_t variable)
{
    return import_map_get(&program->slot_of, (uint64_t)plan << 32 | variable);
}

#endif
