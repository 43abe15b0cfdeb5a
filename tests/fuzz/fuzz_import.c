/* CodeTracer's trace.json and trace.bin: the first bytes say which, as they do in a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fuzz.h"
#include "import/import.h"

static void put(const char *folder, const char *name, const uint8_t *data, size_t size)
{
    char *path = ct_path_join(folder, name);
    FILE *file = path != NULL ? fopen(path, "wb") : NULL;
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        abort();
    }
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t magic[] = {0xc0, 0xde, 0x72, 0xac}, id[CT_UUID_BYTES] = {1};
    bool is_binary = size >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", fuzz_folder());
    put(folder, is_binary ? "trace.bin" : "trace.json", data, size);
    struct import_options options = {.path = folder, .out = folder, .id = id, .no_sources = true};
    struct import_report report;
    struct ct_error error;
    import_recording(&options, &report, &error);
    fuzz_remove(folder);
    return 0;
}
