/* `ct import`: a recording of what CodeTracer recorded; or one of our own, into the list. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/enlist.h"
#include "cli/recording_dir.h"
#include "export/recording.h"
#include "import/import.h"
#include "registry/registry.h"

struct fields {
    bool force;
    bool no_sources;
    bool unlisted;
};

/* ---- Where it goes ---- */

/* "NAME-imported" in the working directory. */
static char *default_output(const char *path)
{
    char *real = realpath(path, NULL);
    char *output = NULL;
    if (real == NULL) {
        return strdup("imported"); /* what is wrong with the path is said later */
    }
    struct stat about;
    if (stat(real, &about) == 0 && !S_ISDIR(about.st_mode)) {
        *strrchr(real, '/') = '\0';
    }
    const char *slash = strrchr(real, '/');
    int size = asprintf(&output, "%s-imported", slash == NULL ? "" : slash + 1);
    free(real);
    return size < 0 ? NULL : output;
}

static bool is_empty(const char *path)
{
    DIR *listing = opendir(path);
    if (listing == NULL) {
        return errno == ENOENT;
    }
    unsigned entries = 0;
    while (readdir(listing) != NULL) {
        entries++;
    }
    closedir(listing);
    return entries <= 2; /* itself and the one above */
}

/* ---- Doing it ---- */

static void report_losses(const struct import_report *report)
{
    if (report->lost_events > 0) {
        cli_note("  left out  %llu events of kinds that a recording does not have",
                 (unsigned long long)report->lost_events);
    }
    if (report->lost_values > 0) {
        cli_note("  left out  %llu values that belong to no step",
                 (unsigned long long)report->lost_values);
    }
    if (report->lost_variables > 0) {
        cli_note("  left out  %llu times a variable beyond the 4096th of a function",
                 (unsigned long long)report->lost_variables);
    }
}

static void finish(const struct fields *fields, const struct recording_dir *dir, const char *id,
                   const struct import_report *report)
{
    struct ct_error error;
    if (export_recording(dir->path, EXPORT_NONE, 0, &error) != CT_OK) {
        cli_error("%s", error.message);
    }
    uint64_t number = fields->unlisted ? 0 : enlist_recording(dir->path, dir->moved_to);
    if (number != 0) {
        cli_note("  number    %llu", (unsigned long long)number);
    }
    cli_note("  output    %s", dir->path);
    cli_note("  events    %llu steps, %llu calls", (unsigned long long)report->steps,
             (unsigned long long)report->calls);
    report_losses(report);
    printf("recorded with id %s\n", id);
}

static int import_into(const struct fields *fields, const char *path, const char *output)
{
    uint8_t uuid[CT_UUID_BYTES];
    char id[CT_UUID_TEXT_BYTES];
    struct ct_error error;
    struct recording_dir dir;
    struct import_report report;
    if (ct_uuid7_make(uuid, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    ct_uuid_format(uuid, id);
    if (recording_dir_take(output, id, &dir, &error) != CT_OK) {
        cli_error("cannot import into '%s': %s", output, error.message);
        return CLI_FAILED;
    }
    struct import_options options = {
        .path = path, .out = dir.path, .id = uuid, .no_sources = fields->no_sources};
    int status = import_recording(&options, &report, &error);
    if (status == CT_OK) {
        finish(fields, &dir, id, &report);
    } else {
        cli_error("%s", error.message);
    }
    recording_dir_release(&dir);
    return status == CT_OK ? CLI_OK : CLI_FAILED;
}

/* One of our own: it stays where it is. */
static int take_into_list(const char *path)
{
    struct registry_entry entry;
    struct ct_error error;
    if (registry_describe(NULL, path, &entry, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    uint64_t number = enlist_recording(path, NULL);
    if (number != 0) {
        cli_note("  number    %llu", (unsigned long long)number);
        printf("recorded with id %s\n", entry.id);
    }
    registry_entry_clear(&entry);
    return number != 0 ? CLI_OK : CLI_FAILED;
}

static int run_import(const void *given, const struct cli_operands *operands)
{
    const struct fields *fields = given;
    if (operands->count < 1 || operands->count > 2) {
        return cli_usage_error(&cli_command_import, "takes what to import, and where to");
    }
    const char *path = operands->items[0];
    if (operands->count == 1 && recording_has_trace(path)) {
        return take_into_list(path);
    }
    char *output = operands->count == 2 ? strdup(operands->items[1]) : default_output(path);
    int status = CLI_FAILED;
    if (output == NULL) {
        cli_error("out of memory");
    } else if (!fields->force && !is_empty(output)) {
        cli_error("'%s' is there and not empty", output);
        cli_help("choose another folder: `ct import %s FOLDER`; --force imports into it and keeps "
                 "a recording that is in it",
                 path);
    } else {
        status = import_into(fields, path, output);
    }
    free(output);
    return status;
}

/* ---- The command ---- */

static const struct cli_option import_options_table[] = {
    {0, "force", CLI_FLAG, offsetof(struct fields, force), NULL,
     "import into a folder that is not empty; a recording in it\nis kept in OUT/trace-ID/"},
    {0, "no-sources", CLI_FLAG, offsetof(struct fields, no_sources), NULL,
     "leave the text of the source files out of the recording"},
    {0, "unlisted", CLI_FLAG, offsetof(struct fields, unlisted), NULL,
     "keep the recording out of what `ct list` shows"},
    {0},
};

const struct cli_command cli_command_import = {
    .name = "import",
    .summary = "Make a recording of CodeTracer's trace.json or trace.bin",
    .usage = "[OPTION]... PATH [OUT]",
    .details =
        "PATH is a folder with trace.json or trace.bin (version 0), or that file; OUT is the\n"
        "folder of the new recording, NAME-imported in the working directory if it is not\n"
        "given. PATH itself is only read. A PATH with a trace.ctr is taken into the list of\n"
        "recordings and stays where it is. Prints the identifier.",
    .options = import_options_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_import,
};
