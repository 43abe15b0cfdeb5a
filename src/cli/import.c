/* `ct import`: a recording of what CodeTracer recorded; or one of our own, into the list. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/enlist.h"
#include "cli/recording_dir.h"
#include "export/recording.h"
#include "import/import.h"
#include "import/unpack.h"
#include "registry/registry.h"

#define MIN_FREE_SPACE_DEFAULT (1ull << 30)

struct fields {
    struct cli_number min_free_space;
    bool force;
    bool no_sources;
    bool unlisted;
};

/* ---- Where it goes ---- */

/* "NAME-imported" in the working directory; for NAME.zip it is NAME, beside it. */
static char *default_output(const char *path)
{
    size_t size = strlen(path);
    if (size > 4 && path[size - 5] != '/' && strcasecmp(path + size - 4, ".zip") == 0 &&
        import_is_zip(path)) {
        return strndup(path, size - 4);
    }
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
    int length = asprintf(&output, "%s-imported", slash == NULL ? "" : slash + 1);
    free(real);
    return length < 0 ? NULL : output;
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

static uint64_t min_free_space(const struct fields *fields)
{
    return fields->min_free_space.is_given ? fields->min_free_space.value : MIN_FREE_SPACE_DEFAULT;
}

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

static void show_progress(unsigned percent)
{
    fprintf(stderr, "\rct: importing: %3u %%", percent);
    fflush(stderr);
}

static void enlist(const struct fields *fields, const struct recording_dir *dir)
{
    uint64_t number = fields->unlisted ? 0 : enlist_recording(dir->path, dir->moved_to);
    if (number != 0) {
        cli_note("  number    %llu", (unsigned long long)number);
    }
    cli_note("  output    %s", dir->path);
}

static void finish(const struct fields *fields, const struct recording_dir *dir, const char *id,
                   const struct import_report *report)
{
    struct ct_error error;
    if (export_recording(dir->path, EXPORT_NONE, 0, &error) != CT_OK) {
        cli_error("%s", error.message);
    }
    enlist(fields, dir);
    cli_note("  events    %llu steps, %llu calls", (unsigned long long)report->steps,
             (unsigned long long)report->calls);
    report_losses(report);
    printf("recorded with id %s\n", id);
}

static int import_foreign(const struct fields *fields, const char *path,
                          const struct recording_dir *dir, const uint8_t *uuid,
                          struct ct_error *error)
{
    char id[CT_UUID_TEXT_BYTES];
    struct import_report report;
    struct import_options options = {
        .path = path,
        .out = dir->path,
        .id = uuid,
        .no_sources = fields->no_sources,
        .min_free_space = min_free_space(fields),
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    int status = import_recording(&options, &report, error);
    if (options.progress != NULL) {
        fputs("\r\033[K", stderr);
    }
    if (status == CT_OK) {
        ct_uuid_format(uuid, id);
        finish(fields, dir, id, &report);
    }
    return status;
}

/* A recording of ours that came in a zip file moves from where it was unpacked to its directory. */
static int take_unpacked(const struct fields *fields, const char *unpacked,
                         const struct recording_dir *dir, struct ct_error *error)
{
    struct registry_entry entry;
    int status = registry_describe(NULL, unpacked, &entry, error);
    if (status == CT_OK) {
        status = recording_files_move(unpacked, dir->path, error);
    }
    if (status == CT_OK) {
        enlist(fields, dir);
        printf("recorded with id %s\n", entry.id);
    }
    registry_entry_clear(&entry);
    return status;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    remove(path); /* what stays says so by being there */
    return 0;
}

/* Unpacked beside what comes of it: where there is room for the one there is for the other. */
static int import_zip(const struct fields *fields, const char *path,
                      const struct recording_dir *dir, const uint8_t *uuid, struct ct_error *error)
{
    enum { DESCRIPTORS = 16 };
    char *unpacked = ct_path_join(dir->path, ".unpacked-XXXXXX");
    if (unpacked == NULL || mkdtemp(unpacked) == NULL) {
        int status = ct_fail_errno(error, "cannot make a directory in '%s'", dir->path);
        free(unpacked);
        return status;
    }
    int status = import_unpack(path, unpacked, min_free_space(fields), error);
    if (status == CT_OK) {
        status = recording_has_trace(unpacked) ? take_unpacked(fields, unpacked, dir, error)
                                               : import_foreign(fields, unpacked, dir, uuid, error);
    }
    nftw(unpacked, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    free(unpacked);
    return status;
}

static int import_into(const struct fields *fields, const char *path, const char *output)
{
    uint8_t uuid[CT_UUID_BYTES];
    char id[CT_UUID_TEXT_BYTES];
    struct ct_error error;
    struct recording_dir dir;
    if (ct_uuid7_make(uuid, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    ct_uuid_format(uuid, id);
    if (recording_dir_take(output, id, &dir, &error) != CT_OK) {
        cli_error("cannot import into '%s': %s", output, error.message);
        return CLI_FAILED;
    }
    int status = import_is_zip(path) ? import_zip(fields, path, &dir, uuid, &error)
                                     : import_foreign(fields, path, &dir, uuid, &error);
    if (status != CT_OK) {
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
    {0, "min-free-space", CLI_SIZE, offsetof(struct fields, min_free_space), "SIZE",
     "give up when the disk has less than this: by default 1G"},
    {0},
};

const struct cli_command cli_command_import = {
    .name = "import",
    .summary = "Make a recording of CodeTracer's trace.json or trace.bin",
    .usage = "[OPTION]... PATH [OUT]",
    .details =
        "PATH is a folder with trace.json or trace.bin (version 0), that file, or a zip file\n"
        "with such a folder in it; OUT is the folder of the new recording. If it is not given,\n"
        "that is NAME-imported in the working directory, and for NAME.zip it is NAME beside it.\n"
        "PATH itself is only read. A PATH with a trace.ctr is taken into the list of recordings\n"
        "and stays where it is; one in a zip file is unpacked into OUT. Prints the identifier.",
    .options = import_options_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_import,
};
