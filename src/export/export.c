#include "export/export.h"

#include <stdbool.h>
#include <stdio.h>

#include "export/out.h"
#include "export/stream.h"
#include "export/writer.h"

enum { SIZE_TEXT_BYTES = 32 };

typedef int new_writer(struct export_writer **writer, struct export_out *out,
                       struct ct_error *error);

static const struct {
    new_writer *open;
    const char *name;
} formats[] = {
    [EXPORT_JSON] = {export_json_new, "json"},
    [EXPORT_BINARY] = {export_binary_new, "binary"},
};

static int write_export(struct ctr_trace *trace, struct export_out *out,
                        const struct export_options *options, struct ct_error *error)
{
    struct export_writer *writer;
    int status = formats[options->format].open(&writer, out, error);
    if (status != CT_OK) {
        return status;
    }
    status = export_stream(trace, writer, options, error);
    if (status == CT_OK) {
        status = writer->type->finish(writer, error);
    }
    writer->type->free(writer);
    return status == CT_OK ? export_out_finish(out) : status;
}

static void format_limit(uint64_t limit, char text[SIZE_TEXT_BYTES])
{
    if (limit < 1 << 20) {
        snprintf(text, SIZE_TEXT_BYTES, "%llu bytes", (unsigned long long)limit);
    } else {
        snprintf(text, SIZE_TEXT_BYTES, "%.4g MiB", (double)limit / (1 << 20));
    }
}

/* Where the limit is what stopped it, say what was reached and how to go past it. */
static int explain_limit(const char *path, const struct export_options *options,
                         struct ct_error *error)
{
    char limit[SIZE_TEXT_BYTES];
    format_limit(options->limit, limit);
    return ct_fail(error, CT_ELIMIT,
                   "the export '%s' would be larger than its limit of %s and was not made; "
                   "the recording is complete without it. To make it whole: "
                   "ct export --format %s --limit 0 -o '%s' '%s'",
                   path, limit, formats[options->format].name, path, options->recording);
}

int export_trace(struct ctr_trace *trace, const char *path, const struct export_options *options,
                 struct ct_error *error)
{
    struct export_out out;
    int status = export_out_open(&out, path, options->limit, error);
    if (status == CT_OK) {
        status = write_export(trace, &out, options, error);
    }
    bool is_over = status == CT_ELIMIT && options->limit != 0 &&
                   export_out_size(&out) + EXPORT_OUT_BYTES > options->limit;
    export_out_close(&out);
    return is_over ? explain_limit(path, options, error) : status;
}
