/* Opens a trace. A finished one is opened from its trailer, any other by walking its blocks and
 * then taking what only the tail holds. Either way ends with the same things in memory: the
 * definitions, and a directory of index segments. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "trace/trace_internal.h"

/* ---- a finished trace ---- */

static int read_end_counters(struct ctr_trace *trace, struct ct_cursor *cursor)
{
    uint64_t count = ct_get_varint(cursor);
    for (uint64_t i = 0; i < count && !cursor->failed; i++) {
        uint64_t value = ct_get_varint(cursor);
        if (i < CTR_COUNTER_COUNT) {
            trace->info.counters[i] = value;
            trace->info.counter_count = (uint32_t)i + 1;
        }
    }
    return cursor->failed ? CT_EFORMAT : CT_OK;
}

static int read_end_directories(struct ctr_trace *trace, struct ct_cursor *cursor,
                                struct ct_error *error)
{
    uint64_t count = ct_get_varint(cursor);
    for (uint64_t i = 0; i < count && !cursor->failed; i++) {
        struct ctr_segment_slot slot = {.offset = ct_get_varint(cursor)};
        slot.first_block = (uint32_t)ct_get_varint(cursor);
        slot.first_step = ct_get_varint(cursor);
        slot.first_call = ct_get_varint(cursor);
        slot.tick = ct_get_varint(cursor);
        uint32_t expected = (uint32_t)i * CTR_SEGMENT_BLOCKS;
        if (slot.first_block != expected || slot.first_block >= trace->info.blocks ||
            slot.offset == 0) {
            return ct_fail(error, CT_EFORMAT, "the directory of the index is damaged");
        }
        int status = ctr_segments_add(trace, &slot, error);
        if (status != CT_OK) {
            return status;
        }
    }
    count = ct_get_varint(cursor);
    if (cursor->failed || count > (uint64_t)(cursor->end - cursor->at)) {
        return ct_fail(error, CT_EFORMAT, "the end block is damaged");
    }
    trace->def_blocks = calloc(count + 1, sizeof *trace->def_blocks);
    if (trace->def_blocks == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for the definitions");
    }
    for (uint64_t i = 0; i < count; i++) {
        trace->def_blocks[trace->def_block_count++] = ct_get_varint(cursor);
    }
    return cursor->failed ? ct_fail(error, CT_EFORMAT, "the end block is damaged") : CT_OK;
}

static int read_end_failure(struct ctr_trace *trace, struct ct_cursor *cursor,
                            struct ct_error *error)
{
    char *to = trace->info.failure;
    if (cursor->at == cursor->end) {
        return CT_OK;
    }
    uint64_t size = ct_get_varint(cursor);
    const uint8_t *text = ct_get_bytes(cursor, size);
    if (cursor->failed) {
        return ct_fail(error, CT_EFORMAT, "the end block is damaged");
    }
    snprintf(to, sizeof trace->info.failure, "%.*s", (int)size, (const char *)text);
    return CT_OK;
}

static int read_end(struct ctr_trace *trace, const uint8_t *raw, size_t size,
                    struct ct_error *error)
{
    struct ct_cursor cursor = {raw, raw + size, false};
    uint64_t reason = ct_get_varint(&cursor);
    trace->info.reason =
        reason <= CTR_ENDED_UNKNOWN ? (enum ctr_end_reason)reason : CTR_ENDED_UNKNOWN;
    trace->info.exit_status = (int32_t)ct_get_zigzag(&cursor);
    trace->info.steps = ct_get_varint(&cursor);
    trace->info.calls = ct_get_varint(&cursor);
    uint64_t blocks = ct_get_varint(&cursor);
    trace->info.milliseconds = ct_get_varint(&cursor);
    if (cursor.failed || blocks > trace->size / CTR_BLOCK_HEADER_BYTES) {
        return ct_fail(error, CT_EFORMAT, "the end block is damaged");
    }
    trace->info.blocks = (uint32_t)blocks;
    if (read_end_counters(trace, &cursor) != CT_OK) {
        return ct_fail(error, CT_EFORMAT, "the end block is damaged");
    }
    int status = read_end_directories(trace, &cursor, error);
    return status == CT_OK ? read_end_failure(trace, &cursor, error) : status;
}

/* The totals of END must be possible after the last block the index knows: every step and every
 * call took at least a byte of it. */
static int check_totals(struct ctr_trace *trace, struct ct_error *error)
{
    struct ctr_info *info = &trace->info;
    uint64_t expected = ((uint64_t)info->blocks + CTR_SEGMENT_BLOCKS - 1) / CTR_SEGMENT_BLOCKS;
    if (trace->segment_count != expected) {
        return ct_fail(error, CT_EFORMAT, "the directory of the index is damaged");
    }
    struct ctr_index_entry last = {0};
    if (info->blocks > 0) {
        int status = ctr_entry(trace, info->blocks - 1, &last, error);
        if (status != CT_OK) {
            return status;
        }
    }
    if (info->steps < last.first_step || info->steps - last.first_step > last.raw_size ||
        info->calls < last.first_call || info->calls - last.first_call > last.raw_size) {
        return ct_fail(error, CT_EFORMAT, "the end block's totals do not fit the index");
    }
    return CT_OK;
}

static int load_definitions(struct ctr_trace *trace, struct ct_error *error)
{
    for (size_t i = 0; i < trace->def_block_count; i++) {
        struct ctr_block_info info;
        uint8_t *raw;
        int status = ctr_load_block(trace->map, trace->size, trace->def_blocks[i], CTR_DEFS, &info,
                                    &raw, error);
        if (status == CT_OK && info.number != i) {
            free(raw);
            status = ct_fail(error, CT_EFORMAT, "the directory of the definitions is damaged");
        } else if (status == CT_OK) {
            status = ctr_definitions_add(&trace->definitions, raw, info.raw_size,
                                         trace->def_blocks[i], NULL, error);
        }
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

static int open_finished(struct ctr_trace *trace, struct ct_error *error)
{
    uint64_t offset;
    if (trace->size < CTR_HEADER_BYTES + CTR_TRAILER_BYTES ||
        ctr_get_trailer(trace->map + trace->size - CTR_TRAILER_BYTES, &offset) != CT_OK) {
        return ct_fail(error, CT_ESTATE, "it has no trailer: the recording did not end cleanly");
    }
    struct ctr_block_info info;
    uint8_t *raw;
    int status = ctr_load_block(trace->map, trace->size, offset, CTR_END, &info, &raw, error);
    if (status == CT_OK) {
        status = read_end(trace, raw, info.raw_size, error);
        free(raw);
    }
    if (status == CT_OK) {
        status = check_totals(trace, error);
    }
    if (status == CT_OK) {
        status = load_definitions(trace, error);
    }
    trace->file_blocks = trace->info.blocks;
    trace->good = trace->size;
    return status;
}

/* Forget what opening from the trailer left behind. */
static void forget(struct ctr_trace *trace)
{
    ctr_segments_free(trace);
    free(trace->def_blocks);
    trace->def_blocks = NULL;
    trace->def_block_count = 0;
    ctr_definitions_free(&trace->definitions);
    struct ctr_info *info = &trace->info;
    info->steps = info->calls = info->milliseconds = info->blocks = 0;
    memset(info->counters, 0, sizeof info->counters);
    info->counter_count = 0;
    info->reason = CTR_ENDED_UNKNOWN;
    info->exit_status = INT32_MIN;
}

/* ---- an unfinished trace ---- */

/* The last segment, to which blocks are added one by one. */
static struct ctr_segment *open_segment(const struct ctr_trace *trace)
{
    return trace->segments[trace->segment_count - 1].loaded;
}

static int add_entry(struct ctr_trace *trace, const struct ctr_index_entry *entry,
                     struct ct_error *error)
{
    uint32_t number = trace->info.blocks;
    if (number % CTR_SEGMENT_BLOCKS == 0) {
        struct ctr_segment_slot slot = {
            .first_block = number,
            .loaded = calloc(1, sizeof *slot.loaded),
        };
        int status = slot.loaded == NULL ? ct_fail(error, CT_ENOMEM, "no memory for the index")
                                         : ctr_segments_add(trace, &slot, error);
        if (status != CT_OK) {
            free(slot.loaded);
            return status;
        }
    }
    struct ctr_segment *segment = open_segment(trace);
    segment->entries[segment->count++] = *entry;
    trace->info.blocks++;
    return CT_OK;
}

static void remove_last_entry(struct ctr_trace *trace)
{
    struct ctr_segment_slot *slot = &trace->segments[trace->segment_count - 1];
    trace->info.blocks--;
    if (slot->loaded == NULL || --slot->loaded->count == 0) {
        free(slot->loaded);
        trace->segment_count--;
    }
}

static void read_prelude(struct ctr_index_entry *entry, const uint8_t *raw)
{
    entry->first_step = ct_load64(raw);
    entry->first_call = ct_load64(raw + 8);
    entry->tick = ct_load64(raw + 16);
    entry->thread = ct_load32(raw + 24);
}

/* Steps and calls go up, by at most one per byte of the block before. */
static bool follows(const struct ctr_index_entry *before, const struct ctr_index_entry *entry)
{
    return entry->first_step >= before->first_step && entry->first_call >= before->first_call &&
           entry->first_step - before->first_step <= before->raw_size &&
           entry->first_call - before->first_call <= before->raw_size;
}

struct file_scan {
    struct ctr_trace *trace;
    struct ctr_index_entry last; /* of those whose prelude is known; nothing before the first */
    unsigned known;              /* entries of the open segment whose prelude is known */
    uint32_t next_defs;
};

/* The entry is what its block says, or what an INDEX block says of it. */
static int accept_entry(struct file_scan *scan, unsigned place, const struct ctr_index_entry *entry,
                        struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    uint32_t number = trace->segments[trace->segment_count - 1].first_block + place;
    if (!follows(&scan->last, entry)) {
        return ct_fail(error, CT_EFORMAT, "block %u does not continue the one before it", number);
    }
    if (place == 0) {
        struct ctr_segment_slot *slot = &trace->segments[trace->segment_count - 1];
        slot->first_step = entry->first_step;
        slot->first_call = entry->first_call;
        slot->tick = entry->tick;
    }
    open_segment(trace)->entries[place] = *entry;
    scan->last = *entry;
    scan->known = place + 1;
    return CT_OK;
}

static int read_entry(struct file_scan *scan, unsigned place, struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    struct ctr_index_entry entry = open_segment(trace)->entries[place];
    struct ctr_block_info info;
    uint8_t *raw;
    int status =
        ctr_load_block(trace->map, trace->size, entry.offset, CTR_EVENTS, &info, &raw, error);
    if (status != CT_OK) {
        return status;
    }
    if (info.raw_size < CTR_PRELUDE_BYTES) {
        status = ct_fail(error, CT_EFORMAT, "block %u has no prelude", info.number);
    } else {
        read_prelude(&entry, raw);
        status = accept_entry(scan, place, &entry, error);
    }
    free(raw);
    return status;
}

/* Learn from the blocks themselves what no INDEX block told. Where one makes no sense, the good
 * part of the file ends before it. */
static int read_entries(struct file_scan *scan, struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    int status = CT_OK;
    while (trace->segment_count > 0 && open_segment(trace) != NULL &&
           scan->known < open_segment(trace)->count) {
        status = read_entry(scan, scan->known, error);
        if (status != CT_OK) {
            trace->good = open_segment(trace)->entries[scan->known].offset;
            for (unsigned extra = open_segment(trace)->count - scan->known; extra > 0; extra--) {
                remove_last_entry(trace);
            }
            break;
        }
    }
    return status;
}

static int scan_events(struct file_scan *scan, const struct ctr_block_info *info, uint64_t offset,
                       struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    struct ctr_index_entry entry = {
        .offset = offset, .raw_size = info->raw_size, .stored_size = info->stored_size};
    if (trace->info.blocks % CTR_SEGMENT_BLOCKS == 0) {
        int status = read_entries(scan, error);
        if (status != CT_OK) {
            return status;
        }
        scan->known = 0;
    }
    return add_entry(trace, &entry, error);
}

static bool same_places(const struct ctr_segment *found, const struct ctr_segment *told)
{
    bool same = found->count == told->count;
    for (unsigned i = 0; same && i < found->count; i++) {
        const struct ctr_index_entry *a = &found->entries[i], *b = &told->entries[i];
        same = a->offset == b->offset && a->raw_size == b->raw_size &&
               a->stored_size == b->stored_size;
    }
    return same;
}

/* An INDEX block saves looking into the blocks before it, when it tells of these very blocks. */
static void scan_index(struct file_scan *scan, uint64_t offset)
{
    struct ctr_trace *trace = scan->trace;
    struct ctr_segment told = {0};
    struct ctr_block_info info;
    uint8_t *raw;
    if (trace->segment_count == 0 || open_segment(trace) == NULL || scan->known > 0 ||
        ctr_load_block(trace->map, trace->size, offset, CTR_INDEX, &info, &raw, NULL) != CT_OK) {
        return;
    }
    struct file_scan before = *scan;
    bool good = ctr_segment_decode(raw, info.raw_size, &told, NULL) == CT_OK &&
                same_places(open_segment(trace), &told);
    for (unsigned i = 0; good && i < told.count; i++) {
        good = accept_entry(scan, i, &told.entries[i], NULL) == CT_OK;
    }
    if (good && told.count == CTR_SEGMENT_BLOCKS) {
        struct ctr_segment_slot *slot = &trace->segments[trace->segment_count - 1];
        free(slot->loaded);
        slot->loaded = NULL;
        slot->offset = offset;
    } else if (!good) {
        *scan = before;
    }
    ctr_segment_clear(&told);
    free(raw);
}

static int scan_block(struct file_scan *scan, const struct ctr_block_info *info, uint64_t offset,
                      struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    struct ctr_block_info again;
    uint8_t *raw;
    if (info->kind == CTR_EVENTS) {
        return scan_events(scan, info, offset, error);
    }
    if (info->kind == CTR_INDEX) {
        scan_index(scan, offset);
    }
    if (info->kind != CTR_DEFS) {
        return CT_OK;
    }
    int status = ctr_load_block(trace->map, trace->size, offset, CTR_DEFS, &again, &raw, error);
    return status != CT_OK
               ? status
               : ctr_definitions_add(&trace->definitions, raw, info->raw_size, offset, NULL, error);
}

/* Everything up to the first byte that makes no sense. `error` says what is wrong there. */
static int scan_file(struct file_scan *scan, struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    struct ctr_walk walk = ctr_walk_start(trace->map, trace->size);
    struct ctr_block_info info;
    uint64_t offset;
    int status;
    trace->good = walk.at;
    while ((status = ctr_walk_next(&walk, &info, &offset, error)) == CT_OK) {
        status = scan_block(scan, &info, offset, error);
        if (status != CT_OK) {
            break;
        }
        trace->good = walk.at;
        scan->next_defs = walk.next[CTR_DEFS];
    }
    struct ct_error first;
    int entries = read_entries(scan, &first);
    if (entries != CT_OK) {
        status = ct_fail(error, entries, "%s", first.message);
    }
    trace->file_blocks = trace->info.blocks;
    return status == CT_ESTATE ? CT_OK : status;
}

static int add_tail_definitions(struct ctr_trace *trace, uint32_t next, struct ct_error *error)
{
    struct ctr_piece *piece;
    for (; (piece = ctr_snapshot_find(&trace->tail, CTR_DEFS, next)) != NULL; next++) {
        uint8_t *raw = malloc(piece->size + 1);
        if (raw == NULL) {
            return ct_fail(error, CT_ENOMEM, "no memory for the definitions");
        }
        memcpy(raw, piece->raw, piece->size);
        int status =
            ctr_definitions_add(&trace->definitions, raw, piece->size, 0, &piece->size, error);
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

static int add_tail_events(struct file_scan *scan, struct ct_error *error)
{
    struct ctr_trace *trace = scan->trace;
    struct ctr_piece *piece;
    while ((piece = ctr_snapshot_find(&trace->tail, CTR_EVENTS, trace->info.blocks)) != NULL) {
        struct ctr_index_entry entry = {.raw_size = (uint32_t)piece->size};
        read_prelude(&entry, piece->raw);
        if (!follows(&scan->last, &entry)) {
            return ct_fail(error, CT_EFORMAT, "block %u of the tail does not continue the trace",
                           piece->number);
        }
        int status = add_entry(trace, &entry, error);
        if (status == CT_OK) {
            status = accept_entry(scan, open_segment(trace)->count - 1, &entry, error);
        }
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

/* Blocks of the tail have no checksum: the first bad record in them ends the trace. */
static int check_tail_blocks(struct ctr_trace *trace, struct ct_error *error)
{
    for (uint32_t number = trace->file_blocks; number < trace->info.blocks; number++) {
        struct ctr_piece *piece = ctr_snapshot_find(&trace->tail, CTR_EVENTS, number);
        const struct ctr_block *block;
        int status = ctr_block_acquire(trace, number, &block, error);
        if (status == CT_OK && block->size < piece->size) {
            status = ct_fail(error, CT_EFORMAT,
                             "block %u, in the tail, has a bad record at its "
                             "byte %zu",
                             number, block->size);
            piece->size = block->size;
            number++;
        }
        if (block != NULL) {
            ctr_block_release(trace, block);
        }
        if (status != CT_OK) {
            while (trace->info.blocks > number) {
                remove_last_entry(trace);
            }
            return status;
        }
    }
    return CT_OK;
}

/* The last block tells how many steps and calls there are. One that cannot be read is not there. */
static int count_totals(struct ctr_trace *trace, struct ct_error *error)
{
    const struct ctr_block *block;
    int status = check_tail_blocks(trace, error);
    while (trace->info.blocks > 0) {
        int failed = ctr_block_acquire(trace, trace->info.blocks - 1, &block, error);
        if (failed == CT_OK) {
            trace->info.steps = block->first_step + block->steps;
            trace->info.calls = block->first_call + block->calls;
            trace->info.milliseconds = block->tick + ctr_cell_of(block)->milliseconds;
            ctr_block_release(trace, block);
            return status;
        }
        status = failed;
        remove_last_entry(trace);
        if (trace->file_blocks > trace->info.blocks) {
            trace->file_blocks = trace->info.blocks;
        }
    }
    return status;
}

/* Add a sentence to why the trace is not complete, and where it stops. */
static void describe(struct ctr_trace *trace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void describe(struct ctr_trace *trace, const char *format, ...)
{
    char *to = trace->info.incomplete;
    size_t used = strlen(to), room = sizeof trace->info.incomplete;
    if (used > 0 && used + 2 < room) {
        memcpy(to + used, "; ", 3);
        used += 2;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(to + used, room - used, format, args);
    va_end(args);
}

static void describe_stop(struct ctr_trace *trace, const char *why, const char *what)
{
    describe(trace, "%s", why);
    if (what[0] != '\0') {
        bool is_said = strcmp(why, what) == 0;
        describe(trace, "readable up to byte %llu of %llu%s%s", (unsigned long long)trace->good,
                 (unsigned long long)trace->size, is_said ? "" : ": ", is_said ? "" : what);
    }
}

bool ctr_is_torn(const struct ctr_trace *trace)
{
    uint64_t rest = trace->size - trace->good;
    struct ctr_block_info info;
    if (rest < CTR_BLOCK_HEADER_BYTES) {
        return true;
    }
    return ctr_get_block_header(trace->map + trace->good, &info, NULL) == CT_OK &&
           info.stored_size > rest - CTR_BLOCK_HEADER_BYTES;
}

/* Does the tail go on behind blocks that are neither in it nor in the file? */
static bool has_gap(const struct ctr_trace *trace)
{
    for (size_t i = 0; i < trace->tail.count; i++) {
        const struct ctr_piece *piece = &trace->tail.pieces[i];
        if (piece->kind == CTR_EVENTS && piece->number > trace->info.blocks) {
            return true;
        }
    }
    return false;
}

static int open_unfinished(struct ctr_trace *trace, struct ct_error *why, struct ct_error *error)
{
    struct ct_error stop = {0}, tail = {0};
    struct file_scan scan = {.trace = trace};
    int status = scan_file(&scan, &stop);
    if (status == CT_OK || trace->tail.found) {
        /* The last block may stand half in the file and whole in the tail. */
        int other = add_tail_definitions(trace, scan.next_defs, &tail);
        if (other == CT_OK) {
            other = add_tail_events(&scan, &tail);
        }
        status = status == CT_ENOMEM ? status : other;
    }
    if (status == CT_ENOMEM) {
        return ct_fail(error, CT_ENOMEM, "%s", stop.message[0] ? stop.message : tail.message);
    }
    if (trace->tail.found) {
        memcpy(trace->info.counters, trace->tail.counters, sizeof trace->info.counters);
        trace->info.counter_count = CTR_COUNTER_COUNT;
        trace->info.unfinished = tail.message[0] == '\0' && ctr_is_torn(trace) && !has_gap(trace);
    }
    describe_stop(trace, why->message, stop.message[0] != '\0' ? stop.message : tail.message);
    return CT_OK;
}

/* ---- opening and closing ---- */

static int find_file(const char *path, char **file, struct ct_error *error)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return ct_fail_errno(error, "cannot open '%s'", path);
    }
    *file = S_ISDIR(about.st_mode) ? ct_path_join(path, "trace.ctr") : strdup(path);
    if (*file == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to open %s", path);
    }
    if (S_ISDIR(about.st_mode) && stat(*file, &about) != 0) {
        bool is_there = lstat(*file, &about) == 0; /* a link that leads nowhere */
        return is_there ? ct_fail_errno(error, "cannot open '%s'", *file)
                        : ct_fail(error, CT_EFORMAT,
                                  "%s holds no recording: there is no trace.ctr in it", path);
    }
    if (!S_ISREG(about.st_mode)) {
        return ct_fail(error, CT_EFORMAT, "%s is not a file", *file);
    }
    return CT_OK;
}

static int map_file(struct ctr_trace *trace, int fd, struct ct_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return ct_fail_errno(error, "cannot look at %s", trace->path);
    }
    trace->size = (uint64_t)about.st_size;
    trace->info.size = trace->size;
    if (trace->size == 0) {
        return CT_OK;
    }
    void *map = mmap(NULL, trace->size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return ct_fail_errno(error, "cannot map %s", trace->path);
    }
    trace->map = map;
    return CT_OK;
}

static int read_header(struct ctr_trace *trace, int fd, struct ct_error *error)
{
    uint8_t bytes[CTR_HEADER_BYTES];
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    if (size < 0) {
        return ct_fail_errno(error, "cannot read %s", trace->path);
    }
    struct ctr_header header;
    struct ct_error what = {0};
    int status = ctr_get_header(bytes, (size_t)size, &header, &what);
    if (status != CT_OK) {
        return ct_fail(error, status, "%s: %s", trace->path, what.message);
    }
    trace->info.version = header.version;
    trace->info.pid = header.pid;
    trace->info.start_ns = header.start_ns;
    memcpy(trace->info.id, header.id, sizeof trace->info.id);
    return CT_OK;
}

static int open_parts(struct ctr_trace *trace, struct ct_error *error)
{
    struct ct_error why = {0};
    int status = open_finished(trace, &why);
    trace->info.complete = status == CT_OK;
    if (status == CT_ENOMEM) {
        return ct_fail(error, CT_ENOMEM, "%s", why.message);
    }
    if (status == CT_OK) {
        ctr_snapshot_free(&trace->tail);
    } else {
        forget(trace);
        status = open_unfinished(trace, &why, error);
    }
    return status;
}

/* The tail is copied before the file is looked at: a block that moves meanwhile is met twice, never
 * missed. */
static int open_descriptor(struct ctr_trace *trace, int fd, struct ct_error *error)
{
    struct ct_error tail = {0};
    int status = read_header(trace, fd, error);
    if (status != CT_OK) {
        return status;
    }
    int tail_status = ctr_snapshot_take(&trace->tail, trace->path, trace->info.id, &tail);
    status = map_file(trace, fd, error);
    if (status == CT_OK) {
        status = open_parts(trace, error);
    }
    if (status == CT_OK) {
        status = ctr_cache_init(&trace->cache, trace->info.blocks, error);
    }
    if (status != CT_OK || trace->info.complete) {
        return status;
    }
    struct ct_error last = {0};
    if (count_totals(trace, &last) != CT_OK) {
        describe(trace, "%s", last.message);
        trace->info.unfinished = false;
    }
    if (tail_status != CT_OK) {
        describe(trace, "%s", tail.message);
        trace->info.unfinished = false;
    }
    return CT_OK;
}

static void count_definitions(struct ctr_trace *trace)
{
    const struct ctr_definitions *definitions = &trace->definitions;
    trace->info.path_count = (uint32_t)definitions->path_count;
    trace->info.type_count = (uint32_t)definitions->type_count;
    trace->info.plan_count = (uint32_t)definitions->plan_count;
    trace->info.thread_count = (uint32_t)definitions->thread_count;
    trace->info.run_count = (uint32_t)definitions->run_count;
}

int ctr_open(struct ctr_trace **trace, const char *path, struct ct_error *error)
{
    *trace = NULL;
    struct ctr_trace *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to open %s", path);
    }
    opened->info.exit_status = INT32_MIN;
    opened->info.reason = CTR_ENDED_UNKNOWN;
    int status = find_file(path, &opened->path, error);
    if (status == CT_OK) {
        assert(opened->path != NULL);
        int fd = open(opened->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            status = ct_fail_errno(error, "cannot open %s", opened->path);
        } else {
            status = open_descriptor(opened, fd, error);
            close(fd);
        }
    }
    if (status != CT_OK) {
        ctr_close(opened);
        return status;
    }
    count_definitions(opened);
    *trace = opened;
    return CT_OK;
}

void ctr_close(struct ctr_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    if (trace->cache.cells != NULL) {
        ctr_cache_free(&trace->cache);
    }
    forget(trace);
    ctr_snapshot_free(&trace->tail);
    if (trace->map != NULL) {
        munmap((void *)(uintptr_t)trace->map, trace->size);
    }
    free(trace->path);
    free(trace);
}

/* ---- what there is ---- */

uint64_t ctr_event_count(const struct ctr_info *info)
{
    uint64_t count = 0;
    for (int i = CTR_C_lines; i <= CTR_C_thread_switches; i++) {
        count += info->counters[i];
    }
    count += info->counters[CTR_C_forks] + info->counters[CTR_C_inputs];
    return count != 0 ? count : info->steps + info->calls;
}

const struct ctr_info *ctr_info(const struct ctr_trace *trace)
{
    return &trace->info;
}

const struct ctr_path *ctr_path(const struct ctr_trace *trace, uint32_t id)
{
    return id < trace->definitions.path_count ? &trace->definitions.paths[id] : NULL;
}

const struct ctr_type *ctr_type(const struct ctr_trace *trace, uint32_t id)
{
    return id < trace->definitions.type_count ? &trace->definitions.types[id] : NULL;
}

const struct ctr_plan *ctr_plan(const struct ctr_trace *trace, uint32_t id)
{
    return id < trace->definitions.plan_count ? &trace->definitions.plans[id] : NULL;
}

const struct ctr_thread *ctr_thread_at(const struct ctr_trace *trace, uint32_t index)
{
    return index < trace->definitions.thread_count ? &trace->definitions.threads[index] : NULL;
}

const struct ctr_run_entry *ctr_run_at(const struct ctr_trace *trace, uint32_t index)
{
    return index < trace->definitions.run_count ? &trace->definitions.run[index] : NULL;
}

struct ctr_text ctr_run(const struct ctr_trace *trace, const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < trace->definitions.run_count; i++) {
        const struct ctr_run_entry *entry = &trace->definitions.run[i];
        if (entry->key.size == size && memcmp(entry->key.bytes, key, size) == 0) {
            return entry->value;
        }
    }
    return (struct ctr_text){"", 0};
}
