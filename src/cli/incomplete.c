#include "cli/incomplete.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/message.h"

/* Whether the tail lies beside the trace: then the program died or still runs, and nothing that was
 * recorded is missing. */
static bool has_tail(const char *path)
{
    struct stat about;
    bool is_directory = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    char *name = NULL;
    if (asprintf(&name, is_directory ? "%s/trace.ctr.tail" : "%s.tail", path) < 0) {
        return false;
    }
    bool is_there = stat(name, &about) == 0;
    free(name);
    return is_there;
}

bool cli_accept_incomplete(const char *path, const struct ctr_info *info, bool is_salvaging,
                           const char *command)
{
    if (info->complete) {
        return true;
    }
    if (info->blocks == 0) {
        cli_error("%s: nothing in it is readable: %s", path, info->incomplete);
        return false;
    }
    if (!is_salvaging && !has_tail(path)) {
        cli_error("%s is damaged: %s", path, info->incomplete);
        cli_help("`ct %s --salvage %s` takes what is readable", command, path);
        return false;
    }
    cli_note("%s is not complete: %s", path, info->incomplete);
    return true;
}
