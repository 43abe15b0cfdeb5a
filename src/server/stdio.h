/* DAP over a pair of descriptors, as editors start an adapter: one client, one session. */
#ifndef CT_SERVER_STDIO_H
#define CT_SERVER_STDIO_H

#include "base/status.h"
#include "trace/reader.h"

struct sv_stdio_options {
    int in, out;             /* stay the caller's */
    struct ctr_trace *trace; /* NULL: the client names it */
    const char *directory;   /* of the recording, or NULL */
};

/* Serve until the client disconnects or leaves. SIGPIPE must be ignored. CT_EFORMAT, CT_ELIMIT: it
 * sent what is no message; everything before that is answered. */
int sv_stdio_run(const struct sv_stdio_options *options, struct ct_error *error);

#endif
