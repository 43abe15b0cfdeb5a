/* The keys are those of recorder 0.3, in its order (sorted, `recorder` last), and few of our own:
 * `recording_id`, and `with_diff` inside `recorder`. */
#include "export/side_files.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/uuid.h"
#include "export/paths.h"
#include "export/place.h"
#include "export/utf8.h"

enum { SIDE_FILE_MODE = 0600 };

enum side_file_name { METADATA, PATHS };

struct side_file {
    struct ctr_trace *trace;
    struct ct_json_out json;
    struct ct_bytes scratch;
};

static void put_text(struct side_file *file, struct ctr_text text)
{
    struct ctr_text clean = export_clean_text(text, &file->scratch);
    ct_json_text_n(&file->json, clean.bytes, clean.size);
}

static void put_run_entry(struct side_file *file, const char *key, const char *name)
{
    ct_json_key(&file->json, name);
    put_text(file, ctr_run(file->trace, key));
}

static void put_arguments(struct side_file *file)
{
    ct_json_key(&file->json, "args");
    ct_json_begin_array(&file->json);
    for (uint32_t i = 0; i < ctr_info(file->trace)->run_count; i++) {
        const struct ctr_run_entry *entry = ctr_run_at(file->trace, i);
        if (ctr_text_is(entry->key, "argument")) {
            put_text(file, entry->value);
        }
    }
    ct_json_end_array(&file->json);
}

/* A status that is not known has a label instead, as in recorder 0.3. */
static void put_exit_status(struct side_file *file)
{
    int32_t status = ctr_info(file->trace)->exit_status;
    ct_json_key(&file->json, "process_exit_status");
    ct_json_begin_object(&file->json);
    ct_json_key(&file->json, "code");
    if (status == INT32_MIN) {
        ct_json_null(&file->json);
    } else {
        ct_json_int(&file->json, status);
    }
    ct_json_key(&file->json, "label");
    if (status == INT32_MIN) {
        ct_json_text(&file->json, "<exit>");
    } else {
        ct_json_null(&file->json);
    }
    ct_json_end_object(&file->json);
}

static uint64_t text_number(struct ctr_text text)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.size && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    return number;
}

static void put_count(struct side_file *file, bool is_known, uint64_t count)
{
    if (is_known) {
        ct_json_uint(&file->json, count);
    } else {
        ct_json_null(&file->json);
    }
}

/* `first`: the counter of arguments, that of each other kind behind it. What is not known is null.
 */
static void put_value_counts(struct side_file *file, const char *name, enum ctr_counter first)
{
    static const char *const kinds[] = {"argument", "attribute", "global",
                                        "local",    "return",    "shape"};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    const struct ctr_info *info = ctr_info(file->trace);
    bool is_known = info->counter_count >= first + KINDS;
    uint64_t total = 0;
    ct_json_key(&file->json, name);
    ct_json_begin_object(&file->json);
    for (size_t i = 0; i < KINDS; i++) {
        total += info->counters[first + i];
        ct_json_key(&file->json, kinds[i]);
        put_count(file, is_known, info->counters[first + i]);
    }
    ct_json_key(&file->json, "total");
    put_count(file, is_known, total);
    ct_json_end_object(&file->json);
}

/* Of the words in recorder/scope.c, one a line; a test keeps the two together. */
static const char built_in_sha256[] =
    "5df0268d38d5590dc9b27e0b89e7bc12c15db4250b12fcd4b9d088c67cf07e24";

static void put_built_in_filter(struct side_file *file)
{
    ct_json_begin_object(&file->json);
    ct_json_key(&file->json, "name");
    ct_json_text(&file->json, "builtin-default");
    ct_json_key(&file->json, "path");
    ct_json_text(&file->json, "<inline:builtin-default>");
    ct_json_key(&file->json, "sha256");
    ct_json_text(&file->json, built_in_sha256);
    ct_json_key(&file->json, "version");
    ct_json_int(&file->json, 1);
    ct_json_end_object(&file->json);
}

/* One of a filter's entries; what the trace says here may be anything. */
static void put_filter_entry(struct side_file *file, const struct ctr_run_entry *entry)
{
    static const char *const texts[] = {"name", "path", "sha256"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char key[32];
        snprintf(key, sizeof key, "filter.%s", texts[i]);
        if (ctr_text_is(entry->key, key)) {
            ct_json_key(&file->json, texts[i]);
            put_text(file, entry->value);
        }
    }
    if (ctr_text_is(entry->key, "filter.version")) {
        ct_json_key(&file->json, "version");
        ct_json_uint(&file->json, text_number(entry->value));
    }
}

/* Each begins with its name. */
static void put_filters(struct side_file *file)
{
    bool is_open = false;
    ct_json_key(&file->json, "filters");
    ct_json_begin_array(&file->json);
    put_built_in_filter(file);
    for (uint32_t i = 0; i < ctr_info(file->trace)->run_count; i++) {
        const struct ctr_run_entry *entry = ctr_run_at(file->trace, i);
        if (ctr_text_is(entry->key, "filter.name")) {
            if (is_open) {
                ct_json_end_object(&file->json);
            }
            ct_json_begin_object(&file->json);
            is_open = true;
        }
        if (is_open) {
            put_filter_entry(file, entry);
        }
    }
    if (is_open) {
        ct_json_end_object(&file->json);
    }
    ct_json_end_array(&file->json);
}

static void put_trace_filter(struct side_file *file)
{
    const struct ctr_info *info = ctr_info(file->trace);
    ct_json_key(&file->json, "trace_filter");
    ct_json_begin_object(&file->json);
    put_filters(file);
    ct_json_key(&file->json, "stats");
    ct_json_begin_object(&file->json);
    ct_json_key(&file->json, "scopes_skipped");
    put_count(file, info->counter_count > CTR_C_skipped_code, info->counters[CTR_C_skipped_code]);
    put_value_counts(file, "value_drops", CTR_C_dropped_arguments);
    put_value_counts(file, "value_redactions", CTR_C_redacted_arguments);
    ct_json_end_object(&file->json);
    ct_json_end_object(&file->json);
}

static void put_identifier(struct side_file *file)
{
    char id[CT_UUID_TEXT_BYTES];
    ct_uuid_format(ctr_info(file->trace)->id, id);
    ct_json_key(&file->json, "recording_id");
    ct_json_text(&file->json, id);
}

/* Only a recording made by a command line has a recorder version of its own. */
static void put_recorder(struct side_file *file)
{
    if (ctr_run(file->trace, "recorder_version").size == 0) {
        return;
    }
    ct_json_key(&file->json, "recorder");
    ct_json_begin_object(&file->json);
    ct_json_key(&file->json, "name");
    ct_json_text(&file->json, "codetracer_python_recorder");
    bool has_target = ctr_run(file->trace, "target_script").size != 0;
    put_run_entry(file, has_target ? "target_script" : "program", "target_script");
    put_run_entry(file, "recorder_version", "version");
    struct ctr_text with_diff = ctr_run(file->trace, "with_diff");
    if (with_diff.size != 0) {
        ct_json_key(&file->json, "with_diff");
        ct_json_bool(&file->json, ctr_text_is(with_diff, "true"));
    }
    ct_json_end_object(&file->json);
}

static void put_metadata(struct side_file *file)
{
    ct_json_begin_object(&file->json);
    put_arguments(file);
    put_exit_status(file);
    put_run_entry(file, "program", "program");
    put_identifier(file);
    put_trace_filter(file);
    put_run_entry(file, "cwd", "workdir");
    put_recorder(file);
    ct_json_end_object(&file->json);
}

static const struct {
    const char *name;
    enum export_content content;
} side_files[] = {
    [METADATA] = {"trace_metadata.json", EXPORT_METADATA},
    [PATHS] = {"trace_paths.json", EXPORT_PATHS},
};

/* The file to write, which the caller frees. */
static int place_of(const char *directory, enum side_file_name name, char **place,
                    struct ct_error *error)
{
    char *path = ct_path_join(directory, side_files[name].name);
    int status = path == NULL ? ct_fail(error, CT_ENOMEM, "out of memory")
                              : export_place(path, side_files[name].content, place, error);
    free(path);
    return status;
}

int export_side_files_check(const char *directory, struct ct_error *error)
{
    int status = CT_OK;
    for (enum side_file_name name = METADATA; name <= PATHS && status == CT_OK; name++) {
        char *place = NULL;
        status = place_of(directory, name, &place, error);
        free(place);
    }
    return status;
}

static int write_file(struct side_file *file, const char *directory, enum side_file_name name,
                      struct ct_error *error)
{
    char *place = NULL;
    int status = ct_json_finish(&file->json, error);
    if (status == CT_OK) {
        status = place_of(directory, name, &place, error);
    }
    if (status == CT_OK) {
        const struct ct_bytes *bytes = &file->json.bytes;
        status = ct_file_replace(place, bytes->data, bytes->size, SIDE_FILE_MODE, error);
    }
    free(place);
    ct_json_clear(&file->json);
    return status;
}

static int put_paths(struct side_file *file, struct ct_error *error)
{
    struct export_paths paths;
    int status = export_paths_open(&paths, file->trace, error);
    if (status != CT_OK) {
        return status;
    }
    ct_json_begin_array(&file->json);
    for (uint32_t i = 0; i < paths.count; i++) {
        put_text(file, paths.items[i]);
    }
    ct_json_end_array(&file->json);
    export_paths_close(&paths);
    return CT_OK;
}

int export_side_files(struct ctr_trace *trace, const char *directory, struct ct_error *error)
{
    struct side_file file = {.trace = trace};
    ct_json_init(&file.json, NULL);
    put_metadata(&file);
    int status = write_file(&file, directory, METADATA, error);
    if (status == CT_OK) {
        ct_json_init(&file.json, NULL);
        status = put_paths(&file, error);
    }
    if (status == CT_OK) {
        status = write_file(&file, directory, PATHS, error);
    }
    ct_json_clear(&file.json);
    ct_bytes_free(&file.scratch);
    return status;
}
