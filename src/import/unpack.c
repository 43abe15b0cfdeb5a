#include "import/unpack.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <unzip.h>

#include "base/file.h"

enum {
    ENTRIES_MAX = 1 << 20,
    PIECE_BYTES = 1 << 20, /* and how often the free space is asked for */
};

struct unpack {
    const char *path;
    const char *folder;
    uint64_t min_free_space;
    unzFile zip;
    char prefix[PATH_MAX]; /* where the recording is in the zip file, with its '/' */
    char name[PATH_MAX];   /* of the current entry */
    unz_file_info64 about;
    uint8_t *piece;
};

static int damaged(const struct unpack *unpack, struct ct_error *error)
{
    return ct_fail(error, CT_EFORMAT, "'%s' is damaged, or a kind of zip file that is not known",
                   unpack->path);
}

/* ---- What is taken ---- */

static const char *const traces[] = {"trace.ctr", "trace.bin", "trace.json"};
static const char *const companions[] = {"trace.ctr.tail", "trace_metadata.json",
                                         "trace_paths.json"};
static const char sources[] = "files/";

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i < count && strcmp(name, names[i]) != 0) {
        i++;
    }
    return i < count;
}

static bool is_trace(const char *name)
{
    return is_one_of(name, traces, sizeof traces / sizeof traces[0]);
}

/* Every part of the path is a name: none is empty, "." or "..". */
static bool stays_inside(const char *path)
{
    while (true) {
        size_t size = strcspn(path, "/");
        if (size == 0 || (size <= 2 && strncmp(path, "..", size) == 0)) {
            return false;
        }
        if (path[size] == '\0') {
            return true;
        }
        path += size + 1;
    }
}

/* The name that the current entry gets below the folder, or NULL: it is not taken. */
static const char *name_below(const struct unpack *unpack)
{
    size_t size = strlen(unpack->prefix);
    if (strncmp(unpack->name, unpack->prefix, size) != 0) {
        return NULL;
    }
    const char *name = unpack->name + size;
    bool is_wanted = is_trace(name) ||
                     is_one_of(name, companions, sizeof companions / sizeof companions[0]) ||
                     strncmp(name, sources, strlen(sources)) == 0;
    return is_wanted && stays_inside(name) ? name : NULL;
}

/* ---- Entry by entry ---- */

static int read_entry(struct unpack *unpack, struct ct_error *error)
{
    if (unzGetCurrentFileInfo64(unpack->zip, &unpack->about, unpack->name, sizeof unpack->name,
                                NULL, 0, NULL, 0) != UNZ_OK) {
        return damaged(unpack, error);
    }
    if (unpack->about.size_filename >= sizeof unpack->name) {
        unpack->name[0] = '\0'; /* cut, and so not a name of anything */
    }
    return CT_OK;
}

static int each_entry(struct unpack *unpack, int (*take)(struct unpack *, struct ct_error *),
                      struct ct_error *error)
{
    int status = CT_OK;
    int found = unzGoToFirstFile(unpack->zip);
    for (unsigned i = 0; found == UNZ_OK && i < ENTRIES_MAX && status == CT_OK; i++) {
        status = read_entry(unpack, error);
        status = status == CT_OK ? take(unpack, error) : status;
        found = unzGoToNextFile(unpack->zip);
    }
    if (status == CT_OK && found != UNZ_END_OF_LIST_OF_FILE) {
        status = damaged(unpack, error);
    }
    return status;
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (; *path != '\0'; path++) {
        depth += *path == '/';
    }
    return depth;
}

/* Keep the prefix of the trace that lies least deep; a prefix of one character stands for none. */
static int look_for_trace(struct unpack *unpack, struct ct_error *error)
{
    (void)error;
    const char *slash = strrchr(unpack->name, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - unpack->name) + 1;
    bool is_first = strcmp(unpack->prefix, "/") == 0;
    if (is_trace(unpack->name + size) &&
        (is_first || depth_of(unpack->name) < depth_of(unpack->prefix))) {
        memcpy(unpack->prefix, unpack->name, size);
        unpack->prefix[size] = '\0';
    }
    return CT_OK;
}

/* ---- Writing ---- */

static int copy_entry(struct unpack *unpack, int fd, const char *path, struct ct_error *error)
{
    int status = CT_OK;
    int got = 0;
    do {
        status = ct_check_space(fd, unpack->min_free_space, unpack->folder, error);
        got = status == CT_OK ? unzReadCurrentFile(unpack->zip, unpack->piece, PIECE_BYTES) : 0;
        if (got > 0) {
            status = ct_write_all(fd, unpack->piece, (size_t)got, path, error);
        }
    } while (got > 0 && status == CT_OK);
    /* minizip compares the checksum of what was read whole, and says nothing of what ends early. */
    bool is_cut = got == 0 && status == CT_OK && !unzeof(unpack->zip);
    return got < 0 || is_cut ? damaged(unpack, error) : status;
}

/* The time of an imported trace is its file's. */
static void set_time(int fd, const tm_unz *at)
{
    struct tm when = {
        .tm_sec = (int)at->tm_sec,
        .tm_min = (int)at->tm_min,
        .tm_hour = (int)at->tm_hour,
        .tm_mday = (int)at->tm_mday,
        .tm_mon = (int)at->tm_mon,
        .tm_year = (int)at->tm_year - 1900,
        .tm_isdst = -1,
    };
    struct timespec time = {.tv_sec = mktime(&when)};
    futimens(fd, (struct timespec[]){time, time});
}

static int write_entry(struct unpack *unpack, const char *path, struct ct_error *error)
{
    if (unzOpenCurrentFile(unpack->zip) != UNZ_OK) {
        return damaged(unpack, error);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int status = fd < 0 ? ct_fail_errno(error, "cannot make '%s'", path)
                        : copy_entry(unpack, fd, path, error);
    if (status == CT_OK) {
        set_time(fd, &unpack->about.tmu_date);
    }
    if (fd >= 0 && close(fd) != 0 && status == CT_OK) {
        status = ct_fail_errno(error, "cannot write '%s'", path);
    }
    int closed =
        unzCloseCurrentFile(unpack->zip); /* compares the checksum of what was read whole */
    return status == CT_OK && closed != UNZ_OK ? damaged(unpack, error) : status;
}

static int make_parent(const char *path, struct ct_error *error)
{
    char *parent = strdup(path);
    if (parent == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    *strrchr(parent, '/') = '\0';
    int status = ct_make_directories(parent, NULL, error);
    free(parent);
    return status;
}

static int take_entry(struct unpack *unpack, struct ct_error *error)
{
    enum { IS_ENCRYPTED = 1 };
    const char *name = name_below(unpack);
    if (name == NULL) {
        return CT_OK;
    }
    if (unpack->about.flag & IS_ENCRYPTED) {
        return ct_fail(error, CT_EFORMAT, "'%s' is encrypted: unpack it first", unpack->path);
    }
    uLong method = unpack->about.compression_method;
    if (method != 0 && method != Z_DEFLATED) { /* others minizip may hand out as they are */
        return damaged(unpack, error);
    }
    char *path = ct_path_join(unpack->folder, name);
    if (path == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    int status = make_parent(path, error);
    if (status == CT_OK) {
        status = write_entry(unpack, path, error);
    }
    free(path);
    return status;
}

/* ---- The whole ---- */

bool import_is_zip(const char *path)
{
    static const char start[] = {'P', 'K', 3, 4};
    char magic[sizeof start];
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_zip = fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
                  read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
                  memcmp(magic, start, sizeof magic) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_zip;
}

static int unpack_all(struct unpack *unpack, struct ct_error *error)
{
    int status = each_entry(unpack, look_for_trace, error);
    if (status == CT_OK && strcmp(unpack->prefix, "/") == 0) {
        status = ct_fail(error, CT_EFORMAT, "'%s' holds no trace.ctr, trace.json or trace.bin",
                         unpack->path);
    }
    return status == CT_OK ? each_entry(unpack, take_entry, error) : status;
}

int import_unpack(const char *path, const char *folder, uint64_t min_free_space,
                  struct ct_error *error)
{
    struct unpack unpack = {
        .path = path, .folder = folder, .min_free_space = min_free_space, .prefix = "/"};
    unpack.piece = malloc(PIECE_BYTES);
    if (unpack.piece == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    unpack.zip = unzOpen64(path);
    int status = unpack.zip == NULL ? damaged(&unpack, error) : unpack_all(&unpack, error);
    if (unpack.zip != NULL) {
        unzClose(unpack.zip);
    }
    free(unpack.piece);
    return status;
}
