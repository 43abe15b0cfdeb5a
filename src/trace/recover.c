/* How the recovery stays readable at any moment: it only appends whole blocks that the tail has
 * too, and the trailer, written last, is what makes a reader trust the index. */
#include "trace/recover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "trace/summary.h"
#include "trace/trace_internal.h"

struct recovery {
    const char *path;
    struct ctr_trace *trace;
    int fd;
    uint64_t at;                 /* where the next block goes */
    struct ct_bytes packed;      /* room for compressed bytes */
    uint32_t blocks;             /* EVENTS blocks so far */
    uint32_t indexed;            /* those of them that an INDEX block describes */
    struct ctr_summary *summary; /* of the others */
    struct ct_bytes index_directory;
    uint32_t index_blocks;
    struct ct_bytes def_directory;
    uint32_t def_blocks;
};

/* ---- appending ---- */

static int append(struct recovery *recovery, const void *data, size_t size, struct ct_error *error)
{
    int status = ct_write_all(recovery->fd, data, size, recovery->path, error);
    if (status == CT_OK) {
        recovery->at += size;
    }
    return status;
}

static int append_block(struct recovery *recovery, uint8_t kind, uint32_t number,
                        const uint8_t *raw, size_t size, struct ctr_block_info *info,
                        struct ct_error *error)
{
    uint8_t header[CTR_BLOCK_HEADER_BYTES];
    size_t bound = ctr_pack_bound(size);
    recovery->packed.size = 0;
    uint8_t *to = ct_bytes_reserve(&recovery->packed, bound);
    if (to == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to recover %s", recovery->path);
    }
    info->kind = kind;
    info->number = number;
    const uint8_t *stored = ctr_pack(NULL, raw, size, to, bound, info);
    ctr_put_block_header(header, info);
    int status = append(recovery, header, sizeof header, error);
    return status == CT_OK ? append(recovery, stored, info->stored_size, error) : status;
}

static int append_index(struct recovery *recovery, struct ct_error *error)
{
    if (ctr_summary_count(recovery->summary) == 0) {
        return CT_OK;
    }
    struct ct_bytes raw = {0};
    struct ctr_block_info info;
    uint64_t offset = recovery->at;
    ctr_summary_encode(recovery->summary, &raw);
    int status = raw.failed ? ct_fail(error, CT_ENOMEM, "no memory for the index")
                            : append_block(recovery, CTR_INDEX, recovery->index_blocks, raw.data,
                                           raw.size, &info, error);
    ct_bytes_free(&raw);
    if (status == CT_OK) {
        ctr_directory_add(&recovery->index_directory, offset, recovery->indexed,
                          ctr_summary_first(recovery->summary));
        recovery->indexed += ctr_summary_count(recovery->summary);
        recovery->index_blocks++;
        ctr_summary_clear(recovery->summary);
    }
    return status;
}

/* ---- what the file has ---- */

static void note_def_block(struct recovery *recovery, uint64_t offset)
{
    ct_bytes_add_varint(&recovery->def_directory, offset);
    recovery->def_blocks++;
}

static int entry_of(struct recovery *recovery, uint32_t number, struct ctr_index_entry *entry,
                    struct ct_error *error)
{
    pthread_mutex_lock(&recovery->trace->cache.lock);
    int status = ctr_entry(recovery->trace, number, entry, error);
    pthread_mutex_unlock(&recovery->trace->cache.lock);
    return status;
}

/* The INDEX block at `offset` describes the EVENTS blocks since the one before it. */
static int note_index_block(struct recovery *recovery, uint64_t offset, struct ct_error *error)
{
    struct ctr_index_entry first;
    int status = entry_of(recovery, recovery->indexed, &first, error);
    if (status == CT_OK) {
        ctr_directory_add(&recovery->index_directory, offset, recovery->indexed, &first);
        recovery->indexed = recovery->blocks;
        recovery->index_blocks++;
    }
    return status;
}

/* Take the blocks of the good part of the file into account: its INDEX blocks stay in use. */
static int count_file(struct recovery *recovery, struct ct_error *error)
{
    struct ctr_walk walk = ctr_walk_start(recovery->trace->map, recovery->trace->good);
    struct ctr_block_info info;
    uint64_t offset;
    int status = CT_OK;
    while (status == CT_OK && ctr_walk_next(&walk, &info, &offset, error) == CT_OK) {
        if (info.kind == CTR_DEFS) {
            note_def_block(recovery, offset);
        } else if (info.kind == CTR_EVENTS) {
            recovery->blocks++;
        } else if (info.kind == CTR_INDEX && recovery->blocks > recovery->indexed) {
            status = note_index_block(recovery, offset, error);
        } else if (info.kind == CTR_END) {
            recovery->at = offset; /* of a recovery that did not get further */
            return CT_OK;
        }
        if (recovery->blocks - recovery->indexed > CTR_SEGMENT_BLOCKS) {
            return ct_fail(error, CT_EFORMAT, "an index block is missing in %s", recovery->path);
        }
    }
    recovery->at = walk.at;
    return status;
}

/* Only the EVENTS blocks behind the last INDEX block need a new one. */
static int summarise_rest(struct recovery *recovery, struct ct_error *error)
{
    int status = CT_OK;
    for (uint32_t number = recovery->indexed; status == CT_OK && number < recovery->blocks;
         number++) {
        struct ctr_index_entry entry;
        const struct ctr_block *block;
        status = entry_of(recovery, number, &entry, error);
        if (status == CT_OK) {
            status = ctr_block_acquire(recovery->trace, number, &block, error);
        }
        if (status == CT_OK) {
            ctr_summary_add(recovery->summary, &entry, block->raw, block->size, block);
            ctr_block_release(recovery->trace, block);
        }
    }
    return status;
}

/* ---- what the tail has ---- */

static int add_definitions(struct recovery *recovery, struct ct_error *error)
{
    const struct ctr_piece *piece;
    int status = CT_OK;
    while (status == CT_OK && (piece = ctr_snapshot_find(&recovery->trace->tail, CTR_DEFS,
                                                         recovery->def_blocks)) != NULL) {
        uint64_t offset = recovery->at;
        struct ctr_block_info info;
        status =
            append_block(recovery, CTR_DEFS, piece->number, piece->raw, piece->size, &info, error);
        note_def_block(recovery, offset);
    }
    return status;
}

static int add_events(struct recovery *recovery, struct ct_error *error)
{
    int status = CT_OK;
    for (uint32_t number = recovery->trace->file_blocks;
         status == CT_OK && number < recovery->trace->info.blocks; number++) {
        const struct ctr_piece *piece =
            ctr_snapshot_find(&recovery->trace->tail, CTR_EVENTS, number);
        struct ctr_block_info info = {0};
        if (ctr_summary_count(recovery->summary) == CTR_SEGMENT_BLOCKS) {
            status = append_index(recovery, error);
        }
        struct ctr_index_entry placed = {.offset = recovery->at};
        if (status == CT_OK) {
            status =
                append_block(recovery, CTR_EVENTS, number, piece->raw, piece->size, &info, error);
        }
        if (status == CT_OK) {
            placed.raw_size = info.raw_size;
            placed.stored_size = info.stored_size;
            ctr_summary_add(recovery->summary, &placed, piece->raw, piece->size, NULL);
            recovery->blocks++;
        }
    }
    return status;
}

/* ---- the end ---- */

static int add_end(struct recovery *recovery, enum ctr_end_reason reason, int32_t exit_status,
                   struct ct_error *error)
{
    const struct ctr_info *about = &recovery->trace->info;
    struct ct_bytes raw = {0};
    ct_bytes_add_varint(&raw, reason);
    ct_bytes_add_zigzag(&raw, exit_status);
    ct_bytes_add_varint(&raw, about->steps);
    ct_bytes_add_varint(&raw, about->calls);
    ct_bytes_add_varint(&raw, about->blocks);
    ct_bytes_add_varint(&raw, about->milliseconds);
    ct_bytes_add_varint(&raw, CTR_COUNTER_COUNT);
    for (int i = 0; i < CTR_COUNTER_COUNT; i++) {
        ct_bytes_add_varint(&raw, about->counters[i]);
    }
    ct_bytes_add_varint(&raw, recovery->index_blocks);
    ct_bytes_add(&raw, recovery->index_directory.data, recovery->index_directory.size);
    ct_bytes_add_varint(&raw, recovery->def_blocks);
    ct_bytes_add(&raw, recovery->def_directory.data, recovery->def_directory.size);
    uint64_t offset = recovery->at;
    struct ctr_block_info info;
    int status = raw.failed || recovery->index_directory.failed || recovery->def_directory.failed
                     ? ct_fail(error, CT_ENOMEM, "no memory for the end of the trace")
                     : append_block(recovery, CTR_END, 0, raw.data, raw.size, &info, error);
    ct_bytes_free(&raw);
    if (status == CT_OK) {
        uint8_t trailer[CTR_TRAILER_BYTES];
        ctr_put_trailer(trailer, offset);
        status = append(recovery, trailer, sizeof trailer, error);
    }
    return status;
}

/* ---- all of it ---- */

static int check_rest(const struct ctr_trace *trace, struct ct_error *error)
{
    if (!ctr_is_torn(trace)) {
        return ct_fail(error, CT_EFORMAT,
                       "%s is damaged at byte %llu of %llu and was left as it is; what stands "
                       "before can be read",
                       trace->path, (unsigned long long)trace->good,
                       (unsigned long long)trace->size);
    }
    return CT_OK;
}

static int open_file(struct recovery *recovery, struct ct_error *error)
{
    recovery->fd = open(recovery->path, O_WRONLY | O_CLOEXEC);
    if (recovery->fd < 0) {
        return ct_fail_errno(error, "cannot open %s to recover it", recovery->path);
    }
    if (ftruncate(recovery->fd, (off_t)recovery->at) != 0 ||
        lseek(recovery->fd, (off_t)recovery->at, SEEK_SET) < 0) {
        return ct_fail_errno(error, "cannot recover %s", recovery->path);
    }
    return CT_OK;
}

static int finish(struct recovery *recovery, enum ctr_end_reason reason, int32_t exit_status,
                  struct ct_error *error)
{
    recovery->summary = ctr_summary_new();
    int status = recovery->summary == NULL
                     ? ct_fail(error, CT_ENOMEM, "no memory to recover %s", recovery->path)
                     : count_file(recovery, error);
    if (status == CT_OK) {
        status = summarise_rest(recovery, error);
    }
    if (status == CT_OK) {
        status = open_file(recovery, error);
    }
    if (status == CT_OK) {
        status = add_definitions(recovery, error);
    }
    if (status == CT_OK) {
        status = add_events(recovery, error);
    }
    if (status == CT_OK) {
        status = append_index(recovery, error);
    }
    if (status == CT_OK) {
        status = add_end(recovery, reason, exit_status, error);
    }
    if (recovery->fd >= 0 && close(recovery->fd) != 0 && status == CT_OK) {
        status = ct_fail_errno(error, "cannot write %s", recovery->path);
    }
    ctr_summary_free(recovery->summary);
    ct_bytes_free(&recovery->packed);
    ct_bytes_free(&recovery->index_directory);
    ct_bytes_free(&recovery->def_directory);
    return status;
}

static int remove_tail(const char *path, struct ct_error *error)
{
    struct ct_bytes name = {0};
    ct_bytes_add_text(&name, path);
    ct_bytes_add(&name, ".tail", sizeof ".tail");
    int status = CT_OK;
    if (name.failed) {
        status = ct_fail(error, CT_ENOMEM, "no memory to remove the tail of %s", path);
    } else if (unlink((char *)name.data) != 0 && access((char *)name.data, F_OK) == 0) {
        status = ct_fail_errno(error, "cannot remove %s", (char *)name.data);
    }
    ct_bytes_free(&name);
    return status;
}

int ctr_recover(const char *path, enum ctr_end_reason reason, int32_t exit_status,
                struct ct_error *error)
{
    struct ctr_trace *trace;
    int status = ctr_open(&trace, path, error);
    if (status != CT_OK) {
        return status;
    }
    if (!trace->info.complete) {
        struct recovery recovery = {.path = trace->path, .trace = trace, .fd = -1};
        status = check_rest(trace, error);
        if (status == CT_OK) {
            status = finish(&recovery, reason, exit_status, error);
        }
    }
    if (status == CT_OK) {
        status = remove_tail(trace->path, error);
    }
    ctr_close(trace);
    return status;
}
