/* `ct trace-metadata`: what is known of recordings, as JSON in CodeTracer's shape, for editors. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/recordings.h"

struct fields {
    const char *id;
    const char *path;
    const char *program;
    bool recent;
    struct cli_number limit;
};

enum { DEFAULT_LIMIT = 4 };

/* ---- Finding ---- */

/* None of that name, or several: nothing was found, which is no error here. */
static int find_by_id(struct registry *registry, const char *name, struct registry_entries *entries,
                      struct ct_error *error)
{
    int status = registry_find_named(registry, name, entries, error);
    if (status == CT_OK && entries->count > 1) {
        registry_entries_clear(entries);
    }
    return status;
}

/* Registered or not: a directory says itself what it holds. */
static int print_path(struct registry *registry, const char *path, struct ct_json_out *json)
{
    struct registry_entry entry;
    if (registry_describe(registry, path, &entry, NULL) != CT_OK) {
        ct_json_null(json);
        return CT_OK;
    }
    recordings_json(&entry, json);
    registry_entry_clear(&entry);
    return CT_OK;
}

static int find(struct registry *registry, const struct fields *fields,
                struct registry_entries *entries, struct ct_error *error)
{
    if (fields->id != NULL) {
        return find_by_id(registry, fields->id, entries, error);
    }
    if (fields->program != NULL) {
        return registry_find_program(registry, fields->program, entries, error);
    }
    struct registry_query recent = {.limit = fields->limit.is_given ? fields->limit.value
                                                                    : DEFAULT_LIMIT};
    return registry_find(registry, &recent, entries, error);
}

/* ---- Printing ---- */

static void print_found(const struct registry_entries *entries, bool is_array,
                        struct ct_json_out *json)
{
    if (is_array) {
        ct_json_begin_array(json);
    }
    for (size_t i = 0; i < entries->count; i++) {
        recordings_json(&entries->items[i], json);
    }
    if (is_array) {
        ct_json_end_array(json);
    } else if (entries->count == 0) {
        ct_json_null(json);
    }
}

static int print(struct registry *registry, const struct fields *fields, struct ct_error *error)
{
    struct ct_json_out json;
    struct registry_entries entries = {0};
    ct_json_init(&json, stdout);
    int status = CT_OK;
    if (fields->path != NULL) {
        status = print_path(registry, fields->path, &json);
    } else {
        status = find(registry, fields, &entries, error);
        if (status == CT_OK) {
            print_found(&entries, fields->recent, &json);
        }
    }
    if (status == CT_OK) {
        status = ct_json_finish(&json, error);
        putchar('\n');
    }
    ct_json_clear(&json);
    registry_entries_clear(&entries);
    return status;
}

/* ---- The command ---- */

static int run_trace_metadata(const void *given, const struct cli_operands *operands)
{
    const struct fields *fields = given;
    int asked =
        (fields->id != NULL) + (fields->path != NULL) + (fields->program != NULL) + fields->recent;
    if (operands->count > 0 || asked != 1) {
        return cli_usage_error(&cli_command_trace_metadata,
                               "give one of --id, --path, --program and --recent");
    }
    struct ct_error error;
    struct registry *registry;
    int status = registry_open(&registry, &error);
    if (status == CT_OK) {
        status = print(registry, fields, &error);
        registry_close(registry);
    }
    if (status != CT_OK) {
        cli_error("%s", error.message);
    }
    return status == CT_OK ? CLI_OK : CLI_FAILED;
}

static const struct cli_option trace_metadata_options[] = {
    {0, "id", CLI_TEXT, offsetof(struct fields, id), "ID",
     "the recording of this number, identifier or beginning of one"},
    {0, "path", CLI_TEXT, offsetof(struct fields, path), "DIR",
     "the recording in this directory, listed or not"},
    {0, "program", CLI_TEXT, offsetof(struct fields, program), "PATTERN",
     "the newest whose program ends with PATTERN, or has it\nanywhere"},
    {0, "recent", CLI_FLAG, offsetof(struct fields, recent), NULL,
     "an array of the newest recordings"},
    {0, "limit", CLI_COUNT, offsetof(struct fields, limit), "N", "how many of them (4); 0: all"},
    {0},
};

const struct cli_command cli_command_trace_metadata = {
    .name = "trace-metadata",
    .summary = "Print what is known of recordings, as JSON",
    .usage = "--id ID | --path DIR | --program PATTERN | --recent [--limit N]",
    .details =
        "Prints CodeTracer's object for a trace, or null when there is no such recording; an\n"
        "array of them for --recent.",
    .options = trace_metadata_options,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_trace_metadata,
};
