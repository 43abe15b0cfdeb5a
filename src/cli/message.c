#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void say(const char *prefix, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) >= 0) {
        /* One call per line, so that lines of two processes do not mix. */
        fprintf(stderr, "%s: %s\n", prefix, text);
        free(text);
    }
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
