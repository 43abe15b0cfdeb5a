/* The server that has a recording open, known to other `ct` of the same user: a file of mode 0600
 * in $XDG_RUNTIME_DIR (or the state directory), locked while the server lives. One that a killed
 * server left behind is not locked and hinders nobody. */
#ifndef CT_CLI_INSTANCE_H
#define CT_CLI_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"

struct instance {
    char *url;      /* with the token */
    char *open_url; /* works once, in a browser */
};

/* The server that has the recording in `directory` open. False: there is none. */
bool instance_find(const char *directory, struct instance *instance);
void instance_clear(struct instance *instance);

/* Tell others of the server at `port`. Where that is not possible nobody will know of it: `lock` is
 * then not held. */
void instance_publish(const char *directory, uint16_t port, const char *token,
                      struct ct_lock *lock);

#endif
