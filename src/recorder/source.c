#include "recorder/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "recorder/wtf8.h"

enum {
    SOURCE_CHUNK_BYTES = 256 * 1024,
    MAX_SOURCE_BYTES = 16 << 20, /* a larger file is data, not code anybody reads */
};

struct source {
    uint8_t *bytes; /* NULL: the file could not be read */
    size_t size;
    struct stat about;
};

static void read_source(const char *name, struct source *source)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (fd >= 0 && fstat(fd, &source->about) == 0 && S_ISREG(source->about.st_mode) &&
        source->about.st_size <= MAX_SOURCE_BYTES) {
        size_t size = (size_t)source->about.st_size;
        source->bytes = malloc(size + 1);
        if (source->bytes != NULL && read(fd, source->bytes, size) == (ssize_t)size) {
            source->size = size;
        } else {
            free(source->bytes);
            source->bytes = NULL;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- is it what was compiled?
 * --------------------------------------------------------------------------------- */

/* What the compiled file that a module was, or could have been, loaded from says of the source. */
enum compiled {
    COMPILED_NOTHING,   /* there is none, or the import looked at the source */
    COMPILED_FROM_THIS, /* size and time are those of the source, which did not change since */
    COMPILED_UNCHECKED, /* the import took it without looking at the source */
};

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

/* When the file or its entry in the file system last changed. */
static uint64_t changed(const struct stat *about)
{
    uint64_t content = nanoseconds(&about->st_mtim), entry = nanoseconds(&about->st_ctim);
    return content > entry ? content : entry;
}

static char *global_text(PyObject *globals, const char *name)
{
    PyObject *value = compat_dict_get(globals, name);
    return value != NULL && PyUnicode_Check(value) ? text_copy(value) : NULL;
}

/* Layout: importlib/_bootstrap_external.py. */
static enum compiled read_compiled(const char *name, bool alone, const struct stat *source)
{
    enum { HEADER_BYTES = 16, BY_HASH = 1, CHECK_SOURCE = 2 };
    uint8_t header[HEADER_BYTES];
    enum compiled unknown = alone ? COMPILED_UNCHECKED : COMPILED_NOTHING;
    struct stat about = {0};
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd >= 0 && fstat(fd, &about) == 0 ? read(fd, header, sizeof header) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (got != HEADER_BYTES || ct_load32(header) != (uint32_t)PyImport_GetMagicNumber()) {
        return unknown;
    }
    uint32_t flags = ct_load32(header + 4);
    if (flags & BY_HASH) {
        return flags & CHECK_SOURCE ? unknown : COMPILED_UNCHECKED;
    }
    bool same = ct_load32(header + 8) == (uint32_t)source->st_mtime && /* whole seconds */
                ct_load32(header + 12) == (uint32_t)source->st_size &&
                changed(source) <= nanoseconds(&about.st_mtim);
    return same ? COMPILED_FROM_THIS : unknown;
}

static enum compiled compiled_of(const char *name, PyObject *globals, const struct stat *source)
{
    enum compiled says = COMPILED_NOTHING;
    char *file = global_text(globals, "__file__");
    char *cached = global_text(globals, "__cached__");
    if (file != NULL && cached != NULL) {
        bool alone = strcmp(file, cached) == 0;
        if (alone || strcmp(file, name) == 0) {
            says = read_compiled(cached, alone, source);
        }
    }
    free(file);
    free(cached);
    return says;
}

/* Python read the source, or compared it with what it had compiled, when this process ran already:
 * what changed since it started may have changed since then. */
static bool may_differ(const char *name, PyObject *globals, const struct stat *source)
{
    switch (compiled_of(name, globals, source)) {
    case COMPILED_FROM_THIS:
        return false;
    case COMPILED_UNCHECKED:
        return true;
    default:
        break;
    }
    uint64_t start = ct_process_start();
    return start != 0 && changed(source) > start;
}

/* ---- writing it down
 * ------------------------------------------------------------------------------------------ */

static void define_part(struct session *session, uint32_t path, uint8_t flags, const uint8_t *from,
                        size_t size)
{
    struct ct_bytes payload = {0};
    ct_bytes_add_varint(&payload, path);
    ct_bytes_add_byte(&payload, flags);
    ct_bytes_add(&payload, from, size);
    if (!payload.failed) {
        ctr_writer_define(session->writer, CTR_DEF_SOURCE, payload.data, payload.size);
    }
    ct_bytes_free(&payload);
}

static void define_parts(struct session *session, uint32_t path, uint8_t flags,
                         const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (; size - at > SOURCE_CHUNK_BYTES; at += SOURCE_CHUNK_BYTES) {
        define_part(session, path, flags | CTR_SOURCE_GOES_ON, bytes + at, SOURCE_CHUNK_BYTES);
    }
    define_part(session, path, flags, bytes + at, size - at);
}

static void define_file(struct session *session, uint32_t path, const char *name, PyObject *globals)
{
    struct source source = {0};
    read_source(name, &source);
    if (source.bytes == NULL) {
        define_part(session, path, CTR_SOURCE_MISSING, NULL, 0);
        return;
    }
    uint8_t flags = may_differ(name, globals, &source.about) ? CTR_SOURCE_MAY_DIFFER : 0;
    define_parts(session, path, flags, source.bytes, source.size);
    free(source.bytes);
}

/* A made-up name is that of no file, even if there is one. */
void source_define(struct session *session, uint32_t path, const char *name, PyObject *globals)
{
    int saved = errno;
    const char *text = session->program_text;
    if (!session->limits.no_sources && name[0] != '<') {
        define_file(session, path, name, globals);
    } else if (!session->limits.no_sources && text != NULL) {
        define_parts(session, path, 0, (const uint8_t *)text, strlen(text));
    } else {
        define_part(session, path, CTR_SOURCE_MISSING, NULL, 0);
    }
    errno = saved;
}
