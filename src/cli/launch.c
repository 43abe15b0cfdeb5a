#include "cli/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "cli/child.h"

/* A growing argument vector; `texts` are those made here. */
struct command_line {
    char **items;
    size_t count;
    char **texts;
    size_t text_count;
};

enum { MOST_OWN_ARGUMENTS = 64 + 3 * CLI_MOST_TEXTS };

static bool command_init(struct command_line *line, int program_argc)
{
    *line = (struct command_line){
        .items = calloc((size_t)program_argc + MOST_OWN_ARGUMENTS, sizeof(char *)),
        .texts = calloc(MOST_OWN_ARGUMENTS, sizeof(char *))};
    return line->items != NULL && line->texts != NULL;
}

static void command_clear(struct command_line *line)
{
    for (size_t i = 0; i < line->text_count; i++) {
        free(line->texts[i]);
    }
    free(line->texts);
    free(line->items);
}

static void add(struct command_line *line, const char *text)
{
    line->items[line->count++] = (char *)text;
}

/* --name=value, so that no value can be taken for an option. */
static void add_option(struct command_line *line, const char *name, const char *value)
{
    char *text = NULL;
    if (asprintf(&text, "--%s=%s", name, value) >= 0) {
        line->texts[line->text_count++] = text;
        add(line, text);
    }
}

static void add_texts(struct command_line *line, const char *name, const struct cli_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        add_option(line, name, texts->items[i]);
    }
}

static void add_target(struct command_line *line, const struct target *target)
{
    static const char *const flags[CT_START_KINDS] = {
        [CT_START_MODULE] = "-m", [CT_START_CODE] = "-c"};
    if (flags[target->kind] != NULL) {
        add(line, flags[target->kind]);
    } else if (target->program[0] == '-' && target->program[1] != '\0') {
        add(line, "--");
    }
    add(line, target->program);
}

static void add_arguments(struct command_line *line, const struct target *target)
{
    for (int i = 0; i < target->argc; i++) {
        add(line, target->args[i]);
    }
}

/* "max_text" to "max-text" */
static void option_name(enum ct_start_limit_name limit, char name[32])
{
    snprintf(name, 32, "%s", ct_start_limit_name(limit));
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
}

/* For an interpreter that does not read the start hook: the recorder is a module and runs the
 * program. */
static void add_recorder_module(struct command_line *line, const struct rules_asked *rules,
                                const struct ct_start_options *order)
{
    add(line, "-m");
    add(line, "codetracer_python_recorder");
    add_option(line, "trace-dir", order->dir);
    add_option(line, "format", ct_start_format_name(order->format));
    add(line, "--unlisted"); /* who lists it is us */
    if (order->has_io) {
        add_option(line, "io-capture", ct_start_io_name(order->io));
    }
    if (order->activation != NULL) {
        add_option(line, "activation-path", order->activation);
    }
    add_texts(line, "trace-filter", &rules->filters);
    add_texts(line, "only", &rules->only);
    add_texts(line, "skip", &rules->skip);
    if (order->exact) {
        add(line, "--exact");
    }
    if (order->no_sources) {
        add(line, "--no-sources");
    }
    if (order->keep_shapes) {
        add(line, "--no-redact-shapes");
    }
    if (order->no_framework_filters) {
        add(line, "--no-framework-filters");
    }
    for (int i = 0; i < CT_START_LIMITS; i++) {
        if (order->limits[i].is_given) {
            char name[32];
            char value[24];
            option_name((enum ct_start_limit_name)i, name);
            snprintf(value, sizeof value, "%llu", (unsigned long long)order->limits[i].value);
            add_option(line, name, value);
        }
    }
}

/* A CodeTracer host shows itself by these. The program is not started by that host, so it does not
 * see them. */
static const char *const host_variables[] = {"CODETRACER_RECORDING", "CODETRACER_DB_TRACE_PATH",
                                             NULL};

static const char *const not_for_the_program[] = {
    "CODETRACER_RECORDING", "CODETRACER_DB_TRACE_PATH", CT_START_VARIABLE, NULL};

/* Those of policy.py, and of launch.py. */
static const char *const policy_variables[] = {"CODETRACER_ON_RECORDER_ERROR",
                                               "CODETRACER_REQUIRE_TRACE",
                                               "CODETRACER_KEEP_PARTIAL_TRACE",
                                               "CODETRACER_LOG_LEVEL",
                                               "CODETRACER_LOG_FILE",
                                               "CODETRACER_JSON_ERRORS",
                                               "CODETRACER_CAPTURE_IO",
                                               "CODETRACER_MODULE_NAME_FROM_GLOBALS",
                                               "CODETRACER_PROPAGATE_SCRIPT_EXIT",
                                               "CODETRACER_PYTHON_RECORDER_DISABLED",
                                               NULL};

static bool has_any(const char *const *variables)
{
    bool has = false;
    for (const char *const *name = variables; *name != NULL; name++) {
        has = has || getenv(*name) != NULL;
    }
    return has;
}

bool launch_has_host(void)
{
    return has_any(host_variables);
}

/* Those of frameworks.py. */
static const char *const frameworks[] = {"pytest", "unittest", NULL};

bool launch_is_framework(const struct target *target)
{
    bool is = false;
    for (const char *const *name = frameworks; *name != NULL; name++) {
        is = is || (target->kind == CT_START_MODULE && strcmp(target->program, *name) == 0);
    }
    return is;
}

bool launch_has_policy(void)
{
    return has_any(policy_variables);
}

int launch_run(const struct interpreter *interpreter, bool has_start_hook,
               const struct target *target, const struct rules_asked *rules,
               const struct ct_start_options *order, int *wait_status, struct ct_error *error)
{
    char *order_text = NULL;
    char *variable = NULL;
    char **environment = NULL;
    struct command_line line;
    int status = ct_start_encode(order, &order_text, error);
    bool has_memory = command_init(&line, target->argc);
    if (status != CT_OK) {
        goto done;
    }
    has_memory = has_memory && (!has_start_hook ||
                                asprintf(&variable, "%s=%s", CT_START_VARIABLE, order_text) >= 0);
    environment = ct_environment_copy(environ, not_for_the_program, variable);
    if (!has_memory || environment == NULL) {
        status = ct_fail(error, CT_ENOMEM, "out of memory");
        goto done;
    }
    add(&line, interpreter->path);
    if (!has_start_hook) {
        add_recorder_module(&line, rules, order);
    }
    add_target(&line, target);
    /* The module drops one "--" after the program, as `ct record` has done already. */
    if (!has_start_hook && target->argc != 0 && strcmp(target->args[0], "--") == 0) {
        add(&line, "--");
    }
    add_arguments(&line, target);
    status = cli_child_run(line.items, environment, wait_status, error);
done:
    command_clear(&line);
    free(environment);
    free(variable);
    free(order_text);
    return status;
}
