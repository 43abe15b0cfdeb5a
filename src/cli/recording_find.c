#include "cli/recording_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"

static char *find_folder(const char *folder)
{
    char *directory = realpath(folder, NULL);
    if (directory == NULL) {
        cli_error("cannot open '%s': %s", folder, strerror(errno));
    }
    return directory;
}

char *recording_find_asked(const struct recording_asked *asked)
{
    const char *folder = asked->folder != NULL ? asked->folder : asked->pattern;
    if (folder == NULL) {
        cli_error("name the directory of a recording");
        return NULL;
    }
    return find_folder(folder);
}
