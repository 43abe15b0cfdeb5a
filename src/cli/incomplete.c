#include "cli/incomplete.h"

#include "cli/message.h"

void cli_note_incomplete(const char *path, const struct ctr_info *info)
{
    cli_note("%s is not complete: %s", path, info->incomplete);
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
    if (!is_salvaging && !info->unfinished) {
        cli_error("%s is damaged: %s", path, info->incomplete);
        cli_help("`ct %s --salvage %s` takes what is readable", command, path);
        return false;
    }
    cli_note_incomplete(path, info);
    return true;
}
