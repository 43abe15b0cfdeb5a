#include "cli/print_source.h"

#include <stdlib.h>

struct file {
    bool is_split;
    struct ctr_text text;
    uint32_t line_count;
    size_t *starts; /* of each line, and one past the end of the last */
};

struct print_source {
    struct ctr_trace *trace;
    uint32_t file_count;
    struct file files[];
};

struct print_source *print_source_new(struct ctr_trace *trace)
{
    uint32_t count = ctr_info(trace)->path_count;
    struct print_source *source = calloc(1, sizeof *source + count * sizeof source->files[0]);
    if (source != NULL) {
        source->trace = trace;
        source->file_count = count;
    }
    return source;
}

void print_source_free(struct print_source *source)
{
    if (source == NULL) {
        return;
    }
    for (uint32_t i = 0; i < source->file_count; i++) {
        free(source->files[i].starts);
    }
    free(source);
}

static uint32_t count_lines(struct ctr_text text)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '\n';
    }
    return count;
}

static void split(struct file *file, struct ctr_text text)
{
    file->is_split = true;
    file->text = text;
    if (text.bytes == NULL) {
        return;
    }
    uint32_t count = count_lines(text);
    file->starts = malloc((count + 1) * sizeof *file->starts);
    if (file->starts == NULL) {
        return;
    }
    file->starts[file->line_count++] = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\n') {
            file->starts[file->line_count++] = i + 1;
        }
    }
    file->starts[file->line_count] = text.size;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f';
}

/* NULL when there is no such file. */
static const struct file *file_of(struct print_source *source, uint32_t path)
{
    if (path >= source->file_count) {
        return NULL;
    }
    struct file *file = &source->files[path];
    if (!file->is_split) {
        split(file, ctr_source(source->trace, path));
    }
    return file;
}

uint32_t print_source_lines(struct print_source *source, uint32_t path)
{
    const struct file *file = file_of(source, path);
    return file == NULL ? 0 : file->line_count;
}

struct ctr_text print_source_line(struct print_source *source, uint32_t path, uint32_t line)
{
    const struct file *file = file_of(source, path);
    if (file == NULL || line == 0 || line > file->line_count) {
        return (struct ctr_text){"", 0};
    }
    const char *bytes = file->text.bytes;
    const char *from = bytes + file->starts[line - 1];
    const char *to = bytes + file->starts[line];
    while (from < to && is_blank(*from)) {
        from++;
    }
    while (from < to && is_blank(to[-1])) {
        to--;
    }
    return (struct ctr_text){from, (size_t)(to - from)};
}
