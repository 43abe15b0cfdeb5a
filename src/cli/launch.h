/* Start the program under its interpreter with the order to record it.
 *
 * The recorder inside is told what to do through one environment variable (base/start_options.h).
 * Where the interpreter does not read the package's start hook, the recorder is run as a module,
 * and is told by its options. */
#ifndef CT_CLI_LAUNCH_H
#define CT_CLI_LAUNCH_H

#include <stdbool.h>

#include "base/start_options.h"
#include "cli/interpreter.h"
#include "cli/rules.h"
#include "cli/target.h"

/* Whether a CodeTracer host started this `ct`: it reads standard output, and drops a recording
 * when the exit status is not 0. */
bool launch_has_host(void);

/* Whether the environment holds an order that the Python side reads: settings of the policy, or
 * that nothing be recorded. The recorder then runs as a module, also where there is a start hook.
 */
bool launch_has_policy(void);

/* Whether it is a test framework, of which the Python side knows what to leave out. */
bool launch_is_framework(const struct target *target);

/* Run it to its end; `*wait_status` is as waitpid() gives it. */
int launch_run(const struct interpreter *interpreter, bool has_start_hook,
               const struct target *target, const struct rules_asked *rules,
               const struct ct_start_options *order, int *wait_status, struct ct_error *error);

#endif
