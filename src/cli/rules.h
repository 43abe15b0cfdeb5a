/* The recording rules of `ct record`: the package reads them, in a process of its own, so that the
 * recorded one has nothing to import. */
#ifndef CT_CLI_RULES_H
#define CT_CLI_RULES_H

#include "cli/interpreter.h"
#include "cli/options.h"
#include "cli/target.h"

struct rules_asked {
    struct cli_texts filters; /* paths, joined by "::" */
    struct cli_texts only;
    struct cli_texts skip;
};

/* Does anything but the built-in rules hold: an option, CODETRACER_TRACE_FILTER, or the filter of
 * the program's project? */
bool rules_are_asked(const struct rules_asked *asked, const struct target *target);

/* Compile them into a temporary file, whose path is the caller's to free. Returns the status to
 * exit with, after it was said what is wrong. */
int rules_compile(const struct interpreter *interpreter, const struct rules_asked *asked,
                  const struct target *target, char **path);

/* Run `python -m codetracer_python_recorder filter WORDS`; returns its status. */
int rules_ask(const struct interpreter *interpreter, char *const *words, int count);

#endif
