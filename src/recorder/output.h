/* What the program writes to its standard streams, seen without replacing them: the C function
 * behind their `write` is ours while a session records, so nothing the program can look at differs.
 */
#ifndef CT_RECORDER_OUTPUT_H
#define CT_RECORDER_OUTPUT_H

#include "recorder/session.h"

void output_start(struct session *session);
void output_stop(void);

#endif
