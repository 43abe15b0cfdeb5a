#include "export/paths.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/utf8.h"

/* The path as text of its own: absolute by the folder the program started in, and UTF-8. */
static bool own_path(struct export_paths *paths, struct ctr_text folder, struct ctr_text *path)
{
    struct ct_bytes whole = {0};
    struct ct_bytes clean = {0};
    if (path->size == 0 || path->bytes[0] != '/') {
        ct_bytes_add(&whole, folder.bytes, folder.size);
        ct_bytes_add_byte(&whole, '/');
    }
    ct_bytes_add(&whole, path->bytes, path->size);
    *path = export_clean_text((struct ctr_text){(char *)whole.data, whole.size}, &clean);
    struct ct_bytes *kept = path->bytes == (char *)whole.data ? &whole : &clean;
    ct_bytes_free(kept == &whole ? &clean : &whole);
    if (kept->failed) {
        ct_bytes_free(kept);
        return false;
    }
    paths->owned[paths->owned_count++] = (char *)kept->data;
    return true;
}

/* As CodeTracer counts them: by the bytes that end them, a last one without an end too. */
static uint32_t count_lines(int fd)
{
    enum { CHUNK_BYTES = 16 * 1024 };
    char chunk[CHUNK_BYTES];
    uint32_t lines = 0;
    bool is_ended = true;
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0) {
        for (const char *at = chunk; (at = memchr(at, '\n', (size_t)(chunk + got - at))); at++) {
            lines++;
        }
        is_ended = chunk[got - 1] == '\n';
    }
    lines += !is_ended;
    return got < 0 ? UINT32_MAX : lines == 0 ? 1 : lines;
}

/* A pipe would make us wait, and is no file a line could be looked up in. */
static uint32_t lines_of(struct ctr_text path)
{
    char *name = strndup(path.bytes, path.size);
    bool is_whole = name != NULL && strlen(name) == path.size;
    int fd = is_whole ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    struct stat about;
    bool is_file = fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    uint32_t lines = is_file ? count_lines(fd) : UINT32_MAX;
    if (fd >= 0) {
        close(fd);
    }
    free(name);
    return lines;
}

static bool needs_copy(struct ctr_text path)
{
    return path.size == 0 || path.bytes[0] != '/' || !export_is_utf8(path);
}

static uint32_t number_of(struct export_paths *paths, struct ctr_text path)
{
    uint32_t at = 0;
    while (at < paths->count && (paths->items[at].size != path.size ||
                                 memcmp(paths->items[at].bytes, path.bytes, path.size) != 0)) {
        at++;
    }
    if (at == paths->count) {
        paths->lines[at] = lines_of(path);
        paths->items[paths->count++] = path;
    }
    return at;
}

int export_paths_open(struct export_paths *paths, struct ctr_trace *trace, struct ct_error *error)
{
    uint32_t count = ctr_info(trace)->path_count;
    *paths = (struct export_paths){
        .items = calloc(count + 1u, sizeof *paths->items),
        .lines = calloc(count + 1u, sizeof *paths->lines),
        .numbers = calloc(count + 1u, sizeof *paths->numbers),
        .owned = calloc(count + 1u, sizeof *paths->owned),
    };
    bool has_memory = paths->items != NULL && paths->lines != NULL && paths->numbers != NULL &&
                      paths->owned != NULL;
    for (uint32_t i = 0; has_memory && i < (count == 0 ? 1 : count); i++) {
        struct ctr_text path = count == 0 ? ctr_run(trace, "program") : ctr_path(trace, i)->path;
        has_memory = !needs_copy(path) || own_path(paths, ctr_run(trace, "cwd"), &path);
        if (has_memory) {
            paths->numbers[i] = number_of(paths, path);
        }
    }
    if (!has_memory) {
        export_paths_close(paths);
        return ct_fail(error, CT_ENOMEM, "no memory for the paths of the trace");
    }
    return CT_OK;
}

uint32_t export_paths_line(const struct export_paths *paths, uint32_t number, uint32_t line)
{
    uint32_t last = paths->lines[number];
    return line < 1 ? 1 : line > last ? last : line;
}

void export_paths_close(struct export_paths *paths)
{
    for (size_t i = 0; paths->owned != NULL && i < paths->owned_count; i++) {
        free(paths->owned[i]);
    }
    free(paths->items);
    free(paths->lines);
    free(paths->numbers);
    free(paths->owned);
    *paths = (struct export_paths){0};
}
