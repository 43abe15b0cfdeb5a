/* `ct delete`: recordings and their entries in the list. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/recordings.h"
#include "cli/removal.h"

struct fields {
    bool yes;
};

/* A recording that is named twice is deleted once. */
static bool is_among(const struct registry_entries *entries, const char *id)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->items[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* All of them, or none: a slip in one name deletes nothing. */
static bool find_all(struct registry *registry, const struct cli_operands *operands,
                     struct registry_entries *entries)
{
    for (int i = 0; i < operands->count; i++) {
        struct registry_entry entry;
        if (!recordings_named(registry, operands->items[i], &entry)) {
            return false;
        }
        if (is_among(entries, entry.id)) {
            registry_entry_clear(&entry);
        } else {
            entries->items[entries->count++] = entry;
        }
    }
    return true;
}

static int run_delete(const void *given, const struct cli_operands *operands)
{
    const struct fields *fields = given;
    if (operands->count == 0) {
        return cli_usage_error(&cli_command_delete, "no recording to delete");
    }
    struct ct_error error = {.message = "out of memory"};
    struct registry *registry = NULL;
    struct registry_entries entries = {.items =
                                           calloc((size_t)operands->count, sizeof *entries.items)};
    int status = CLI_FAILED;
    if (entries.items == NULL || registry_open(&registry, &error) != CT_OK) {
        cli_error("%s", error.message);
    } else if (find_all(registry, operands, &entries)) {
        status = removal_run(registry, &entries, fields->yes);
    }
    registry_close(registry);
    registry_entries_clear(&entries);
    return status;
}

static const struct cli_option delete_options[] = {
    {'y', "yes", CLI_FLAG, offsetof(struct fields, yes), NULL, "delete without asking"},
    {0},
};

const struct cli_command cli_command_delete = {
    .name = "delete",
    .summary = "Delete recordings",
    .usage = "[--yes] RECORDING...",
    .details =
        "RECORDING is the number of a recording in `ct list`, its identifier, or four or more\n"
        "digits at the beginning of that. Asks first. Deletes the files `ct` made there, and\n"
        "the directory if nothing else is in it. Prints the identifiers of what is gone.",
    .options = delete_options,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_delete,
};
