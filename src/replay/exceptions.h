/* Which exceptions continue stops at: by how far they come, and by type. */
#ifndef CT_REPLAY_EXCEPTIONS_H
#define CT_REPLAY_EXCEPTIONS_H

#include "replay/session.h"

/* How far an exception comes from where it is raised. */
enum rp_fate {
    RP_RAISED,          /* nowhere: the call that raised it handles it */
    RP_LEAVES_CALL,     /* out of that call */
    RP_LEAVES_RECORDED, /* out of all recorded code: a library, C code or nobody handles it */
    RP_UNCAUGHT,        /* it ends the program, or the thread */
};

struct rp_exception_rule {
    enum rp_fate at_least;
    bool is_never; /* exceptions of these types stop in no case, whatever the other rules say */
    /* "ValueError, app.Error, !KeyError": names of types, with their module or without, or their
     * last part; `!`: not those. Of Python's own types the bases are known: a name is that of the
     * ones derived from it, too. "": all. */
    const char *types;
};

/* No exception stops any more. */
void rp_exceptions_clear(struct rp_session *session);

/* Stop at these, too. CT_EUSAGE, and nothing is added: the types make no sense at `*at`.
 * `*has_any`: the recording has exceptions of such types. */
int rp_exceptions_add(struct rp_session *session, const struct rp_exception_rule *rule,
                      bool *has_any, size_t *at, struct ct_error *error);

#endif
