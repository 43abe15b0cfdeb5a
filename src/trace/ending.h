/* How a recording ended. */
#ifndef CT_TRACE_ENDING_H
#define CT_TRACE_ENDING_H

#include "trace/reader.h"

enum { CTR_ENDING_BYTES = CT_ERROR_MESSAGE_BYTES + 120 };

/* "the program ended", "signal 9 (Killed) ended the program", "the recorder failed: WHY". */
void ctr_ending_text(const struct ctr_info *info, char text[CTR_ENDING_BYTES]);

/* The signal that ended the program; 0: none, or it is not known. */
int ctr_ending_signal(const struct ctr_info *info);

/* Whether it holds what the program did to its end, however that came. */
bool ctr_ending_is_whole(const struct ctr_info *info);

/* What is missing, and why: of a recording that is not all there, or ended before the program. ""
 * when it is complete. */
void ctr_ending_gap(const struct ctr_info *info, char text[CTR_ENDING_BYTES]);

#endif
