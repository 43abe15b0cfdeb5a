/* Recordings of the list, as commands show and name them. */
#ifndef CT_CLI_RECORDINGS_H
#define CT_CLI_RECORDINGS_H

#include <stdint.h>

#include "base/json_out.h"
#include "registry/registry.h"

/* "834 bytes", "12.3 KiB" */
void recordings_size(uint64_t size, char text[32]);

/* "834 ms", "12.3 s", "4:05 min", "2:04:05 h" */
void recordings_duration(uint64_t milliseconds, char text[32]);

/* Append the program and its arguments, each quoted where a shell would want it; no byte of it
 * controls a terminal. */
void recordings_command_line(const struct registry_entry *entry, struct ct_bytes *to);

/* CodeTracer's object for a trace, with members of our own behind its own. */
void recordings_json(const struct registry_entry *entry, struct ct_json_out *json);

/* Find the one recording of this number, identifier or beginning of one; or say why there is none.
 * The entry is the caller's to clear. */
bool recordings_named(struct registry *registry, const char *name, struct registry_entry *entry);

#endif
