/* What Python's str() gives for a recorded value that is no text: trace/text.h has its repr. */
#ifndef CT_TRACE_STR_H
#define CT_TRACE_STR_H

#include <stdbool.h>

#include "trace/player.h"

enum { CTR_STR_MAX = 1 << 20 }; /* characters of one text and of a whole repr */

/* Append it. False: Python's own says more, or has an address or a zone that was not recorded; an
 * object's number stands for its address then. What a class of the program has for a __str__ does
 * not run, and does not make it false. */
bool ctr_str_of(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

/* Append "Type: message" of an exception, as a traceback ends. */
void ctr_str_exception_line(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

#endif
