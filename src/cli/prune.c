/* `ct prune`: delete the recordings nobody will want any more. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/removal.h"

struct fields {
    const char *older_than;
    struct cli_number keep;
    bool deleted;
    bool yes;
};

/* "90m", "12h", "30d", "8w" as seconds; false when it is none. */
static bool parse_age(const char *text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    enum { MOST_DIGITS = 9 };
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; digits > 0 && digits <= MOST_DIGITS && i < sizeof units / sizeof units[0];
         i++) {
        if (text[digits] == units[i].letter && text[digits + 1] == '\0') {
            *seconds = strtoll(text, NULL, 10) * units[i].seconds;
            return true;
        }
    }
    return false;
}

/* The moment `seconds` ago, as the list writes it: such texts sort by time. */
static void format_limit(int64_t seconds, char text[32])
{
    time_t limit = time(NULL) - seconds;
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&limit, &utc) != NULL && utc.tm_year >= 0) {
        strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    }
}

/* Take out of `entries`, which are the newest first, what is to stay. */
static void drop_kept(struct registry_entries *entries, const struct fields *fields,
                      const char *limit)
{
    size_t count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        struct registry_entry *entry = &entries->items[i];
        bool is_kept = (fields->keep.is_given && i < fields->keep.value) ||
                       (limit != NULL && strcmp(entry->recorded_at, limit) >= 0) ||
                       (fields->deleted && entry->state != RECORDING_DELETED);
        if (is_kept) {
            registry_entry_clear(entry);
        } else {
            entries->items[count++] = *entry;
        }
    }
    entries->count = count;
}

static int prune(const struct fields *fields, const char *limit)
{
    struct ct_error error;
    struct registry *registry;
    struct registry_entries entries = {0};
    struct registry_query everything = {0};
    int exit_status = CLI_FAILED;
    int status = registry_open(&registry, &error);
    if (status == CT_OK) {
        status = registry_find(registry, &everything, &entries, &error);
    }
    if (status != CT_OK) {
        cli_error("%s", error.message);
    } else {
        drop_kept(&entries, fields, limit);
        if (entries.count == 0) {
            cli_note("there is nothing to prune");
        }
        exit_status = entries.count == 0 ? CLI_OK : removal_run(registry, &entries, fields->yes);
    }
    registry_entries_clear(&entries);
    registry_close(registry);
    return exit_status;
}

static int run_prune(const void *given, const struct cli_operands *operands)
{
    const struct fields *fields = given;
    char limit[32];
    int64_t seconds;
    if (operands->count > 0) {
        return cli_usage_error(&cli_command_prune,
                               "takes no '%s': `ct delete` deletes a recording by name",
                               operands->items[0]);
    }
    if (fields->older_than == NULL && !fields->keep.is_given && !fields->deleted) {
        return cli_usage_error(&cli_command_prune, "say which: --older-than, --keep or --deleted");
    }
    if (fields->older_than == NULL) {
        return prune(fields, NULL);
    }
    if (!parse_age(fields->older_than, &seconds)) {
        return cli_usage_error(&cli_command_prune,
                               "--older-than: '%s' is not an age such as 90m, 12h, 30d or 8w",
                               fields->older_than);
    }
    format_limit(seconds, limit);
    return prune(fields, limit);
}

static const struct cli_option prune_options[] = {
    {0, "older-than", CLI_TEXT, offsetof(struct fields, older_than), "AGE",
     "recordings begun longer ago than AGE: 90m, 12h, 30d, 8w"},
    {0, "keep", CLI_COUNT, offsetof(struct fields, keep), "N", "all but the N newest"},
    {0, "deleted", CLI_FLAG, offsetof(struct fields, deleted), NULL,
     "those whose directory is gone: only their entries are left"},
    {'y', "yes", CLI_FLAG, offsetof(struct fields, yes), NULL, "delete without asking"},
    {0},
};

const struct cli_command cli_command_prune = {
    .name = "prune",
    .summary = "Delete old recordings",
    .usage = "[--older-than AGE] [--keep N] [--deleted] [--yes]",
    .details = "Deletes what all the given options agree on, as `ct delete` does; at least one of\n"
               "them must be given. Asks first. Prints the identifiers of what is gone.",
    .options = prune_options,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_prune,
};
