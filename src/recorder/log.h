/* The recorder's own log: one JSON object per line, to a file or to standard error.
 *
 * Only what holds the interpreter's lock writes it: the thread that writes the trace leaves its
 * reason with the writer, and the program's next event finds it there. No file stays open. */
#ifndef CT_RECORDER_LOG_H
#define CT_RECORDER_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

struct log_settings {
    enum log_level level; /* least important that is written */
    const char *file;     /* absolute; NULL: standard error */
    bool json_errors;     /* a line for each exception, on standard error */
};

/* Take over settings; the texts are copied. */
void log_configure(const struct log_settings *settings);

/* `detail` may be NULL or empty. */
void log_message(enum log_level level, const char *message, const char *detail);

struct log_detail {
    const char *key; /* NULL: none */
    const char *value;
};

struct log_error {
    const char *kind;
    const char *code;
    const char *message;
    bool has_trailer; /* where the policy asks for them */
    const struct log_detail *details;
    size_t detail_count;
};

void log_error(const struct log_error *error);

#endif
