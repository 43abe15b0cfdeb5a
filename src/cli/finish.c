#include "cli/finish.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/message.h"
#include "export/recording.h"
#include "trace/amend.h"
#include "trace/recover.h"

enum { SIGNAL_STATUS = 128 }; /* as a shell reports a death by signal */

static int32_t exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? SIGNAL_STATUS + WTERMSIG(wait_status)
                                    : WEXITSTATUS(wait_status);
}

static enum export_format export_of(enum ct_start_format format)
{
    switch (format) {
    case CT_START_JSON:
        return EXPORT_JSON;
    case CT_START_BINARY:
        return EXPORT_BINARY;
    default:
        return EXPORT_NONE;
    }
}

static uint64_t export_limit(const struct ct_start_options *order)
{
    enum { DEFAULT_MIB = 256 };
    const struct ct_start_limit *limit = &order->limits[CT_START_EXPORT_LIMIT];
    return limit->is_given ? limit->value : (uint64_t)DEFAULT_MIB << 20;
}

static void finish_trace(const char *trace, int wait_status)
{
    struct ct_error error;
    enum ctr_end_reason reason = WIFSIGNALED(wait_status) ? CTR_ENDED_BY_SIGNAL : CTR_ENDED_UNKNOWN;
    int status = ctr_amend_exit_status(trace, exit_status(wait_status), &error);
    if (status == CT_ESTATE) { /* killed, or left by os._exit or exec: the tail has the rest */
        status = ctr_recover(trace, reason, exit_status(wait_status), &error);
    }
    if (status != CT_OK) {
        cli_error("%s", error.message);
    }
}

void finish_recording(const struct ct_start_options *order, int wait_status)
{
    char *trace = ct_path_join(order->dir, "trace.ctr");
    if (trace != NULL && access(trace, F_OK) == 0) {
        struct ct_error error;
        finish_trace(trace, wait_status);
        if (export_recording(order->dir, export_of(order->format), export_limit(order), &error) !=
            CT_OK) {
            cli_error("%s", error.message);
        }
    }
    free(trace);
}
