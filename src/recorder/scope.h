/* The built-in rules: which code is recorded, which names are secret. */
#ifndef CT_RECORDER_SCOPE_H
#define CT_RECORDER_SCOPE_H

#include "recorder/session.h"

int scope_init(struct session *session);
void scope_free(struct session *session);

/* Why code is in or out of scope. */
enum scope_reason {
    SCOPE_PROGRAM,
    SCOPE_LIBRARY, /* the standard library */
    SCOPE_HELPER,  /* what virtual environments and setuptools put beside the packages */
    SCOPE_SYNTHETIC,
    SCOPE_RECORDER,
};

enum scope_reason scope_of_file(const struct session *session, const char *file);
enum scope_reason scope_of_code(const struct session *session, PyCodeObject *code);

/* No filter brings this code back: there is no file to show, or it is the recorder's own. */
static inline bool scope_is_final(enum scope_reason reason)
{
    return reason == SCOPE_SYNTHETIC || reason == SCOPE_RECORDER;
}

/* Does a variable, attribute or key of this name hold a secret? Words of snake_case and camelCase
 * names decide: password, token, secret, api_key and their like. */
bool scope_is_secret(PyObject *name);
bool scope_is_secret_text(const char *name);

/* The words, as a new tuple of texts. */
PyObject *scope_words(void);

#endif
