/* The built-in rules: which code is recorded, which names are secret. */
#ifndef CT_RECORDER_SCOPE_H
#define CT_RECORDER_SCOPE_H

#include "recorder/session.h"

int scope_init(struct session *session);

/* Is this code out of scope: the standard library, the recorder itself, synthetic files? */
bool scope_skips(struct session *session, PyCodeObject *code);

/* Does a variable, attribute or key of this name hold a secret? Words of snake_case and camelCase
 * names decide: password, token, secret, api_key and their like. */
bool scope_is_secret(PyObject *name);
bool scope_is_secret_text(const char *name);
bool scope_is_secret_key(PyObject *key); /* of a dict: text or bytes */

#endif
