/* A recording's way into the list of recordings. */
#ifndef CT_CLI_ENLIST_H
#define CT_CLI_ENLIST_H

#include <stdint.h>

/* Register the recording in `dir`, and that the earlier one there went to `moved_to` (may be NULL).
 * Returns its short number; 0: it could not be registered, of which a note says why. */
uint64_t enlist_recording(const char *dir, const char *moved_to);

#endif
