/* Uses a trace that may be damaged in every way the product can: it must answer or say what is
 * wrong. Nothing is compared; sanitizers, a deadline and the caller's assertions judge. */
#ifndef CT_TESTS_USE_TRACE_H
#define CT_TESTS_USE_TRACE_H

#include <stdbool.h>

struct ct_use {
    bool opened;
    bool complete; /* has its end */
    bool sound;    /* `ct verify` found nothing */
    unsigned long long steps;
};

/* Open the trace at `path`; verify it, play it, seek in it, ask every query, go through every
 * function, and close it. False when something broke a promise: `problem` says which. */
bool use_library(const char *path, struct ct_use *use, char problem[200]);

/* Run one of the `ct` commands on it as a user would; `number` chooses which. Its output goes
 * nowhere. Returns its exit status. */
int use_command(const char *path, unsigned number);
unsigned use_command_count(void);
const char *use_command_name(unsigned number);

#endif
