/* Recordings that are to be deleted: shown, asked about, and deleted with their entries. */
#ifndef CT_CLI_REMOVAL_H
#define CT_CLI_REMOVAL_H

#include <stdbool.h>

#include "registry/registry.h"

/* Delete them all, or say why not; returns the exit status. Asks first unless `is_agreed`. */
int removal_run(struct registry *registry, const struct registry_entries *entries, bool is_agreed);

#endif
