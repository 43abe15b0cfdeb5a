#include "trace/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

static size_t tail_size(unsigned slots, size_t capacity)
{
    return 2 * CTR_TAIL_PAGE + slots * capacity;
}

/* Blocks must exist before they are mapped: a store to a hole of a full disk is a SIGBUS in the
 * traced program. File systems that cannot reserve are filled with zeros. */
static int reserve(int fd, size_t size)
{
    int failure = posix_fallocate(fd, 0, (off_t)size);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    return 0;
}

int ctr_tail_create(struct ctr_tail *tail, const char *path, const uint8_t id[16], unsigned slots,
                    size_t capacity, struct ct_error *error)
{
    *tail =
        (struct ctr_tail){.size = tail_size(slots, capacity), .slots = slots, .capacity = capacity};
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ct_fail_errno(error, "cannot create %s", path);
    }
    if (reserve(fd, tail->size) != 0) {
        int status = ct_fail_errno(error, "cannot reserve %zu bytes for %s", tail->size, path);
        close(fd);
        unlink(path);
        return status;
    }
    tail->map = mmap(NULL, tail->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (tail->map == MAP_FAILED) {
        int status = ct_fail_errno(error, "cannot map %s", path);
        unlink(path);
        return status;
    }
    memcpy(tail->map + 8, id, 16);
    ct_store32(tail->map + 24, slots);
    ct_store32(tail->map + 28, (uint32_t)capacity);
    memcpy(tail->map, CTR_TAIL_MAGIC, 8);
    return CT_OK;
}

static int check_tail(struct ctr_tail *tail, const char *path, const uint8_t id[16],
                      struct ct_error *error)
{
    if (tail->size < 2 * CTR_TAIL_PAGE || memcmp(tail->map, CTR_TAIL_MAGIC, 8) != 0) {
        return ct_fail(error, CT_EFORMAT, "%s is not the tail of a trace", path);
    }
    if (memcmp(tail->map + 8, id, 16) != 0) {
        return ct_fail(error, CT_EFORMAT, "%s belongs to another recording", path);
    }
    tail->slots = ct_load32(tail->map + 24);
    tail->capacity = ct_load32(tail->map + 28);
    if (tail->slots > CTR_TAIL_SLOTS_MAX || tail->capacity > CTR_BLOCK_MAX_BYTES ||
        tail_size(tail->slots, tail->capacity) > tail->size) {
        return ct_fail(error, CT_EFORMAT, "%s is damaged: its slots do not fit in it", path);
    }
    return CT_OK;
}

int ctr_tail_open(struct ctr_tail *tail, const char *path, const uint8_t id[16],
                  struct ct_error *error)
{
    *tail = (struct ctr_tail){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (fd < 0) {
        return ct_fail_errno(error, "cannot open %s", path);
    }
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= 0) {
        close(fd);
        return ct_fail(error, CT_EFORMAT, "%s is not a file with anything in it", path);
    }
    tail->size = (size_t)about.st_size;
    tail->map = mmap(NULL, tail->size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (tail->map == MAP_FAILED) {
        tail->map = NULL;
        return ct_fail_errno(error, "cannot map %s", path);
    }
    int status = check_tail(tail, path, id, error);
    if (status != CT_OK) {
        ctr_tail_close(tail);
    }
    return status;
}

void ctr_tail_close(struct ctr_tail *tail)
{
    if (tail->map != NULL) {
        munmap(tail->map, tail->size);
    }
    *tail = (struct ctr_tail){0};
}
