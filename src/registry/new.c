/* Recordings that were made without `ct`: by the Python package in a program's own process. The
 * recorder, which has no database, leaves a note (base/data.h); whoever looks at the list next
 * puts the recording there. One that still runs stays where it is. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/data.h"
#include "base/file.h"
#include "base/lock.h"
#include "registry/registry.h"
#include "registry/registry_internal.h"

enum { NAME_DIGITS = 16 };

static bool is_note_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == NAME_DIGITS && name[NAME_DIGITS] == '\0';
}

static bool is_plain_file(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool is_running(const char *directory)
{
    char *trace = ct_path_join(directory, RECORDING_TRACE_FILE);
    bool is = trace == NULL || ct_file_is_locked(trace);
    free(trace);
    return is;
}

/* False: there is no list to put it into. */
static bool take_directory(struct registry **registry, const char *note, const char *directory)
{
    enum { NOTE_MODE = 0600 };
    bool goes_on = true;
    if (directory[0] != '/' || is_running(directory)) {
        return true;
    }
    if (*registry == NULL && registry_open_to_write(registry, NULL) != CT_OK) {
        return false;
    }
    /* First: a recording that begins there at this moment leaves another one. */
    unlink(note);
    struct registry_entry entry;
    if (registry_describe(NULL, directory, &entry, NULL) == CT_OK) {
        goes_on = registry_add(*registry, &entry, NULL) == CT_OK;
        if (!goes_on) { /* for the next one who looks */
            ct_file_replace(note, directory, strlen(directory), NOTE_MODE, NULL);
        }
        registry_entry_clear(&entry);
    }
    return goes_on;
}

static bool take_note(struct registry **registry, const char *note)
{
    char *directory = NULL;
    size_t size;
    bool goes_on = true;
    if (is_plain_file(note) && ct_file_read(note, PATH_MAX, &directory, &size, NULL) == CT_OK) {
        goes_on = take_directory(registry, note, directory);
    }
    free(directory);
    return goes_on;
}

void registry_take_new(void)
{
    char *folder = ct_data_path(CT_DATA_NEW);
    DIR *notes = folder == NULL ? NULL : opendir(folder);
    struct registry *registry = NULL;
    struct dirent *item;
    bool goes_on = true;
    while (notes != NULL && goes_on && (item = readdir(notes)) != NULL) {
        char *note = is_note_name(item->d_name) ? ct_path_join(folder, item->d_name) : NULL;
        goes_on = note == NULL || take_note(&registry, note);
        free(note);
    }
    if (notes != NULL) {
        closedir(notes);
        rmdir(folder); /* refused while notes are in it; empty, it would keep the size it had */
    }
    registry_close(registry);
    free(folder);
}
