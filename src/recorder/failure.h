/* What happens when the recorder itself fails: which exception it is, who gets to see it, and how
 * the recording ends. Without an order to the contrary nobody but the log does. */
#ifndef CT_RECORDER_FAILURE_H
#define CT_RECORDER_FAILURE_H

#include "recorder/log.h"
#include "recorder/session.h"

enum { FAILURE_DETAILS = 2 };

/* Borrowed texts. `code` and `kind` are those of codetracer_python_recorder.errors. */
struct failure {
    const char *kind;
    const char *code;
    const char *message;
    struct log_detail details[FAILURE_DETAILS]; /* those with a key */
};

/* Raise it: for a function that Python code has called. Returns NULL. */
PyObject *failure_raise(const struct failure *failure);

/* A line on standard error, in which what a terminal would obey is escaped. */
void failure_say(const char *text);

/* The same as failure_raise where nobody is there to catch it, at the end of the process. `aborts`:
 * it then ends with status 1, where it would have with 0. */
void failure_tell(const struct failure *failure, bool aborts);

/* What a status of session.h's functions stands for; `error` holds its text. */
struct failure failure_of(int status, const struct ct_error *error);
/* The same where files are written at the end, or by a flush. */
struct failure failure_to_finalise(int status, const struct ct_error *error);

/* An event cannot be recorded: the recording ends here. For a callback to return: None, or NULL
 * where the policy orders that the program be stopped. */
PyObject *failure_end(struct session *session, const struct failure *failure);

/* Log, once, that the writer has ended the recording at a limit. False: it has not. */
bool failure_tell_limit(struct session *session);

/* The same as failure_end for a recording that its writer has ended. */
PyObject *failure_end_by_writer(struct session *session);

#endif
