#include "cli/recording_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "registry/folder.h"

enum {
    MOST_DIRECTORIES = 1000, /* trace-<id>-2, -3, ... before giving up */
};

/* When the newest of the files was written: what names a recording without an identifier. False:
 * there is no recording. */
static bool newest_time(const char *dir, char text[CT_UUID_TEXT_BYTES])
{
    time_t newest = 0;
    bool is_found = false;
    for (size_t i = 0; i < recording_file_count; i++) {
        struct stat about;
        char *path = ct_path_join(dir, recording_files[i]);
        if (path != NULL && lstat(path, &about) == 0) {
            newest = !is_found || about.st_mtime > newest ? about.st_mtime : newest;
            is_found = true;
        }
        free(path);
    }
    struct tm utc;
    if (is_found && gmtime_r(&newest, &utc) != NULL) {
        strftime(text, CT_UUID_TEXT_BYTES, "%Y%m%dT%H%M%SZ", &utc);
    }
    return is_found;
}

/* ---- Keeping it ---- */

/* Whether none of the files to be moved is in `to` already. */
static bool has_room_for(const char *from, const char *to)
{
    bool has_room = true;
    for (size_t i = 0; i < recording_file_count && has_room; i++) {
        struct stat about;
        char *source = ct_path_join(from, recording_files[i]);
        char *target = ct_path_join(to, recording_files[i]);
        has_room = source != NULL && target != NULL &&
                   (lstat(source, &about) != 0 || lstat(target, &about) != 0);
        free(source);
        free(target);
    }
    return has_room;
}

/* The name for it: trace-<name>, or that with a number when it is taken. NULL: no memory. */
static char *choose_target(const char *dir, const char *name)
{
    for (int i = 1; i < MOST_DIRECTORIES; i++) {
        char *path = NULL;
        int length = i == 1 ? asprintf(&path, "%s/trace-%s", dir, name)
                            : asprintf(&path, "%s/trace-%s-%d", dir, name, i);
        if (length < 0 || has_room_for(dir, path)) {
            return length < 0 ? NULL : path;
        }
        free(path);
    }
    return NULL;
}

int recording_files_move(const char *from, const char *to, struct ct_error *error)
{
    int status = ct_make_directories(to, NULL, error);
    for (size_t i = 0; i < recording_file_count && status == CT_OK; i++) {
        struct stat about;
        char *source = ct_path_join(from, recording_files[i]);
        char *target = ct_path_join(to, recording_files[i]);
        if (source == NULL || target == NULL) {
            status = ct_fail(error, CT_ENOMEM, "out of memory");
        } else if (lstat(source, &about) == 0) {
            status = ct_file_move(source, target, error);
        }
        free(source);
        free(target);
    }
    return status;
}

static int keep_existing(struct recording_dir *dir, struct ct_error *error)
{
    char name[CT_UUID_TEXT_BYTES] = "";
    if (!newest_time(dir->path, name)) {
        return CT_OK;
    }
    char id[CT_UUID_TEXT_BYTES];
    bool has_id = recording_existing_id(dir->path, id);
    dir->moved_to = choose_target(dir->path, has_id ? id : name);
    if (dir->moved_to == NULL) {
        return ct_fail(error, CT_EIO, "no free name for the earlier recording in '%s'", dir->path);
    }
    return recording_files_move(dir->path, dir->moved_to, error);
}

/* ---- Taking it ---- */

static int make_and_resolve(const char *asked, struct recording_dir *dir, struct ct_error *error)
{
    int status = ct_make_directories(asked, &dir->is_new, error);
    if (status != CT_OK) {
        return status;
    }
    dir->path = realpath(asked, NULL);
    return dir->path != NULL ? CT_OK : ct_fail_errno(error, "cannot find '%s'", asked);
}

/* CT_ESTATE: somebody records here. */
static int lock_directory(struct recording_dir *dir, struct ct_error *error)
{
    char *lock_path = ct_path_join(dir->path, RECORDING_LOCK_FILE);
    char *trace_path = ct_path_join(dir->path, RECORDING_TRACE_FILE);
    int status = lock_path != NULL && trace_path != NULL
                     ? ct_lock_take(&dir->lock, lock_path, error)
                     : ct_fail(error, CT_ENOMEM, "out of memory");
    /* A recorder that was not started by `ct` locks the trace itself. */
    if (status == CT_OK && ct_file_is_locked(trace_path)) {
        ct_lock_release(&dir->lock);
        status = ct_fail(error, CT_ESTATE, "'%s' is being recorded into", dir->path);
    }
    free(lock_path);
    free(trace_path);
    return status;
}

static int divert(struct recording_dir *dir, const char *id, struct ct_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/trace-%s", dir->path, id) < 0) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    free(dir->path);
    dir->path = NULL;
    int status = make_and_resolve(path, dir, error);
    free(path);
    dir->is_diverted = true;
    return status == CT_OK ? lock_directory(dir, error) : status;
}

int recording_dir_take(const char *asked, const char *id, struct recording_dir *dir,
                       struct ct_error *error)
{
    *dir = (struct recording_dir){.lock = CT_LOCK_NONE};
    int status = make_and_resolve(asked, dir, error);
    if (status == CT_OK) {
        status = lock_directory(dir, error);
    }
    if (status == CT_ESTATE) {
        status = divert(dir, id, error);
    } else if (status == CT_OK) {
        status = keep_existing(dir, error);
    }
    if (status != CT_OK) {
        recording_dir_release(dir);
    }
    return status;
}

void recording_dir_release(struct recording_dir *dir)
{
    ct_lock_release(&dir->lock);
    if (dir->is_new && dir->path != NULL) {
        rmdir(dir->path); /* refused when it holds anything, which is what is wanted */
    }
    free(dir->path);
    free(dir->moved_to);
    *dir = (struct recording_dir){.lock = CT_LOCK_NONE};
}
