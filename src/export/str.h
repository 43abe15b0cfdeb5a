/* What Python's str() gives for a recorded value that is no text: trace/text.h has its repr. */
#ifndef CT_EXPORT_STR_H
#define CT_EXPORT_STR_H

#include "trace/shape.h"

enum { EXPORT_TEXT_MAX = 1 << 20 }; /* characters of one text and of a whole repr */

void export_str(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

/* "Type: message" of an exception, as a traceback ends. */
void export_exception_line(struct ctr_player *player, struct ctr_value value, struct ct_bytes *to);

/* The object that holds the value's state; NULL when it has none. */
const struct ctr_object *export_object(struct ctr_player *player, struct ctr_value value);

#endif
