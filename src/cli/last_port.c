#include "cli/last_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum {
    FILE_MODE = 0600,
    TEXT_BYTES = 8,
    LOWEST = 1024, /* those below are the system's */
};

/* The user's folder for what outlives a session and is no document. */
static char *find_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *folder = NULL;
    if (state != NULL && state[0] == '/') {
        return ct_path_join(state, "codetracer-python-recorder");
    }
    if (home != NULL && home[0] == '/') {
        folder = ct_path_join(home, ".local/state/codetracer-python-recorder");
    }
    return folder;
}

static char *find_file(void)
{
    char *folder = find_folder();
    char *path = folder == NULL ? NULL : ct_path_join(folder, "port");
    free(folder);
    return path;
}

uint16_t last_port(void)
{
    char *path = find_file();
    char *text = NULL;
    size_t size;
    unsigned long port = 0;
    if (path != NULL && ct_file_read(path, TEXT_BYTES, &text, &size, NULL) == CT_OK) {
        port = strtoul(text, NULL, 10);
    }
    free(text);
    free(path);
    return port >= LOWEST && port <= UINT16_MAX ? (uint16_t)port : 0;
}

void last_port_keep(uint16_t port)
{
    if (last_port() != 0) {
        return;
    }
    char text[TEXT_BYTES];
    int size = snprintf(text, sizeof text, "%u\n", (unsigned)port);
    char *folder = find_folder();
    char *path = find_file();
    if (folder != NULL && path != NULL && ct_make_directories(folder, NULL, NULL) == CT_OK) {
        ct_file_replace(path, text, (size_t)size, FILE_MODE, NULL);
    }
    free(folder);
    free(path);
}
