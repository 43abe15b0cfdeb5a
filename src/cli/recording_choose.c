#include "cli/recording_choose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/message.h"
#include "cli/recordings.h"
#include "registry/registry.h"

enum { MOST_OFFERED = 20 };

/* ---- By path ---- */

/* A directory, or the trace in one. */
static bool is_folder(const char *path)
{
    struct stat about;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return stat(path, &about) == 0 &&
           (S_ISDIR(about.st_mode) || strcmp(name, RECORDING_TRACE_FILE) == 0);
}

/* CodeTracer's own recordings have these and no trace of ours. */
static bool has_foreign_trace(const char *directory)
{
    static const char *const names[] = {"trace.json", "trace.bin"};
    bool has_any = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !has_any; i++) {
        char *path = ct_path_join(directory, names[i]);
        has_any = path != NULL && access(path, F_OK) == 0;
        free(path);
    }
    return has_any && !recording_has_trace(directory);
}

static char *choose_folder(const char *folder)
{
    static const char trace[] = "/" RECORDING_TRACE_FILE;
    char *directory = realpath(folder, NULL);
    if (directory == NULL) {
        cli_error("cannot open '%s': %s", folder, strerror(errno));
        return NULL;
    }
    size_t length = strlen(directory);
    if (length > sizeof trace && strcmp(directory + length - (sizeof trace - 1), trace) == 0) {
        directory[length - (sizeof trace - 1)] = '\0';
    }
    if (has_foreign_trace(directory)) {
        cli_error("'%s' holds a trace of CodeTracer's, and no recording", folder);
        cli_help("`ct import '%s'` makes one of it, which `ct replay` opens", folder);
        free(directory);
        return NULL;
    }
    return directory;
}

/* ---- From the list ---- */

/* Takes the entry over. */
static char *directory_of(struct registry_entry *entry)
{
    char *directory = NULL;
    if (!recording_is_found(entry->state)) {
        cli_error("recording %llu is no longer in '%s'", (unsigned long long)entry->number,
                  entry->directory);
    } else {
        directory = strdup(entry->directory);
    }
    registry_entry_clear(entry);
    return directory;
}

static char *choose_named(struct registry *registry, const char *name)
{
    struct registry_entry entry;
    return recordings_named(registry, name, &entry) ? directory_of(&entry) : NULL;
}

/* Takes over what was found, which is one or none. */
static char *directory_of_found(struct registry_entries *entries)
{
    char *directory = entries->count == 1 ? directory_of(&entries->items[0]) : NULL;
    if (entries->count == 1) {
        entries->count = 0;
    }
    registry_entries_clear(entries);
    return directory;
}

/* A number or identifier, if it is one's; else the end of a program's name. */
static char *choose_pattern(struct registry *registry, const char *pattern)
{
    struct registry_entries entries = {0};
    struct ct_error error;
    if (registry_find_named(registry, pattern, &entries, &error) == CT_OK && entries.count == 1) {
        return directory_of_found(&entries);
    }
    registry_entries_clear(&entries);
    if (registry_find_program(registry, pattern, &entries, &error) != CT_OK) {
        cli_error("%s", error.message);
        return NULL;
    }
    if (entries.count == 0) {
        cli_error("no recording is in the directory '%s', and none is of a program with that name",
                  pattern);
        cli_help("`ct list` shows the recordings");
    }
    return directory_of_found(&entries);
}

static char *choose_recent(struct registry *registry)
{
    struct registry_entries entries = {0};
    struct ct_error error;
    if (registry_find_recent(registry, &entries, &error) != CT_OK) {
        cli_error("%s", error.message);
        return NULL;
    }
    if (entries.count == 0 && recording_has_trace(".")) {
        return choose_folder("."); /* recorded where the list could not be written */
    }
    if (entries.count == 0) {
        cli_error("there is no recording yet");
        cli_help("`ct record PROGRAM` makes one");
    }
    return directory_of_found(&entries);
}

/* ---- By asking ---- */

static void offer(const struct registry_entries *entries)
{
    struct ct_bytes line = {0};
    for (size_t i = entries->count; i-- > 0;) { /* the newest last: next to the question */
        const struct registry_entry *entry = &entries->items[i];
        line.size = 0;
        recordings_command_line(entry, &line);
        fprintf(stderr, "%4llu  %.16s  %.*s\n", (unsigned long long)entry->number,
                entry->recorded_at, (int)line.size, line.size > 0 ? (char *)line.data : "");
    }
    ct_bytes_free(&line);
}

static char *ask(struct registry *registry)
{
    struct registry_entries entries = {0};
    struct registry_query query = {.found_only = true, .limit = MOST_OFFERED};
    struct ct_error error;
    char answer[64];
    if (registry_find(registry, &query, &entries, &error) != CT_OK) {
        cli_error("%s", error.message);
        return NULL;
    }
    offer(&entries);
    bool has_any = entries.count > 0;
    registry_entries_clear(&entries);
    if (!has_any) {
        cli_error("there is no recording yet");
        return NULL;
    }
    fprintf(stderr, "Which one (number)? ");
    if (fgets(answer, sizeof answer, stdin) == NULL || answer[strspn(answer, " \n")] == '\0') {
        cli_error("none was chosen");
        return NULL;
    }
    answer[strcspn(answer, "\n")] = '\0';
    return choose_named(registry, answer + strspn(answer, " "));
}

/* ---- All of it ---- */

static char *choose_listed(struct registry *registry, const struct recording_asked *asked)
{
    if (asked->id != NULL) {
        return choose_named(registry, asked->id);
    }
    if (asked->is_interactive) {
        return ask(registry);
    }
    return asked->pattern != NULL ? choose_pattern(registry, asked->pattern)
                                  : choose_recent(registry);
}

char *recording_choose(const struct recording_asked *asked)
{
    const char *folder = asked->folder;
    if (asked->pattern != NULL && is_folder(asked->pattern)) {
        folder = asked->pattern;
    }
    if (folder != NULL) {
        return choose_folder(folder);
    }
    struct registry *registry;
    struct ct_error error;
    if (registry_open(&registry, &error) != CT_OK) {
        cli_error("%s", error.message);
        cli_help("`ct replay -t DIR` needs no list");
        return NULL;
    }
    char *directory = choose_listed(registry, asked);
    registry_close(registry);
    return directory;
}

/* Whether it has the form of a number or identifier. */
static bool is_list_name(struct registry *registry, const char *name)
{
    struct registry_entries entries = {0};
    bool is_one = registry_find_named(registry, name, &entries, NULL) != CT_EUSAGE;
    registry_entries_clear(&entries);
    return is_one;
}

char *recording_resolve(const char *name)
{
    struct stat about;
    struct registry *registry;
    char *path = NULL;
    if (lstat(name, &about) == 0 || registry_open(&registry, NULL) != CT_OK) {
        path = strdup(name);
    } else {
        path = is_list_name(registry, name) ? choose_named(registry, name) : strdup(name);
        registry_close(registry);
    }
    return path;
}
