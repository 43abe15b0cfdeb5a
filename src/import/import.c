#include "import/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_in.h"
#include "base/varint.h"
#include "import/build.h"

enum {
    SOURCE_MAX_BYTES = 16 << 20,
    SOURCES_MAX_BYTES = 256 << 20,  /* of all together; what is beyond is missing */
    SOURCE_PIECE_BYTES = 256 << 10, /* a definition is half a block at most */
    METADATA_TEXT_MAX = 1 << 20,
    MAGIC_BYTES = 8,
};

struct import {
    const struct import_options *options;
    char *file;   /* trace.json or trace.bin */
    char *folder; /* that it is in */
    bool is_binary;
    uint64_t start_ns;
    struct import_source *source;
    struct import_program program;
    struct ct_bytes run; /* definitions: each a text key and a text value, before it its size */
    struct ct_bytes workdir;
    int32_t exit_status;
    size_t source_bytes; /* written so far */
};

static int no_memory(struct ct_error *error)
{
    return ct_fail(error, CT_ENOMEM, "out of memory");
}

/* ---- Which file ---- */

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Of a folder with both, CodeTracer reads trace.bin alone. */
static int find_file(struct import *import, struct ct_error *error)
{
    static const char *const names[] = {"trace.bin", "trace.json"};
    const char *path = import->options->path;
    if (!is_directory(path)) {
        const char *slash = strrchr(path, '/');
        size_t size = slash == NULL ? 0 : (size_t)(slash - path) + (slash == path);
        import->file = strdup(path);
        import->folder = slash == NULL ? strdup(".") : strndup(path, size);
        return import->file == NULL || import->folder == NULL ? no_memory(error) : CT_OK;
    }
    import->folder = strdup(path);
    for (size_t i = 0; import->folder != NULL && i < sizeof names / sizeof names[0]; i++) {
        import->file = ct_path_join(path, names[i]);
        if (import->file != NULL && access(import->file, F_OK) == 0) {
            return CT_OK;
        }
        free(import->file);
        import->file = NULL;
    }
    return ct_fail(error, CT_EFORMAT, "'%s' holds neither trace.json nor trace.bin", path);
}

static int judge_magic(struct import *import, const uint8_t *magic, size_t size,
                       struct ct_error *error)
{
    static const uint8_t codetracer[] = {0xc0, 0xde, 0x72, 0xac, 0xe2};
    const char *file = import->file;
    if (size == MAGIC_BYTES && memcmp(magic, codetracer, sizeof codetracer) == 0) {
        import->is_binary = magic[sizeof codetracer] == 0;
        return import->is_binary
                   ? CT_OK
                   : ct_fail(error, CT_EFORMAT,
                             "'%s' has version %u of CodeTracer's binary formats: only version 0 "
                             "and trace.json can be imported",
                             file, magic[sizeof codetracer]);
    }
    if (size == MAGIC_BYTES && memcmp(magic, CTR_MAGIC, MAGIC_BYTES) == 0) {
        return ct_fail(error, CT_EFORMAT, "'%s' is a trace of ct already", file);
    }
    return CT_OK;
}

static int look_at_file(struct import *import, struct ct_error *error)
{
    uint8_t magic[MAGIC_BYTES];
    struct stat about = {0};
    int fd = open(import->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 || fstat(fd, &about) != 0 ? -1 : read(fd, magic, sizeof magic);
    int status = got < 0 ? ct_fail_errno(error, "cannot read '%s'", import->file) : CT_OK;
    if (fd >= 0) {
        close(fd);
    }
    if (status == CT_OK && !S_ISREG(about.st_mode)) {
        status = ct_fail(error, CT_EFORMAT, "'%s' is no plain file", import->file);
    }
    if (status == CT_OK) {
        import->start_ns =
            (uint64_t)about.st_mtim.tv_sec * 1000000000u + (uint64_t)about.st_mtim.tv_nsec;
        status = judge_magic(import, magic, (size_t)got, error);
    }
    return status;
}

/* ---- What the run was ---- */

static void add_run(struct import *import, const char *key, const void *value, size_t size)
{
    struct ct_bytes entry = {0};
    ct_bytes_add_block(&entry, key, strlen(key));
    ct_bytes_add_block(&entry, value, size < METADATA_TEXT_MAX / 4 ? size : METADATA_TEXT_MAX / 4);
    ct_bytes_add_block(&import->run, entry.data, entry.size);
    import->run.failed = import->run.failed || entry.failed;
    ct_bytes_free(&entry);
}

static void read_arguments(struct import *import, struct ct_json_in *json, enum ct_json_token token)
{
    if (token != CT_JSON_ARRAY) {
        ct_json_skip(json, token);
        return;
    }
    while ((token = ct_json_next(json)) != CT_JSON_ARRAY_END && token != CT_JSON_ERROR) {
        if (token == CT_JSON_TEXT) {
            add_run(import, "argument", json->text.data, json->text.size);
        } else {
            ct_json_skip(json, token);
        }
    }
}

static void read_exit_status(struct import *import, struct ct_json_in *json,
                             enum ct_json_token token)
{
    if (token != CT_JSON_OBJECT) {
        ct_json_skip(json, token);
        return;
    }
    while (ct_json_next(json) == CT_JSON_KEY) {
        bool is_code = ct_json_is(json, "code");
        int64_t code;
        token = ct_json_next(json);
        if (is_code && token == CT_JSON_NUMBER && ct_json_integer(json, &code) && code >= 0 &&
            code <= 255) {
            import->exit_status = (int32_t)code;
        }
        ct_json_skip(json, token);
    }
}

static void read_member(struct import *import, struct ct_json_in *json)
{
    bool is_program = ct_json_is(json, "program");
    bool is_workdir = ct_json_is(json, "workdir");
    bool is_arguments = ct_json_is(json, "args");
    bool is_exit = ct_json_is(json, "process_exit_status");
    enum ct_json_token token = ct_json_next(json);
    if (is_arguments) {
        read_arguments(import, json, token);
    } else if (is_exit) {
        read_exit_status(import, json, token);
    } else if (token != CT_JSON_TEXT) {
        ct_json_skip(json, token);
    } else if (is_program) {
        add_run(import, "program", json->text.data, json->text.size);
    } else if (is_workdir) {
        import->workdir.size = 0;
        ct_bytes_add(&import->workdir, json->text.data, json->text.size);
        add_run(import, "cwd", json->text.data, json->text.size);
    }
}

static int read_metadata(struct import *import, const char *path, int fd, struct ct_error *error)
{
    struct ct_json_in json;
    ct_json_in_file(&json, fd, METADATA_TEXT_MAX);
    bool is_object = ct_json_next(&json) == CT_JSON_OBJECT;
    while (is_object && ct_json_next(&json) == CT_JSON_KEY) {
        read_member(import, &json);
    }
    int status = CT_OK;
    if (json.error[0] != '\0') {
        status = ct_fail(error, CT_EFORMAT, "%s: %s", path, json.error);
    } else if (!is_object || ct_json_next(&json) != CT_JSON_END) {
        status = ct_fail(error, CT_EFORMAT, "%s: an object and nothing else should be there", path);
    }
    ct_json_in_clear(&json);
    return status;
}

/* A trace without metadata is one all the same. */
static int find_metadata(struct import *import, struct ct_error *error)
{
    char *path = ct_path_join(import->folder, "trace_metadata.json");
    if (path == NULL) {
        return no_memory(error);
    }
    int status = CT_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        status = read_metadata(import, path, fd, error);
        close(fd);
    } else if (errno != ENOENT) {
        status = ct_fail_errno(error, "cannot read '%s'", path);
    }
    free(path);
    add_run(import, "kind", "script", strlen("script"));
    ct_bytes_add_byte(&import->workdir, 0);
    return status == CT_OK && (import->run.failed || import->workdir.failed) ? no_memory(error)
                                                                             : status;
}

/* ---- Definitions ---- */

static int define(struct ctr_writer *writer, enum ctr_definition kind, struct ct_bytes *payload,
                  struct ct_error *error)
{
    int status = CT_OK;
    if (payload->failed) {
        status = no_memory(error);
    } else if (!ctr_writer_define(writer, kind, payload->data, payload->size)) {
        const char *reason = ctr_writer_error(writer);
        status = ct_fail(error, CT_EIO, "%s",
                         reason[0] != '\0' ? reason : "a definition could not be written");
    }
    payload->size = 0;
    return status;
}

static int define_run(struct import *import, struct ctr_writer *writer, struct ct_error *error)
{
    struct ct_cursor cursor = {import->run.data, import->run.data + import->run.size, false};
    int status = CT_OK;
    while (cursor.at < cursor.end && status == CT_OK) {
        size_t size = ct_get_varint(&cursor);
        struct ct_bytes entry = {0};
        ct_bytes_add(&entry, ct_get_bytes(&cursor, size), size);
        status = define(writer, CTR_DEF_RUN, &entry, error);
        ct_bytes_free(&entry);
    }
    return status;
}

static int define_thread(struct ctr_writer *writer, struct ct_error *error)
{
    struct ct_bytes payload = {0};
    for (int i = 0; i < 3; i++) { /* number, the system's, Python's: not known */
        ct_bytes_add_varint(&payload, 0);
    }
    ct_bytes_add_block(&payload, "", 0);
    int status = define(writer, CTR_DEF_THREAD, &payload, error);
    ct_bytes_free(&payload);
    return status;
}

/* Where CodeTracer keeps the sources of a trace: FOLDER/files/ and the path. */
static char *kept_source(const struct import *import, const char *path)
{
    char *kept = NULL;
    bool leads_out = strstr(path, "../") != NULL;
    if (leads_out || asprintf(&kept, "%s/files/%s", import->folder, path + strspn(path, "/")) < 0) {
        return NULL;
    }
    return kept;
}

static char *place_of(const struct import *import, const char *path)
{
    const char *workdir = (const char *)import->workdir.data;
    return path[0] == '/' || workdir[0] == '\0' ? strdup(path) : ct_path_join(workdir, path);
}

static bool read_plain(const char *path, size_t most, char **data, size_t *size)
{
    struct stat about;
    if (path == NULL || stat(path, &about) != 0 || !S_ISREG(about.st_mode)) {
        return false;
    }
    size_t length = (size_t)about.st_size; /* what has more is no text at rest: /proc has such */
    return length <= most && ct_file_read(path, length, data, size, NULL) == CT_OK;
}

/* The text, and what is to be said of it. */
static uint8_t find_source(const struct import *import, const char *path, char **data, size_t *size)
{
    char *kept = kept_source(import, path);
    char *place = place_of(import, path);
    uint8_t flags = CTR_SOURCE_MISSING;
    size_t left = SOURCES_MAX_BYTES - import->source_bytes;
    size_t most = left < SOURCE_MAX_BYTES ? left : SOURCE_MAX_BYTES;
    if (read_plain(kept, most, data, size)) {
        flags = 0;
    } else if (read_plain(place, most, data, size)) {
        flags = CTR_SOURCE_MAY_DIFFER;
    }
    free(kept);
    free(place);
    return flags;
}

static int define_source(struct import *import, struct ctr_writer *writer, uint32_t number,
                         struct ct_error *error)
{
    char *data = NULL;
    size_t size = 0;
    uint8_t flags = find_source(import, import->program.paths[number].text, &data, &size);
    import->source_bytes += size;
    struct ct_bytes payload = {0};
    int status = CT_OK;
    size_t done = 0;
    do {
        size_t piece = size - done < SOURCE_PIECE_BYTES ? size - done : SOURCE_PIECE_BYTES;
        bool goes_on = done + piece < size;
        ct_bytes_add_varint(&payload, number);
        ct_bytes_add_byte(&payload, flags | (goes_on ? CTR_SOURCE_GOES_ON : 0));
        ct_bytes_add(&payload, data + done, piece);
        done += piece;
        status = define(writer, CTR_DEF_SOURCE, &payload, error);
    } while (done < size && status == CT_OK);
    ct_bytes_free(&payload);
    free(data);
    return status;
}

static int define_path(struct import *import, struct ctr_writer *writer, uint32_t number,
                       struct ct_error *error)
{
    enum { PATH_MAX_BYTES = 64 << 10 };
    const struct import_name *path = &import->program.paths[number];
    struct ct_bytes payload = {0};
    ct_bytes_add_block(&payload, path->text,
                       import_kept_bytes(path->text, path->size, PATH_MAX_BYTES));
    int status = define(writer, CTR_DEF_PATH, &payload, error);
    ct_bytes_free(&payload);
    if (status == CT_OK && !import->options->no_sources) {
        status = define_source(import, writer, number, error);
    }
    return status;
}

static int define_all(struct import *import, struct ctr_writer *writer, struct ct_error *error)
{
    int status = define_run(import, writer, error);
    for (uint32_t i = 0; i < import->program.path_count && status == CT_OK; i++) {
        status = define_path(import, writer, i, error);
    }
    return status == CT_OK ? define_thread(writer, error) : status;
}

/* ---- The trace ---- */

static int build_trace(struct import *import, struct ctr_writer *writer, struct ct_error *error)
{
    struct import_build *build;
    int status = define_all(import, writer, error);
    if (status == CT_OK) {
        status = import_build_new(&build, &import->program, writer, error);
    }
    if (status == CT_OK) {
        status = import_program_run(&import->program, import_build_sink(build), error);
        import_build_free(build);
    }
    return status;
}

static int write_trace(struct import *import, const char *trace, struct import_report *report,
                       struct ct_error *error)
{
    struct ctr_writer *writer;
    struct ctr_writer_options options = {
        .path = trace,
        .start_ns = import->start_ns,
        .min_free_space = import->options->min_free_space,
        .has_no_clock = true,
    };
    memcpy(options.id, import->options->id, sizeof options.id);
    int status = ctr_writer_open(&writer, &options, error);
    if (status != CT_OK) {
        return status;
    }
    status = build_trace(import, writer, error);
    ctr_writer_drain(writer);
    if (status == CT_OK && ctr_writer_error(writer)[0] != '\0') {
        status = ct_fail(error, CT_EIO, "%s", ctr_writer_error(writer));
    }
    report->steps = writer->steps;
    report->calls = writer->calls;
    if (import->exit_status == INT32_MIN && import->program.has_exit_status) {
        import->exit_status = import->program.exit_status;
    }
    struct ct_error closing;
    int closed = ctr_writer_close(writer, CTR_ENDED_NORMALLY, import->exit_status, &closing);
    if (status == CT_OK && closed != CT_OK) {
        *error = closing;
        status = closed;
    }
    return status;
}

static void remove_trace(const char *trace)
{
    char *tail = NULL;
    unlink(trace);
    if (asprintf(&tail, "%s.tail", trace) >= 0) {
        unlink(tail);
        free(tail);
    }
}

static int write_into(struct import *import, struct import_report *report, struct ct_error *error)
{
    char *trace = ct_path_join(import->options->out, "trace.ctr");
    if (trace == NULL) {
        return no_memory(error);
    }
    int status = write_trace(import, trace, report, error);
    if (status != CT_OK) {
        remove_trace(trace);
    }
    free(trace);
    return status;
}

static int open_source(struct import *import, struct ct_error *error)
{
    struct import_source *source = NULL;
    const struct import_options *options = import->options;
    int status = import->is_binary ? import_open_binary(&source, import->file, options->out,
                                                        options->min_free_space, error)
                                   : import_open_json(&source, import->file, error);
    import->source = import->program.source = source;
    return status;
}

static int import_file(struct import *import, struct import_report *report, struct ct_error *error)
{
    int status = look_at_file(import, error);
    if (status == CT_OK) {
        status = find_metadata(import, error);
    }
    if (status == CT_OK) {
        status = open_source(import, error);
    }
    if (status == CT_OK) {
        status = import_program_learn(&import->program, error);
    }
    if (status == CT_OK) {
        status = write_into(import, report, error);
    }
    report->lost_events = import->program.losses.events;
    report->lost_values = import->program.losses.loose_values;
    report->lost_variables = import->program.losses.variables;
    return status;
}

int import_recording(const struct import_options *options, struct import_report *report,
                     struct ct_error *error)
{
    struct import import = {
        .options = options,
        .exit_status = INT32_MIN,
        .program.progress = options->progress,
    };
    *report = (struct import_report){0};
    int status = find_file(&import, error);
    if (status == CT_OK && import.file != NULL) {
        status = import_file(&import, report, error);
    }
    if (import.source != NULL) {
        import.source->type->free(import.source);
    }
    import_program_free(&import.program);
    ct_bytes_free(&import.run);
    ct_bytes_free(&import.workdir);
    free(import.file);
    free(import.folder);
    return status;
}
