#include "import/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void import_event_clear(struct import_event *event)
{
    event->text.size = event->metadata.size = event->fields.size = 0;
    event->argument_count = 0;
    event->number = event->path = event->line = 0;
    import_values_clear(&event->values);
}

void import_event_free(struct import_event *event)
{
    ct_bytes_free(&event->text);
    ct_bytes_free(&event->metadata);
    ct_bytes_free(&event->fields);
    import_values_free(&event->values);
    free(event->arguments);
}

const char *import_add_field(struct import_event *event, const char *text, size_t size)
{
    size_t kept = import_kept_bytes(text, strnlen(text, size), IMPORT_FIELD_BYTES);
    ct_bytes_add(&event->fields, text, kept);
    ct_bytes_add_byte(&event->fields, 0);
    return event->fields.failed                           ? "out of memory"
           : event->fields.size > IMPORT_FIELDS_BYTES_MAX ? "more than 1 MiB of names of fields"
                                                          : NULL;
}

bool import_add_argument(struct import_event *event, int64_t variable, uint32_t node)
{
    if (event->argument_count == event->argument_capacity) {
        uint32_t capacity = event->argument_capacity == 0 ? 16 : event->argument_capacity * 2;
        struct import_argument *arguments = realloc(event->arguments, capacity * sizeof *arguments);
        if (arguments == NULL) {
            return false;
        }
        event->arguments = arguments;
        event->argument_capacity = capacity;
    }
    event->arguments[event->argument_count++] = (struct import_argument){variable, node};
    return true;
}

int import_fail(const struct import_source *source, struct ct_error *error, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ct_fail(error, CT_EFORMAT, "%s: event %llu (%s %llu): %s", source->path,
                   (unsigned long long)source->event, source->unit,
                   (unsigned long long)source->offset, text);
}
