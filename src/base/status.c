#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_message(struct ct_error *error, int code, const char *format, va_list args)
{
    if (error == NULL) {
        return;
    }
    error->code = code;
    vsnprintf(error->message, sizeof error->message, format, args);
}

int ct_fail(struct ct_error *error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_message(error, code, format, args);
    va_end(args);
    return code;
}

int ct_fail_errno(struct ct_error *error, const char *format, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, format);
    set_message(error, CT_EIO, format, args);
    va_end(args);
    if (error != NULL) {
        size_t used = strlen(error->message);
        snprintf(error->message + used, sizeof error->message - used, ": %s", strerror(saved));
    }
    errno = saved;
    return CT_EIO;
}

const char *ct_status_name(int code)
{
    static const char *const names[] = {
        [CT_OK] = "ok",          [CT_EIO] = "input/output", [CT_ENOMEM] = "out of memory",
        [CT_EFORMAT] = "format", [CT_EVERSION] = "version", [CT_ELIMIT] = "limit",
        [CT_EUSAGE] = "usage",   [CT_ESTATE] = "state",     [CT_ECANCEL] = "cancelled",
    };
    if (code < 0 || code >= (int)(sizeof names / sizeof names[0])) {
        return "unknown";
    }
    return names[code];
}
