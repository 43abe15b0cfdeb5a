#include "base/data.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define FOLDER "codetracer-python-recorder"

enum { FOLDER_MODE = 0700 }; /* arguments may hold secrets */

static char *home_folder(void)
{
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == '\0') {
        const struct passwd *user = getpwuid(getuid());
        home = user == NULL ? NULL : user->pw_dir;
    }
    return home == NULL || home[0] != '/' ? NULL : ct_path_join(home, ".local/share");
}

/* The user's data. */
static char *data_folder(void)
{
    const char *data = getenv("XDG_DATA_HOME");
    /* A relative path is to be ignored, says the XDG specification. */
    return data != NULL && data[0] == '/' ? strdup(data) : home_folder();
}

static char *join(char *folder, const char *name)
{
    char *path = folder == NULL ? NULL : ct_path_join(folder, name);
    free(folder);
    return path;
}

char *ct_data_path(const char *name)
{
    return join(join(data_folder(), FOLDER), name);
}

int ct_data_make(struct ct_error *error)
{
    char *parent = data_folder();
    int status = parent == NULL ? ct_fail(error, CT_EIO, "there is no home directory")
                                : ct_make_directories(parent, NULL, error);
    char *folder = join(parent, FOLDER);
    if (status == CT_OK && folder != NULL) {
        mkdir(folder, FOLDER_MODE); /* if it fails, so will what comes next, and that is told */
    }
    free(folder);
    return status;
}
