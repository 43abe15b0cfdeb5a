/* The variables of the frame an event happened in, and which of them changed since last asked. */
#ifndef CT_CLI_PRINT_VARIABLE_H
#define CT_CLI_PRINT_VARIABLE_H

#include "cli/print.h"

/* Start from print_variables_start; free with print_variables_end. */
struct print_variables {
    struct print *print;
    const struct ctr_plan *plan;
    uint32_t slot;
    bool in_namespace;  /* the names of module, class and exec code: pairs of one dict */
    uint64_t namespace; /* its object number */
    uint32_t pair;
    struct ct_bytes name; /* of the current variable */
    struct ctr_value value;
    bool is_argument;
    struct print_changes *changes; /* of print_changes_visit, with what is noted of it: */
    struct print_note **note;
};

/* The head of what a view remembers of a variable until it is looked at again. */
struct print_note {
    size_t bytes;
};

void print_variables_start(struct print_variables *variables, struct print *print);
/* The next variable that has a value. */
bool print_variables_next(struct print_variables *variables);
void print_variables_end(struct print_variables *variables);

static inline struct ctr_text print_variable_name(const struct print_variables *variables)
{
    return (struct ctr_text){(const char *)variables->name.data, variables->name.size};
}

/* Remembers what the variables of the frames seen last looked like. Bounded: a frame that was
 * forgotten shows all its variables again. */
struct print_changes;

struct print_changes *print_changes_new(void);
void print_changes_free(struct print_changes *changes);
/* Remember `note`, made by malloc, of this variable, and forget the one before. NULL: none. */
void print_note_keep(struct print_variables *variable, struct print_note *note);

/* A hash of everything below a value that makes it read otherwise. */
uint64_t print_fingerprint(struct print_variables *variable, struct ctr_value value);

/* Look at the variables of the event's frame; `each` is called for those that are new or changed.
 */
void print_changes_visit(struct print_changes *changes, struct print *print,
                         void (*each)(struct print_variables *variable, void *context),
                         void *context);

#endif
