#include "cli/report.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "cli/message.h"
#include "cli/recordings.h"
#include "cli/report_trace.h"

static bool trace_size(const char *dir, uint64_t *size)
{
    struct stat about;
    char *path = ct_path_join(dir, RECORDING_TRACE_FILE);
    bool is_there = path != NULL && stat(path, &about) == 0;
    *size = is_there ? (uint64_t)about.st_size : 0;
    free(path);
    return is_there;
}

/* How the program ended, when that is worth a line. */
static void report_end(int wait_status, bool is_masked)
{
    if (WIFSIGNALED(wait_status)) {
        int number = WTERMSIG(wait_status);
        cli_note("  program   ended by signal %d (%s)", number, strsignal(number));
    } else if (WEXITSTATUS(wait_status) != 0) {
        cli_note("  program   exit status %d", WEXITSTATUS(wait_status));
    }
    if (wait_status != 0 && is_masked) {
        cli_note("  ct        exit status 0; --propagate-script-exit passes the program's own on");
    }
}

/* May an exception have ended it? By KeyboardInterrupt Python ends itself with the signal. */
static bool is_crash(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) != 0 : WTERMSIG(wait_status) == SIGINT;
}

bool record_report(const char *dir, struct record_summary *summary)
{
    uint64_t size;
    if (!trace_size(dir, &size)) {
        cli_error("nothing was recorded: there is no %s in '%s'", RECORDING_TRACE_FILE, dir);
        cli_help("the program itself ran to its end; what the recorder said stands above");
        return false;
    }
    char text[32];
    recordings_size(size, text);
    recording_existing_id(dir, summary->id);
    cli_note("recorded %s", summary->id);
    if (summary->number != 0) {
        cli_note("  number    %llu", (unsigned long long)summary->number);
    }
    cli_note("  output    %s", dir);
    cli_note("  trace     %s, %s", RECORDING_TRACE_FILE, text);
    report_end(summary->wait_status, summary->is_exit_masked);
    record_report_trace(dir, is_crash(summary->wait_status));
    fprintf(stderr, "traceId:%s\n", summary->id);
    if (summary->is_host_waiting) {
        printf("traceId:%s\n", summary->id);
    }
    return true;
}
