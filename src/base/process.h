/* Other programs: find them, give them an environment, run one and read what it prints. */
#ifndef CT_BASE_PROCESS_H
#define CT_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Whether `path` is a file that this user may execute. */
bool ct_is_executable(const char *path);

/* Find `name` in the directories of `path` (as in PATH; NULL finds nothing). The result, the
 * caller's to free, is NULL when there is none. Symbolic links are not followed. */
char *ct_find_program(const char *name, const char *path);

/* A copy of `environment` without the variables named in `without` (NULL-terminated) and with
 * "NAME=value" in `with` (may be NULL) at its end. One block: free() releases it; the texts stay
 * the owners'. NULL when out of memory. */
char **ct_environment_copy(char *const *environment, const char *const *without, char *with);

/* When this process started, to the next hundredth of a second: nanoseconds since 1970. 0: not
 * known. */
uint64_t ct_process_start(void);

/* What a program printed and how it ended. */
struct ct_capture {
    char *text; /* standard output and error in the order written; NUL-terminated */
    size_t size;
    int wait_status;   /* as waitpid() gives it */
    bool is_timed_out; /* it was killed after `timeout_ms` */
};

/* Run a program with empty input and collect at most `limit` bytes of what it prints; the rest is
 * read and dropped. */
int ct_process_capture(char *const *argv, char *const *environment, size_t limit, int timeout_ms,
                       struct ct_capture *capture, struct ct_error *error);

void ct_capture_clear(struct ct_capture *capture);

#endif
