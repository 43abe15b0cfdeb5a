#include "cli/removal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/recordings.h"

static bool has_files(const struct registry_entry *entry)
{
    return recording_is_found(entry->state);
}

static void show(const struct registry_entries *entries)
{
    uint64_t total = 0;
    char size[32];
    for (size_t i = 0; i < entries->count; i++) {
        const struct registry_entry *entry = &entries->items[i];
        uint64_t bytes = has_files(entry) ? recording_bytes(entry->directory) : 0;
        recordings_size(bytes, size);
        cli_note("  %llu  %s  %s  %s%s", (unsigned long long)entry->number, entry->program, size,
                 entry->directory, has_files(entry) ? "" : " (its files are not there)");
        total += bytes;
    }
    recordings_size(total, size);
    cli_note("%zu recording%s, %s", entries->count, entries->count == 1 ? "" : "s", size);
}

/* Whether the person at the terminal says yes. */
static bool ask(void)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO)) {
        cli_error("standard input is no terminal to ask at: --yes deletes without asking");
        return false;
    }
    fputs("ct: delete? [y/N] ", stderr);
    fflush(stderr);
    bool is_yes = fgets(answer, sizeof answer, stdin) != NULL &&
                  (strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0);
    if (!is_yes) {
        cli_note("nothing is deleted");
    }
    return is_yes;
}

static bool delete_one(struct registry *registry, const struct registry_entry *entry)
{
    struct ct_error error;
    int status = has_files(entry) ? recording_delete(entry->directory, entry->id, &error) : CT_OK;
    if (status == CT_OK) {
        status = registry_remove(registry, entry->id, &error);
    }
    if (status != CT_OK) {
        cli_error("%s", error.message);
    } else {
        printf("%s\n", entry->id);
    }
    return status == CT_OK;
}

int removal_run(struct registry *registry, const struct registry_entries *entries, bool is_agreed)
{
    int exit_status = CLI_OK;
    if (!is_agreed) {
        show(entries);
        if (!ask()) {
            return CLI_FAILED;
        }
    }
    for (size_t i = 0; i < entries->count; i++) {
        if (!delete_one(registry, &entries->items[i])) {
            exit_status = CLI_FAILED;
        }
    }
    return exit_status;
}
