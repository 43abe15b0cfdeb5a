#include "export/recording.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "export/export.h"
#include "export/place.h"
#include "export/side_files.h"
#include "trace/reader.h"

const char *export_file_name(enum export_format format)
{
    static const char *const names[] = {
        [EXPORT_NONE] = "", [EXPORT_JSON] = "trace.json", [EXPORT_BINARY] = "trace.bin"};
    return names[format];
}

/* An export of what was recorded there before; what else has the name stays. */
static void remove_earlier(const char *directory, enum export_format format)
{
    char *path = ct_path_join(directory, export_file_name(format));
    if (path != NULL && export_is_there(path, EXPORT_TRACE)) {
        unlink(path);
    }
    free(path);
}

static int write_export(struct ctr_trace *trace, const char *directory, enum export_format format,
                        uint64_t limit, struct ct_error *error)
{
    char *path = ct_path_join(directory, export_file_name(format));
    if (path == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to export '%s'", directory);
    }
    struct export_options options = {.format = format, .limit = limit, .recording = directory};
    remove_earlier(directory, format == EXPORT_JSON ? EXPORT_BINARY : EXPORT_JSON);
    int status = export_trace(trace, path, &options, error);
    if (status != CT_OK) {
        remove_earlier(directory, format);
    }
    free(path);
    return status;
}

int export_recording(const char *directory, enum export_format format, uint64_t limit,
                     struct ct_error *error)
{
    struct ctr_trace *trace;
    int status = ctr_open(&trace, directory, error);
    if (status != CT_OK) {
        return status;
    }
    status = export_side_files(trace, directory, error);
    if (status == CT_OK && format != EXPORT_NONE) {
        status = write_export(trace, directory, format, limit, error);
    }
    ctr_close(trace);
    return status;
}
