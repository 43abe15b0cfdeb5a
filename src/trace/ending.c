#include "trace/ending.h"

#include <stdio.h>
#include <string.h>

enum { SIGNAL_STATUS = 128 };

static const char *const texts[] = {
    [CTR_ENDED_NORMALLY] = "the program ended",
    [CTR_ENDED_BY_STOP] = "the program stopped the recording",
    [CTR_ENDED_BY_SIZE] = "the recording reached its size limit",
    [CTR_ENDED_BY_SPACE] = "the file system had too little space left",
    [CTR_ENDED_BY_ERROR] = "the recorder failed",
    [CTR_ENDED_BY_EXEC] = "the process became another program",
    [CTR_ENDED_BY_SIGNAL] = "a signal ended the program",
    [CTR_ENDED_UNKNOWN] = "not known: the program died, or still runs",
};

/* It ended with a status and without a word to the recorder. */
static bool left_at_once(const struct ctr_info *info)
{
    return info->reason >= CTR_ENDED_UNKNOWN && info->exit_status != INT32_MIN;
}

int ctr_ending_signal(const struct ctr_info *info)
{
    bool is_known = info->reason == CTR_ENDED_BY_SIGNAL && info->exit_status > SIGNAL_STATUS;
    return is_known ? info->exit_status - SIGNAL_STATUS : 0;
}

void ctr_ending_text(const struct ctr_info *info, char text[CTR_ENDING_BYTES])
{
    int number = ctr_ending_signal(info);
    if (number != 0) {
        snprintf(text, CTR_ENDING_BYTES, "signal %d (%s) ended the program", number,
                 strsignal(number));
    } else if (left_at_once(info)) {
        snprintf(text, CTR_ENDING_BYTES,
                 "the process ended at once, by os._exit, exec or the like");
    } else if (info->reason == CTR_ENDED_BY_ERROR && info->failure[0] != '\0') {
        snprintf(text, CTR_ENDING_BYTES, "%s: %s", texts[info->reason], info->failure);
    } else {
        unsigned known = info->reason <= CTR_ENDED_UNKNOWN ? info->reason : CTR_ENDED_UNKNOWN;
        snprintf(text, CTR_ENDING_BYTES, "%s", texts[known]);
    }
}

/* The recording ended and the program went on. */
static bool is_cut(const struct ctr_info *info)
{
    return info->reason == CTR_ENDED_BY_SIZE || info->reason == CTR_ENDED_BY_SPACE ||
           info->reason == CTR_ENDED_BY_ERROR;
}

void ctr_ending_gap(const struct ctr_info *info, char text[CTR_ENDING_BYTES])
{
    text[0] = '\0';
    if (!info->complete) {
        snprintf(text, CTR_ENDING_BYTES, "%s", info->incomplete);
    } else if (is_cut(info)) {
        ctr_ending_text(info, text);
    }
}

bool ctr_ending_is_whole(const struct ctr_info *info)
{
    return info->complete && !is_cut(info) &&
           (info->reason < CTR_ENDED_UNKNOWN || left_at_once(info));
}
