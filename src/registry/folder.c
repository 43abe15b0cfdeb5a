#include "registry/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json_find.h"
#include "base/lock.h"
#include "trace/format.h"

enum {
    METADATA_MAX_BYTES = 16 << 20, /* a command line and a list of filters: far below this */
    HEADER_ID_OFFSET = 16,
    HEADER_READ_BYTES = HEADER_ID_OFFSET + CT_UUID_BYTES,
    TRAILER_MAGIC_OFFSET = 16,
};

const char *const recording_files[] = {
    RECORDING_TRACE_FILE, "trace.ctr.tail",   "trace.json",
    "trace.bin",          "trace_paths.json", RECORDING_METADATA_FILE,
};

const size_t recording_file_count = sizeof recording_files / sizeof recording_files[0];

/* ---- Which recording is there ---- */

static bool id_from_metadata(const char *dir, char id[CT_UUID_TEXT_BYTES])
{
    char *path = ct_path_join(dir, RECORDING_METADATA_FILE);
    char *text = NULL;
    size_t size;
    char found[CT_UUID_TEXT_BYTES];
    uint8_t uuid[CT_UUID_BYTES];
    /* It becomes part of a path: anything but an identifier is refused. */
    bool is_found =
        path != NULL && ct_file_read(path, METADATA_MAX_BYTES, &text, &size, NULL) == CT_OK &&
        ct_json_find_text(text, "recording_id", found, sizeof found) && ct_uuid_parse(found, uuid);
    if (is_found) {
        ct_uuid_format(uuid, id);
    }
    free(text);
    free(path);
    return is_found;
}

/* The trace, if it is a plain file: a pipe would keep us waiting. -1: it is not there. */
static int open_trace(const char *dir, struct stat *about)
{
    char *path = ct_path_join(dir, RECORDING_TRACE_FILE);
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(path);
    if (fd >= 0 && (fstat(fd, about) != 0 || !S_ISREG(about->st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool read_id(int fd, char id[CT_UUID_TEXT_BYTES])
{
    uint8_t header[HEADER_READ_BYTES];
    if (pread(fd, header, sizeof header, 0) != sizeof header ||
        memcmp(header, CTR_MAGIC, strlen(CTR_MAGIC)) != 0) {
        return false;
    }
    ct_uuid_format(header + HEADER_ID_OFFSET, id);
    return true;
}

static bool has_trailer(int fd, off_t size)
{
    uint8_t trailer[CTR_TRAILER_BYTES];
    return size >= CTR_HEADER_BYTES + CTR_TRAILER_BYTES &&
           pread(fd, trailer, sizeof trailer, size - CTR_TRAILER_BYTES) == sizeof trailer &&
           ct_load64(trailer + TRAILER_MAGIC_OFFSET) == CTR_TRAILER_MAGIC;
}

bool recording_has_trace(const char *dir)
{
    char *path = ct_path_join(dir, RECORDING_TRACE_FILE);
    bool has = path != NULL && access(path, F_OK) == 0;
    free(path);
    return has;
}

/* False: there is no trace. */
static bool look_at_trace(const char *dir, char id[CT_UUID_TEXT_BYTES], bool *is_finished)
{
    struct stat about;
    int fd = open_trace(dir, &about);
    if (fd < 0) {
        return false;
    }
    bool is_trace = read_id(fd, id);
    *is_finished = is_trace && has_trailer(fd, about.st_size);
    close(fd);
    return is_trace;
}

bool recording_existing_id(const char *dir, char id[CT_UUID_TEXT_BYTES])
{
    bool is_finished;
    return id_from_metadata(dir, id) || look_at_trace(dir, id, &is_finished);
}

/* ---- Whether it is still there ---- */

static bool is_there(const char *dir, const char *id, bool *is_finished)
{
    char found[CT_UUID_TEXT_BYTES];
    return look_at_trace(dir, found, is_finished) && strcmp(found, id) == 0;
}

/* Where `ct record` moves it: DIR/trace-<id>/. */
static char *kept_place(const char *dir, const char *id)
{
    char *path = NULL;
    bool is_finished;
    if (asprintf(&path, "%s/trace-%s", dir, id) < 0) {
        return NULL;
    }
    if (!is_there(path, id, &is_finished)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* In one of the directories beside `dir`: it was renamed. `*is_given_up`: not all were looked at.
 */
static char *place_beside(const char *dir, const char *id, unsigned *budget, bool *is_given_up)
{
    const char *slash = strrchr(dir, '/');
    char *parent = slash == NULL || slash == dir ? NULL : strndup(dir, (size_t)(slash - dir));
    DIR *listing = parent == NULL ? NULL : opendir(parent);
    char *found = NULL;
    struct dirent *item;
    *is_given_up = false;
    while (listing != NULL && found == NULL && !*is_given_up && (item = readdir(listing)) != NULL) {
        bool is_finished;
        bool may_be_directory = item->d_type == DT_DIR || item->d_type == DT_UNKNOWN;
        if (!may_be_directory || strcmp(item->d_name, ".") == 0 ||
            strcmp(item->d_name, "..") == 0) {
            continue;
        }
        if (*budget == 0) {
            *is_given_up = true;
            continue;
        }
        --*budget;
        char *path = ct_path_join(parent, item->d_name);
        if (path != NULL && is_there(path, id, &is_finished)) {
            found = path;
        } else {
            free(path);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    free(parent);
    return found;
}

enum recording_state recording_find(const char *dir, const char *id, unsigned *budget, char **found)
{
    bool is_finished;
    *found = NULL;
    if (is_there(dir, id, &is_finished)) {
        return is_finished ? RECORDING_OK : RECORDING_UNFINISHED;
    }
    bool is_given_up = false;
    *found = kept_place(dir, id);
    if (*found == NULL) {
        *found = place_beside(dir, id, budget, &is_given_up);
    }
    if (*found != NULL) {
        return RECORDING_MOVED;
    }
    return is_given_up ? RECORDING_MISSING : RECORDING_DELETED;
}

uint64_t recording_bytes(const char *dir)
{
    uint64_t total = 0;
    for (size_t i = 0; i < recording_file_count; i++) {
        struct stat about;
        char *path = ct_path_join(dir, recording_files[i]);
        if (path != NULL && lstat(path, &about) == 0 && S_ISREG(about.st_mode)) {
            total += (uint64_t)about.st_size;
        }
        free(path);
    }
    return total;
}

/* ---- Deleting ---- */

/* What names it goes last: a deletion that was interrupted can be done again. */
static int delete_files(int dir, const char *path, struct ct_error *error)
{
    for (size_t i = recording_file_count; i-- > 0;) {
        if (unlinkat(dir, recording_files[i], 0) != 0 && errno != ENOENT) {
            return ct_fail_errno(error, "cannot delete '%s/%s'", path, recording_files[i]);
        }
    }
    return CT_OK;
}

static bool is_working_directory(const char *dir)
{
    struct stat here, there;
    return stat(".", &here) == 0 && stat(dir, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

static int delete_locked(const char *dir, const char *id, struct ct_error *error)
{
    bool is_finished;
    char *trace = ct_path_join(dir, RECORDING_TRACE_FILE);
    bool is_recorded = trace == NULL || ct_file_is_locked(trace);
    free(trace);
    if (is_recorded) {
        return ct_fail(error, CT_ESTATE, "'%s' is being recorded into", dir);
    }
    if (!is_there(dir, id, &is_finished)) {
        return ct_fail(error, CT_ESTATE, "'%s' does not hold the recording %s", dir, id);
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return ct_fail_errno(error, "cannot open '%s'", dir);
    }
    int status = delete_files(fd, dir, error);
    close(fd);
    return status;
}

int recording_delete(const char *dir, const char *id, struct ct_error *error)
{
    struct ct_lock lock = CT_LOCK_NONE;
    char *lock_path = ct_path_join(dir, RECORDING_LOCK_FILE);
    if (lock_path == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    int status = ct_lock_take(&lock, lock_path, error);
    free(lock_path);
    if (status == CT_OK) {
        status = delete_locked(dir, id, error);
        ct_lock_release(&lock);
    } else if (status == CT_ESTATE) {
        ct_fail(error, status, "'%s' is being recorded into", dir);
    }
    if (status == CT_OK && !is_working_directory(dir)) {
        rmdir(dir); /* refused when it holds anything, which is what is wanted */
    }
    return status;
}
