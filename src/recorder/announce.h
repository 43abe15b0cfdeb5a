/* Tell `ct` of a recording that it did not start, for its list. */
#ifndef CT_RECORDER_ANNOUNCE_H
#define CT_RECORDER_ANNOUNCE_H

/* Leave a note of this directory (base/data.h). Where none can be left, nobody is told. */
void announce_recording(const char *directory);

#endif
