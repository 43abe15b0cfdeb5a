/* `ct export`: a recording as one file of CodeTracer's own formats. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/incomplete.h"
#include "cli/recording_choose.h"
#include "export/export.h"
#include "export/side_files.h"
#include "trace/text.h"

struct fields {
    const char *format; /* NULL: by the name of the output, else json */
    const char *output; /* NULL: into the recording's directory */
    bool salvage;
    struct cli_number limit;
};

struct target {
    enum export_format format;
    char *file;
    char *directory; /* that of the file */
    bool is_folder;  /* a folder was asked for, which gets the side files too */
};

static const char *const formats[] = {"json", "binary", NULL};

/* ---- where it goes ---- */

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool has_end(const char *text, const char *end)
{
    size_t size = strlen(text);
    size_t end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static enum export_format choose_format(const struct fields *fields)
{
    bool is_binary = fields->format != NULL
                         ? strcmp(fields->format, "binary") == 0
                         : fields->output != NULL && has_end(fields->output, ".bin");
    return is_binary ? EXPORT_BINARY : EXPORT_JSON;
}

/* The folder a path is in: the path itself when it is one. */
static char *folder_of(const char *path)
{
    if (is_directory(path) || has_end(path, "/")) {
        return strdup(path);
    }
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return strdup(".");
    }
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static bool choose_target(const struct fields *fields, const char *recording, struct target *target)
{
    const char *output = fields->output != NULL ? fields->output : recording;
    target->format = choose_format(fields);
    target->is_folder = fields->output == NULL || is_directory(output) || has_end(output, "/");
    target->directory = folder_of(output);
    if (target->directory == NULL) {
        return false;
    }
    target->file = target->is_folder
                       ? ct_path_join(target->directory, export_file_name(target->format))
                       : strdup(output);
    return target->file != NULL;
}

/* CodeTracer takes the binary file of a folder that has both, and never looks at the other. */
static bool is_alone(const struct target *target)
{
    enum export_format other = target->format == EXPORT_JSON ? EXPORT_BINARY : EXPORT_JSON;
    const char *slash = strrchr(target->file, '/');
    const char *name = slash == NULL ? target->file : slash + 1;
    if (strcmp(name, export_file_name(target->format)) != 0) {
        return true;
    }
    char *path = ct_path_join(target->directory, export_file_name(other));
    bool is_there = path != NULL && access(path, F_OK) == 0;
    if (is_there) {
        cli_error("'%s' holds %s: of a folder with both, CodeTracer reads trace.bin alone",
                  target->directory, export_file_name(other));
        cli_help("remove '%s', or choose another folder with -o", path);
    }
    free(path);
    return !is_there;
}

/* How much of a path is there already, in bytes. */
static size_t existing_part(char *path)
{
    size_t size = strlen(path);
    while (size > 0) {
        char kept = path[size];
        path[size] = '\0';
        bool is_there = access(path, F_OK) == 0;
        path[size] = kept;
        if (is_there) {
            break;
        }
        do {
            size--;
        } while (size > 0 && path[size] != '/');
    }
    return size;
}

/* Remove the folders that were made behind that part, as far as nothing is in them. */
static void remove_made(const char *path, size_t kept)
{
    char *at = strdup(path);
    for (size_t size = at == NULL ? 0 : strlen(at); size > kept; size--) {
        bool is_end = at[size] == '\0' || at[size] == '/';
        at[size] = '\0';
        if (is_end && at[size - 1] != '/' && rmdir(at) != 0) {
            break;
        }
    }
    free(at);
}

/* ---- doing it ---- */

static void show_progress(const struct export_progress *progress, void *context)
{
    (void)context;
    unsigned percent =
        progress->total == 0 ? 100 : (unsigned)(progress->done * 100 / progress->total);
    fprintf(stderr, "\rct: exporting: %3u %%, %llu MiB", percent,
            (unsigned long long)(progress->bytes >> 20));
    fflush(stderr);
}

static int write_files(struct ctr_trace *trace, const struct target *target,
                       const struct export_options *options, struct ct_error *error)
{
    size_t there = existing_part(target->directory);
    int status = ct_make_directories(target->directory, NULL, error);
    if (status == CT_OK && target->is_folder) {
        status = export_side_files_check(target->directory, error);
    }
    if (status == CT_OK) {
        status = export_trace(trace, target->file, options, error);
    }
    if (options->progress != NULL) {
        fputs("\r\033[K", stderr);
    }
    if (status == CT_OK && target->is_folder) {
        status = export_side_files(trace, target->directory, error);
    }
    if (status != CT_OK) {
        remove_made(target->directory, there);
    }
    return status;
}

/* Exact, but for a terminal: no name may control that. */
static void print_name(const char *name)
{
    struct ct_bytes line = {0};
    if (isatty(STDOUT_FILENO)) {
        ctr_text_line((const uint8_t *)name, strlen(name), &line);
        printf("%.*s\n", (int)line.size, line.size > 0 ? (const char *)line.data : "");
    } else {
        puts(name);
    }
    ct_bytes_free(&line);
}

static int export_open(struct ctr_trace *trace, const struct fields *fields, const char *recording,
                       const struct target *target)
{
    if (!cli_accept_incomplete(recording, ctr_info(trace), fields->salvage, "export")) {
        return CLI_FAILED;
    }
    struct ct_error error = {0};
    struct export_options options = {
        .format = target->format,
        .limit = fields->limit.is_given ? fields->limit.value : EXPORT_LIMIT_DEFAULT,
        .recording = recording,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    int status = write_files(trace, target, &options, &error);
    if (status == CT_EFORMAT) {
        cli_error("%s: %s", recording, error.message);
    } else if (status != CT_OK) {
        cli_error("%s", error.message);
        if (status == CT_ESTATE) {
            cli_help("choose another name with -o; only an earlier export is replaced");
        }
    } else {
        print_name(target->file);
    }
    return status == CT_OK ? CLI_OK : CLI_FAILED;
}

static int export_to(const struct fields *fields, const char *recording,
                     const struct target *target)
{
    struct ct_error error = {0};
    struct ctr_trace *trace;
    if (ctr_open(&trace, recording, &error) != CT_OK) {
        cli_error("%s", error.message);
        return CLI_FAILED;
    }
    int status = export_open(trace, fields, recording, target);
    ctr_close(trace);
    return status;
}

static int run_export(const void *given, const struct cli_operands *operands)
{
    const struct fields *fields = given;
    if (operands->count > 1) {
        return cli_usage_error(&cli_command_export, "takes one recording, not %d", operands->count);
    }
    if (fields->output != NULL && strcmp(fields->output, "-") == 0) {
        return cli_usage_error(&cli_command_export,
                               "writes a file, which standard output is not (-o ./- is one)");
    }
    char *recording = recording_resolve(operands->count == 1 ? operands->items[0] : ".");
    if (recording == NULL) {
        return CLI_FAILED;
    }
    struct target target = {0};
    int status = CLI_FAILED;
    if (!choose_target(fields, recording, &target)) {
        cli_error("out of memory");
    } else if (is_alone(&target)) {
        status = export_to(fields, recording, &target);
    }
    free(target.file);
    free(target.directory);
    free(recording);
    return status;
}

/* ---- the command ---- */

static const struct cli_option options_table[] = {
    {0, "format", CLI_CHOICE, offsetof(struct fields, format), "FORMAT",
     "json (default): trace.json; or binary: trace.bin", formats},
    {'o', "output", CLI_TEXT, offsetof(struct fields, output), "PATH",
     "the file; or a folder, which gets trace_metadata.json\n"
     "and trace_paths.json too (default: the recording's);\n"
     "missing folders are made",
     NULL},
    {0, "limit", CLI_SIZE, offsetof(struct fields, limit), "SIZE",
     "make no file larger than this (256M); 0: any size", NULL},
    {0, "salvage", CLI_FLAG, offsetof(struct fields, salvage), NULL,
     "export what is readable of a recording that was cut off", NULL},
    {0},
};

const struct cli_command cli_command_export = {
    .name = "export",
    .summary = "Write a recording in CodeTracer's formats",
    .usage = "[OPTIONS] [RECORDING]",
    .details =
        "RECORDING is a directory that holds a trace.ctr, or such a file, or the number or\n"
        "identifier of one that `ct list` shows; without it, the current directory. The file\n"
        "is whole or not there at all, and takes the place of an earlier export, of nothing\n"
        "else; a symbolic link stays. Prints its name.",
    .options = options_table,
    .mode = CLI_MIXED,
    .fields_size = sizeof(struct fields),
    .run = run_export,
};
