#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/text.h"

/* A message names files, and a file's name may hold anything. */
static void say(const char *prefix, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        return;
    }
    struct ct_bytes line = {0};
    ctr_text_line((const uint8_t *)text, strlen(text), &line);
    /* One call per line, so that lines of two processes do not mix. */
    fprintf(stderr, "%s: %.*s\n", prefix, (int)line.size, line.size > 0 ? (char *)line.data : "");
    ct_bytes_free(&line);
    free(text);
}

void cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("error", format, args);
    va_end(args);
}

void cli_help(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("help", format, args);
    va_end(args);
}

void cli_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("ct", format, args);
    va_end(args);
}
