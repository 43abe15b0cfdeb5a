/* `ct record`: run a Python program as plain `python PROGRAM` would, and record it.
 *
 * The interpreter is chosen and asked first, then the directory is taken, then the program runs as
 * a child, and what the recorder inside it left is summed up. */
#include "cli/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/start_options.h"
#include "base/uuid.h"
#include "cli/child.h"
#include "cli/command.h"
#include "cli/enlist.h"
#include "cli/finish.h"
#include "cli/interpreter.h"
#include "cli/launch.h"
#include "cli/recording_dir.h"
#include "cli/report.h"
#include "cli/rules.h"
#include "cli/target.h"

/* ---- Options ---- */

struct record_fields {
    const char *directory;
    const char *language;
    const char *format;
    const char *activation;
    const char *module;
    const char *code;
    struct rules_asked rules;
    bool exact;
    bool unlisted;
    const char *io_capture;
    bool no_sources;
    enum cli_switch redact_shapes;
    bool no_framework_filters;
    enum cli_switch propagate_exit;
    struct cli_number limits[CT_START_LIMITS];
    struct record_outcome *outcome; /* no option: NULL, or who goes on afterwards */
};

static const char *const languages[] = {"python", NULL};

static const char *const captures[] = {"off", "proxies", "proxies+fd", NULL};

#define FIELD(name) offsetof(struct record_fields, name)
#define LIMIT(name) FIELD(limits) + (name) * sizeof(struct cli_number)

static const struct cli_option record_options[] = {
    {'o', "out-dir", CLI_TEXT, FIELD(directory), "DIR",
     "where the recording goes (default: the working directory);\n"
     "an earlier recording there is kept in DIR/trace-ID/"},
    {0, "output-folder", CLI_TEXT, FIELD(directory), "DIR"},
    {0, "trace-dir", CLI_TEXT, FIELD(directory), "DIR"},
    {'m', NULL, CLI_LAST, FIELD(module), "MODULE", "record `python -m MODULE`"},
    {'c', NULL, CLI_LAST, FIELD(code), "CODE", "record `python -c CODE`"},
    {0, "lang", CLI_CHOICE, FIELD(language), "python",
     "the program's language, whatever its name looks like", languages},
    {0, "format", CLI_TEXT, FIELD(format), "FORMAT",
     "write for CodeTracer, beside trace.ctr: json (trace.json,\n"
     "the default), binary (trace.bin) or ctr (neither)"},
    {0, "activation-path", CLI_TEXT, FIELD(activation), "FILE",
     "record nothing until code of this file runs"},
    {0, "trace-filter", CLI_TEXTS, FIELD(rules.filters), "FILES",
     "filter files, joined by '::'; may be given several times"},
    {0, "only", CLI_TEXTS, FIELD(rules.only), "PATTERN",
     "record nothing but these packages or files"},
    {0, "skip", CLI_TEXTS, FIELD(rules.skip), "PATTERN", "do not record these packages or files"},
    {0, "redact-shapes", CLI_SWITCH, FIELD(redact_shapes), NULL,
     "keep values out that look like keys, tokens, card numbers or\n"
     "URLs with a password, whatever their names; the default"},
    {0, "unlisted", CLI_FLAG, FIELD(unlisted), NULL,
     "keep the recording out of what `ct list` shows"},
    {0, "no-sources", CLI_FLAG, FIELD(no_sources), NULL,
     "leave the program's source text out of the recording"},
    {0, "no-framework-filters", CLI_FLAG, FIELD(no_framework_filters), NULL,
     "under -m pytest and -m unittest, record the framework's\n"
     "code too"},
    {0, "propagate-script-exit", CLI_SWITCH, FIELD(propagate_exit), NULL,
     "end with the program's exit status; the default,\n"
     "unless a CodeTracer host started ct"},
    {0, "exact", CLI_FLAG, FIELD(exact), NULL,
     "compare every object the running code reaches at every line,\n"
     "however deep it lies and whatever it costs"},
    {0, "io-capture", CLI_CHOICE, FIELD(io_capture), "MODE",
     "record of standard input and output nothing (off), what the\n"
     "program does itself (proxies, the default), or also what children\n"
     "and C libraries write, through pipes (proxies+fd)",
     captures},
    {0, "max-text", CLI_SIZE, LIMIT(CT_START_MAX_TEXT), "SIZE",
     "longest text or bytes kept of one value; names, and texts of\n"
     "up to 7 bytes, stay whole"},
    {0, "max-items", CLI_COUNT, LIMIT(CT_START_MAX_ITEMS), "N", "most items kept of one container"},
    {0, "max-depth", CLI_COUNT, LIMIT(CT_START_MAX_DEPTH), "N",
     "deepest nesting kept of one value"},
    {0, "max-attributes", CLI_COUNT, LIMIT(CT_START_MAX_ATTRIBUTES), "N",
     "most attributes kept of one object"},
    {0, "max-size", CLI_SIZE, LIMIT(CT_START_MAX_SIZE), "SIZE",
     "end the recording when trace.ctr is this large"},
    {0, "min-free-space", CLI_SIZE, LIMIT(CT_START_MIN_FREE_SPACE), "SIZE",
     "end the recording when the disk has less than this\n"
     "(default: 1G)"},
    {0, "export-limit", CLI_SIZE, LIMIT(CT_START_EXPORT_LIMIT), "SIZE",
     "give up trace.json or trace.bin above this size"},
    {0},
};

/* ---- The command ---- */

/* A path that still means the same when the program changes its working directory. */
static char *make_absolute(const char *path)
{
    char *resolved = realpath(path, NULL);
    if (resolved != NULL || path[0] == '/') {
        return resolved != NULL ? resolved : strdup(path);
    }
    char *directory = getcwd(NULL, 0);
    char *joined = directory == NULL ? NULL : ct_path_join(directory, path);
    free(directory);
    return joined;
}

/* The program is where recording begins anyway; only another file is a gate. */
static char *make_gate(const char *activation, const struct target *target)
{
    char *gate = activation == NULL ? NULL : make_absolute(activation);
    char *program = target->kind == CT_START_SCRIPT ? make_absolute(target->program) : NULL;
    if (gate != NULL && program != NULL && strcmp(gate, program) == 0) {
        free(gate);
        gate = NULL;
    }
    free(program);
    return gate;
}

/* Upper or lower case, as for the recorder itself. CT_START_FORMATS: there is no such format. */
static enum ct_start_format parse_format(const char *name)
{
    int i = 0;
    while (i < CT_START_FORMATS &&
           strcasecmp(ct_start_format_name((enum ct_start_format)i), name) != 0) {
        i++;
    }
    return (enum ct_start_format)i;
}

static bool names_a_file(const char *filters)
{
    return filters[strspn(filters, ": \t")] != '\0';
}

/* What the parser takes for a text and has no meaning. */
static int check_fields(const struct record_fields *fields)
{
    const struct cli_command *command = &cli_command_record;
    if (fields->format != NULL && parse_format(fields->format) == CT_START_FORMATS) {
        return cli_usage_error(command, "--format: '%s' is not one of: json, binary, ctr",
                               fields->format);
    }
    if (fields->activation != NULL && fields->activation[0] == '\0') {
        return cli_usage_error(command, "--activation-path: the name is empty");
    }
    for (size_t i = 0; i < fields->rules.filters.count; i++) {
        if (!names_a_file(fields->rules.filters.items[i])) {
            return cli_usage_error(command, "--trace-filter: '%s' names no file",
                                   fields->rules.filters.items[i]);
        }
    }
    return CLI_OK;
}

static void complain_directory(const char *asked, const struct ct_error *error)
{
    cli_error("cannot record into '%s': %s", asked, error->message);
    cli_help("choose another directory with -o DIR");
}

/* A host that sees a failure drops the recording, and failures are what one wants to look at. */
static bool is_exit_masked(const struct record_fields *fields)
{
    return fields->propagate_exit == CLI_OFF ||
           (fields->propagate_exit == CLI_UNSET && launch_has_host());
}

static int record_into(const struct record_fields *fields, const struct target *target,
                       const struct interpreter *interpreter, bool has_start_hook,
                       struct recording_dir *dir, const char *id, const char *rules)
{
    char *activation = make_gate(fields->activation, target);
    struct ct_start_options order = {
        .dir = dir->path,
        .id = id,
        .format = fields->format != NULL ? parse_format(fields->format) : CT_START_JSON,
        .kind = target->kind,
        .program = target->program,
        .argc = (size_t)target->argc,
        .args = (const char *const *)target->args,
        .activation = activation,
        .exact = fields->exact,
        .io = fields->io_capture == NULL ? CT_START_IO_STREAMS
                                         : ct_start_io_named(fields->io_capture),
        .has_io = fields->io_capture != NULL,
        .no_sources = fields->no_sources,
        .keep_shapes = fields->redact_shapes == CLI_OFF,
        .rules = rules,
        .no_framework_filters = fields->no_framework_filters,
    };
    for (int i = 0; i < CT_START_LIMITS; i++) {
        order.limits[i].is_given = fields->limits[i].is_given;
        order.limits[i].value = fields->limits[i].value;
    }
    struct ct_error error;
    struct record_summary summary = {.is_host_waiting = launch_has_host(),
                                     .is_exit_masked = is_exit_masked(fields)};
    snprintf(summary.id, sizeof summary.id, "%s", id);
    int status = launch_run(interpreter, has_start_hook, target, &fields->rules, &order,
                            &summary.wait_status, &error);
    free(activation);
    order.activation = NULL;
    if (status != CT_OK) {
        cli_error("%s", error.message);
        recording_dir_release(dir);
        return CLI_FAILED;
    }
    finish_recording(&order, summary.wait_status);
    if (!fields->unlisted) {
        summary.number = enlist_recording(dir->path, dir->moved_to);
    }
    bool is_recorded = record_report(dir->path, &summary);
    if (fields->outcome != NULL) {
        fields->outcome->directory = is_recorded ? strdup(dir->path) : NULL;
        fields->outcome->wait_status = summary.wait_status;
    }
    recording_dir_release(dir);
    bool is_masked = summary.is_exit_masked || fields->outcome != NULL;
    return is_masked ? CLI_OK : cli_child_exit_status(summary.wait_status);
}

static int record_by_rules(const struct record_fields *fields, const struct target *target,
                           const struct interpreter *interpreter, bool has_start_hook,
                           const char *rules)
{
    uint8_t uuid[CT_UUID_BYTES];
    char id[CT_UUID_TEXT_BYTES];
    struct ct_error error;
    if (ct_uuid7_make(uuid, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    ct_uuid_format(uuid, id);
    has_start_hook = has_start_hook && !launch_has_policy() && !launch_is_framework(target);
    struct recording_dir dir;
    const char *asked = fields->directory == NULL ? "." : fields->directory;
    if (recording_dir_take(asked, id, &dir, &error) != CT_OK) {
        complain_directory(asked, &error);
        return CLI_FAILED;
    }
    if (dir.moved_to != NULL) {
        cli_note("the earlier recording is kept in '%s'", dir.moved_to);
    }
    if (dir.is_diverted) {
        cli_note("'%s' is being recorded into by another process; this recording goes to '%s'",
                 asked, dir.path);
    }
    return record_into(fields, target, interpreter, has_start_hook, &dir, id, rules);
}

/* Without the start hook the recorder reads the rules itself. */
static int record_with(const struct record_fields *fields, const struct target *target,
                       const struct interpreter *interpreter)
{
    struct interpreter_answer answer;
    char *rules = NULL;
    int status = CLI_OK;
    if (!interpreter_ask(interpreter, &answer)) {
        return CLI_FAILED;
    }
    if (answer.has_start_hook && rules_are_asked(&fields->rules, target)) {
        status = rules_compile(interpreter, &fields->rules, target, &rules);
    }
    if (status == CLI_OK) {
        status = record_by_rules(fields, target, interpreter, answer.has_start_hook, rules);
    }
    if (rules != NULL) {
        unlink(rules); /* the recorder has done it, if there was one */
        free(rules);
    }
    return status;
}

static int record_target(const struct record_fields *fields, const struct target *target)
{
    int status = target_check(target, fields->language != NULL);
    if (status != CLI_OK) {
        return status;
    }
    struct interpreter interpreter;
    status =
        interpreter_choose(&interpreter) ? record_with(fields, target, &interpreter) : CLI_FAILED;
    interpreter_clear(&interpreter);
    return status;
}

int record_target_into(const struct target *target, const char *directory,
                       struct record_outcome *outcome)
{
    struct record_fields fields = {.directory = directory, .outcome = outcome};
    *outcome = (struct record_outcome){0};
    return record_target(&fields, target);
}

static int run_record(const void *untyped, const struct cli_operands *operands)
{
    const struct record_fields *fields = untyped;
    struct target target;
    if (!target_choose(fields->module, fields->code, operands, &target)) {
        return cli_usage_error(&cli_command_record, "no program to record");
    }
    int status = check_fields(fields);
    return status == CLI_OK ? record_target(fields, &target) : status;
}

const struct cli_command cli_command_record = {
    .name = "record",
    .summary = "Run a Python program and record it",
    .usage = "[OPTION]... PROGRAM [ARGUMENT]...\n"
             "[OPTION]... -m MODULE [ARGUMENT]...\n"
             "[OPTION]... -c CODE [ARGUMENT]...",
    .details =
        "PROGRAM is a Python file, or a directory or zip file with a __main__.py. What follows it\n"
        "is the program's own; one `--` directly before or after PROGRAM is dropped. The program\n"
        "runs under the interpreter that is active in the shell (python3, python or py on PATH),\n"
        "or the one that CODETRACER_PYTHON_INTERPRETER names, and sees what it would see under\n"
        "plain `python PROGRAM`. The exit status is the program's.\n"
        "\n"
        "A limit of 0 means no limit. SIZE is in bytes, or with K, M or G after it.",
    .options = record_options,
    .mode = CLI_OPTIONS_FIRST,
    .fields_size = sizeof(struct record_fields),
    .run = run_record,
};
