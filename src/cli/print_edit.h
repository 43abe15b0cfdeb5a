/* A change of a long container, as what would have to be written in Python to make it. */
#ifndef CT_CLI_PRINT_EDIT_H
#define CT_CLI_PRINT_EDIT_H

#include "cli/print_variable.h"

/* Write the change of an object's variable since it was looked at last, as rows ended by `end`, and
 * remember the object as it is now. False, with nothing written: there is nothing to compare with,
 * or so much changed that the whole value says more. */
bool print_edits(struct print_variables *variable, struct ct_bytes *to, void (*end)(void *context),
                 void *context);

#endif
