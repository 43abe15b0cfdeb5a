/* `ct list`: the recordings of the list, newest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/recordings.h"
#include "cli/terminal.h"
#include "trace/text.h"

struct fields {
    const char *format; /* "text", "json"; NULL: text */
    bool json;
    struct cli_number limit;
};

enum {
    FIXED_COLUMNS = 55, /* all but the last two, with the spaces between */
    LEAST_COLUMNS = 12,
};

struct table {
    size_t program_columns, directory_columns; /* 0: as wide as it is */
    bool has_color;
    struct ct_bytes line;
    struct ct_bytes cell;
};

/* ---- Text ---- */

static struct table new_table(void)
{
    unsigned width = terminal_width(stdout);
    struct table table = {.has_color = terminal_has_color(stdout)};
    if (width > 0) {
        size_t rest =
            width > FIXED_COLUMNS + 2 * LEAST_COLUMNS ? width - FIXED_COLUMNS : 2 * LEAST_COLUMNS;
        table.program_columns = rest / 2;
        table.directory_columns = rest - rest / 2 - 2;
    }
    return table;
}

/* In the time zone of the one who reads. */
static void format_local(const char *recorded_at, char text[32])
{
    struct tm utc = {0};
    struct tm local;
    snprintf(text, 32, "%.16s", recorded_at);
    if (strptime(recorded_at, "%Y-%m-%dT%H:%M:%S", &utc) != NULL) {
        time_t seconds = timegm(&utc);
        if (localtime_r(&seconds, &local) != NULL) {
            strftime(text, 32, "%Y-%m-%d %H:%M", &local);
        }
    }
}

static void format_exit(int32_t status, char text[16])
{
    if (status == INT32_MIN) {
        snprintf(text, 16, "?");
    } else {
        snprintf(text, 16, "%d", status);
    }
}

static void add_fixed(struct table *table, const struct registry_entry *entry)
{
    char recorded[32], duration[32], exit_status[16], size[32];
    format_local(entry->recorded_at, recorded);
    recordings_duration(entry->duration, duration);
    format_exit(entry->exit_status, exit_status);
    recordings_size(entry->bytes, size);
    bool is_red = table->has_color && entry->exit_status != 0 && entry->exit_status != INT32_MIN;
    ct_bytes_add_format(&table->line, "%4llu  ", (unsigned long long)entry->number);
    struct ct_bytes time = {.data = (uint8_t *)recorded, .size = strlen(recorded)};
    ctr_text_line(time.data, time.size, &table->line);
    ct_bytes_add_format(&table->line, "  %9s  %s%4s%s  %10s  ", duration, is_red ? "\033[31m" : "",
                        exit_status, is_red ? "\033[0m" : "", size);
}

static void add_program(struct table *table, const struct registry_entry *entry)
{
    table->cell.size = 0;
    recordings_command_line(entry, &table->cell);
    terminal_fit(&table->cell, table->program_columns, CUT_END, true, &table->line);
    ct_bytes_add_text(&table->line, "  ");
}

static void add_directory(struct table *table, const struct registry_entry *entry)
{
    bool is_gone = !recording_is_found(entry->state);
    table->cell.size = 0;
    ctr_text_line((const uint8_t *)entry->directory, strlen(entry->directory), &table->cell);
    if (entry->state != RECORDING_OK) {
        ct_bytes_add_format(&table->cell, " (%s)", recording_state_name(entry->state));
    }
    ct_bytes_add_text(&table->line, is_gone && table->has_color ? "\033[2m" : "");
    terminal_fit(&table->cell, table->directory_columns, CUT_START, false, &table->line);
    ct_bytes_add_text(&table->line, is_gone && table->has_color ? "\033[0m" : "");
}

static void print_row(struct table *table, const struct registry_entry *entry)
{
    table->line.size = 0;
    add_fixed(table, entry);
    add_program(table, entry);
    add_directory(table, entry);
    ct_bytes_add_byte(&table->line, '\n');
    if (!table->line.failed) {
        fwrite(table->line.data, 1, table->line.size, stdout);
    }
}

static void print_text(const struct registry_entries *entries, const char *pattern)
{
    struct table table = new_table();
    if (entries->count == 0 && pattern != NULL) {
        cli_note("no recording's program has '%s' in it; `ct list` shows all", pattern);
        return;
    }
    if (entries->count == 0) {
        cli_note("there are no recordings; `ct record PROGRAM` makes one");
        return;
    }
    printf("%4s  %-16s  %9s  %4s  %10s  %-*s  %s\n", "#", "recorded", "duration", "exit", "size",
           (int)table.program_columns, "program", "directory");
    for (size_t i = 0; i < entries->count; i++) {
        print_row(&table, &entries->items[i]);
    }
    if (entries->has_more) {
        cli_note("there are more; -n N shows more of them");
    }
    ct_bytes_free(&table.line);
    ct_bytes_free(&table.cell);
}

/* ---- JSON ---- */

static int print_json(const struct registry_entries *entries, struct ct_error *error)
{
    struct ct_json_out json;
    ct_json_init(&json, stdout);
    ct_json_begin_array(&json);
    for (size_t i = 0; i < entries->count; i++) {
        recordings_json(&entries->items[i], &json);
    }
    ct_json_end_array(&json);
    int status = ct_json_finish(&json, error);
    ct_json_clear(&json);
    putchar('\n');
    return status;
}

/* ---- The command ---- */

static int list(const struct fields *fields, const char *pattern, struct ct_error *error)
{
    struct registry *registry;
    struct registry_entries entries = {0};
    struct registry_query query = {.program_part = pattern,
                                   .limit = fields->limit.is_given ? fields->limit.value : 0};
    int status = registry_open(&registry, error);
    if (status == CT_OK) {
        status = registry_find(registry, &query, &entries, error);
        registry_close(registry);
    }
    bool is_json = fields->json || (fields->format != NULL && strcmp(fields->format, "json") == 0);
    if (status == CT_OK && is_json) {
        status = print_json(&entries, error);
    } else if (status == CT_OK) {
        print_text(&entries, pattern);
    }
    registry_entries_clear(&entries);
    return status;
}

static int run_list(const void *given, const struct cli_operands *operands)
{
    size_t count = operands->count;
    const char *where = count > 0 ? operands->items[0] : "local";
    bool is_remote = strcmp(where, "remote") == 0;
    bool has_where = count > 0 && (is_remote || strcmp(where, "local") == 0);
    const char *pattern = count > has_where ? operands->items[has_where] : NULL;
    struct ct_error error;
    if (count > has_where + 1u) {
        return cli_usage_error(&cli_command_list, "takes one PATTERN, not also '%s'",
                               operands->items[count - 1]);
    }
    if (is_remote) {
        cli_error("there is no server to list recordings of: ct keeps them on this machine alone");
        return CLI_FAILED;
    }
    if (list(given, pattern, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    return CLI_OK;
}

static const char *const formats[] = {"text", "json", NULL};

static const struct cli_option list_options[] = {
    {'n', "limit", CLI_COUNT, offsetof(struct fields, limit), "N", "the N newest (default: all)"},
    {0, "format", CLI_CHOICE, offsetof(struct fields, format), "FORMAT", "text (default) or json",
     formats},
    {0, "json", CLI_FLAG, offsetof(struct fields, json), NULL, "the same as --format json"},
    {0},
};

const struct cli_command cli_command_list = {
    .name = "list",
    .summary = "List the recordings of this machine",
    .usage = "[OPTION]... [local] [PATTERN]",
    .details =
        "The newest comes first; with PATTERN only those that have it in the program's path.\n"
        "The number names a recording in other commands; so does its identifier, or the\n"
        "beginning of one. A recording that is no longer where it was made is `moved` when it\n"
        "was found close by, else `deleted`; one without an end is `unfinished`: it is being\n"
        "recorded, or was cut off. The JSON is an array of CodeTracer's objects for traces.",
    .options = list_options,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_list,
};
