/* What `ct` says to a person: whole lines on standard error. Facts go to standard output.
 *
 * Losing these lines (a closed or full standard error) is never an error of its own. */
#ifndef CT_CLI_MESSAGE_H
#define CT_CLI_MESSAGE_H

/* Exit statuses of `ct` itself; a recorded program's own status is passed on as it is. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* what was asked for could not be done */
    CLI_USAGE = 2,  /* what was asked for makes no sense */
};

/* "error: ...": what went wrong, once per failure. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "help: ...": what to do next. */
void cli_help(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "ct: ...": news while all is well. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
