/* The decoded EVENTS blocks: decompressed, checked record by record, numbered, and kept while they
 * are pinned or there is room. */
#include <stdlib.h>

#include "trace/record.h"
#include "trace/trace_internal.h"

/* ---- preparing one block ---- */

struct preparation {
    struct ctr_collect collect;
    struct ctr_cell *cell;
    size_t opened_capacity;
};

static bool add_opened(struct preparation *work, uint64_t object)
{
    struct ctr_cell *cell = work->cell;
    if (!ctr_grow(&cell->opened, &work->opened_capacity, cell->opened_count,
                  sizeof *cell->opened)) {
        work->collect.no_memory = true;
        return false;
    }
    cell->opened[cell->opened_count++] = object;
    return true;
}

static void add_thread(struct ctr_cell *cell, uint32_t thread)
{
    for (uint32_t i = 0; i < cell->thread_count && i < CTR_THREADS_NAMED; i++) {
        if (cell->threads[i] == thread) {
            return;
        }
    }
    if (cell->thread_count < CTR_THREADS_NAMED) {
        cell->threads[cell->thread_count] = thread;
    }
    cell->thread_count += cell->thread_count <= CTR_THREADS_NAMED;
}

static bool note_record(struct preparation *work, const struct ctr_rec *rec)
{
    struct ctr_cell *cell = work->cell;
    switch (rec->kind) {
    case CTR_LINE_FAR:
        cell->block.steps++;
        return true;
    case CTR_CALL:
        cell->block.calls++;
        return true;
    case CTR_FRAME:
        /* The flag stays with the frame; it takes a number where it is met first. */
        cell->block.calls += (rec->flags & CTR_FRAME_ADOPTED) != 0 &&
                             rec->number == cell->block.first_call + cell->block.calls;
        return rec->distance <= cell->block.number;
    case CTR_THREAD:
        add_thread(cell, (uint32_t)rec->number);
        return true;
    case CTR_TICK:
        cell->milliseconds += rec->number;
        return true;
    case CTR_OPEN:
        return rec->distance <= cell->block.number && add_opened(work, rec->object);
    default:
        return true;
    }
}

static bool far_is_possible(void *context, uint64_t blocks_back, uint64_t node)
{
    const struct preparation *work = context;
    (void)node; /* checked when it is opened: the other block may not be loaded for this one */
    return blocks_back <= work->cell->block.number;
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a < b ? -1 : a > b;
}

/* Keep each number once, in order. */
static void sort_opened(struct ctr_cell *cell)
{
    if (cell->opened_count == 0) {
        return;
    }
    qsort(cell->opened, cell->opened_count, sizeof *cell->opened, compare_numbers);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < cell->opened_count; i++) {
        if (cell->opened[i] != cell->opened[kept - 1]) {
            cell->opened[kept++] = cell->opened[i];
        }
    }
    cell->opened_count = kept;
}

static void *shrink(void *array, size_t size)
{
    void *smaller = realloc(array, size + 1);
    return smaller != NULL ? smaller : array;
}

/* Move what was collected into the cell. */
static void keep_collected(struct preparation *work)
{
    struct ctr_cell *cell = work->cell;
    struct ctr_block *block = &cell->block;
    struct ctr_collect *collect = &work->collect;
    block->node_count = collect->node_count;
    block->nodes = shrink(collect->nodes, collect->node_count * sizeof *collect->nodes);
    block->object_count = collect->object_count;
    block->objects = shrink(collect->objects, collect->object_count * sizeof *collect->objects);
    collect->nodes = NULL;
    collect->objects = NULL;
    cell->frame_count = collect->frames;
    cell->max_type = collect->max_type;
    sort_opened(cell);
    cell->bytes = sizeof *cell + block->size + block->node_count * sizeof *block->nodes +
                  block->object_count * sizeof *block->objects +
                  work->opened_capacity * sizeof *cell->opened;
}

static void read_prelude(struct ctr_block *block)
{
    block->first_step = ct_load64(block->raw);
    block->first_call = ct_load64(block->raw + 8);
    block->tick = ct_load64(block->raw + 16);
    block->thread = ct_load32(block->raw + 24);
}

/* The records, up to the end or the first bad one; where that is. */
static const uint8_t *note_records(struct preparation *work)
{
    struct ctr_block *block = &work->cell->block;
    struct ctr_scan scan = ctr_scan_start(block->raw, block->size, NULL, &work->collect);
    struct ctr_rec rec;
    const uint8_t *good = scan.cursor.at;
    add_thread(work->cell, block->thread);
    while (ctr_record_next(&scan, &rec)) {
        if (!note_record(work, &rec)) {
            return good;
        }
        good = scan.cursor.at;
    }
    return good;
}

/* A bad record leaves traces in what was collected: do it again for what stands before. */
static void start_again(struct preparation *work, const uint8_t *end)
{
    struct ctr_cell *cell = work->cell;
    ctr_collect_reset(&work->collect, cell->block.raw);
    cell->block.size = (size_t)(end - cell->block.raw);
    cell->block.steps = cell->block.calls = 0;
    cell->opened_count = 0;
    cell->thread_count = 0;
    cell->milliseconds = 0;
    note_records(work);
}

static int prepare_records(struct preparation *work, bool salvage, struct ct_error *error)
{
    struct ctr_block *block = &work->cell->block;
    const uint8_t *good = note_records(work);
    if (good != block->raw + block->size && !work->collect.no_memory) {
        if (!salvage) {
            return ct_fail(error, CT_EFORMAT, "block %u is damaged: no record at its byte %zu",
                           block->number, (size_t)(good - block->raw));
        }
        start_again(work, good);
    }
    if (work->collect.no_memory) {
        return ct_fail(error, CT_ENOMEM, "no memory to read block %u", block->number);
    }
    return CT_OK;
}

int ctr_prepare(struct ctr_cell **cell, uint32_t number, uint8_t *raw, size_t size, bool salvage,
                struct ct_error *error)
{
    *cell = NULL;
    if (size < CTR_PRELUDE_BYTES) {
        free(raw);
        return ct_fail(error, CT_EFORMAT, "block %u is damaged: it has no prelude", number);
    }
    struct preparation work = {.cell = calloc(1, sizeof *work.cell)};
    if (work.cell == NULL) {
        free(raw);
        return ct_fail(error, CT_ENOMEM, "no memory to read block %u", number);
    }
    work.cell->memory = raw;
    work.cell->block.number = number;
    work.cell->block.raw = raw;
    work.cell->block.size = size;
    work.collect.raw = raw;
    work.collect.on_far = far_is_possible;
    work.collect.context = &work;
    read_prelude(&work.cell->block);
    int status = prepare_records(&work, salvage, error);
    if (status == CT_OK) {
        keep_collected(&work);
        *cell = work.cell;
    } else {
        ctr_cell_free(work.cell);
    }
    ctr_collect_free(&work.collect);
    return status;
}

void ctr_cell_free(struct ctr_cell *cell)
{
    if (cell != NULL) {
        free(cell->block.nodes);
        free(cell->block.objects);
        free(cell->opened);
        free(cell->memory);
        free(cell);
    }
}

/* ---- summaries ---- */

/* Two bits of the filter for each object: a block that does not open an object answers "maybe" in
 * one of some twenty cases. */
enum { FILTER_BITS_EACH = 8, FILTER_BITS_MIN = 64, FILTER_BITS_MAX = 1 << 15 };

static uint64_t filter_hash(uint64_t object)
{
    return (object + 1) * 0x9e3779b97f4a7c15ull;
}

static uint32_t filter_bit(const struct ctr_summary *summary, uint64_t hash, unsigned which)
{
    return (uint32_t)(hash >> (which == 0 ? 32 : 16)) & (summary->filter_bits - 1);
}

static void filter_add(struct ctr_summary *summary, uint64_t object)
{
    uint64_t hash = filter_hash(object);
    for (unsigned which = 0; which < 2; which++) {
        uint32_t bit = filter_bit(summary, hash, which);
        summary->filter[bit / 64] |= 1ull << (bit % 64);
    }
}

static bool filter_may_have(const struct ctr_summary *summary, uint64_t object)
{
    uint64_t hash = filter_hash(object);
    for (unsigned which = 0; which < 2; which++) {
        uint32_t bit = filter_bit(summary, hash, which);
        if ((summary->filter[bit / 64] >> (bit % 64) & 1) == 0) {
            return false;
        }
    }
    return true;
}

/* NULL when out of memory: then there is just no shortcut. */
static struct ctr_summary *summarise(const struct ctr_cell *cell)
{
    uint32_t bits = FILTER_BITS_MIN;
    while (bits < cell->opened_count * FILTER_BITS_EACH && bits < FILTER_BITS_MAX) {
        bits *= 2;
    }
    struct ctr_summary *summary = calloc(1, sizeof *summary + bits / 8);
    if (summary == NULL) {
        return NULL;
    }
    summary->filter_bits = bits;
    for (uint32_t i = 0; i < cell->opened_count; i++) {
        filter_add(summary, cell->opened[i]);
    }
    summary->thread_count = cell->thread_count;
    memcpy(summary->threads, cell->threads, sizeof summary->threads);
    return summary;
}

/* ---- the cache ---- */

int ctr_cache_init(struct ctr_cache *cache, uint32_t blocks, struct ct_error *error)
{
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->loaded, NULL);
    cache->limit = CTR_CACHE_BYTES;
    cache->blocks = blocks;
    cache->cells = calloc((size_t)blocks + 1, sizeof *cache->cells);
    cache->summaries = calloc((size_t)blocks + 1, sizeof *cache->summaries);
    if (cache->cells == NULL || cache->summaries == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a cache of %u blocks", blocks);
    }
    return CT_OK;
}

void ctr_cache_free(struct ctr_cache *cache)
{
    if (cache->cells != NULL && cache->summaries != NULL) {
        for (uint32_t i = 0; i < cache->blocks; i++) {
            ctr_cell_free(cache->cells[i]);
            free(cache->summaries[i]);
        }
    }
    free(cache->cells);
    free(cache->summaries);
    if (cache->limit != 0 || cache->blocks != 0) {
        pthread_mutex_destroy(&cache->lock);
        pthread_cond_destroy(&cache->loaded);
    }
}

static void unlink_idle(struct ctr_cache *cache, struct ctr_cell *cell)
{
    *(cell->newer != NULL ? &cell->newer->older : &cache->newest) = cell->older;
    *(cell->older != NULL ? &cell->older->newer : &cache->oldest) = cell->newer;
    cell->newer = cell->older = NULL;
    cache->idle_bytes -= cell->bytes;
}

static void trim(struct ctr_cache *cache)
{
    while (cache->idle_bytes > cache->limit && cache->oldest != NULL) {
        struct ctr_cell *cell = cache->oldest;
        unlink_idle(cache, cell);
        cache->cells[cell->block.number] = NULL;
        ctr_cell_free(cell);
    }
}

static void link_idle(struct ctr_cache *cache, struct ctr_cell *cell)
{
    cell->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = cell;
    cache->newest = cell;
    cache->idle_bytes += cell->bytes;
    trim(cache);
}

void ctr_cache_limit(struct ctr_trace *trace, size_t bytes)
{
    pthread_mutex_lock(&trace->cache.lock);
    trace->cache.limit = bytes;
    trim(&trace->cache);
    pthread_mutex_unlock(&trace->cache.lock);
}

size_t ctr_cache_idle(struct ctr_trace *trace)
{
    pthread_mutex_lock(&trace->cache.lock);
    size_t bytes = trace->cache.idle_bytes;
    pthread_mutex_unlock(&trace->cache.lock);
    return bytes;
}

/* ---- loading ---- */

static int load_from_tail(struct ctr_trace *trace, uint32_t number, struct ctr_cell **cell,
                          struct ct_error *error)
{
    const struct ctr_piece *piece = ctr_snapshot_find(&trace->tail, CTR_EVENTS, number);
    uint8_t *raw = piece != NULL ? malloc(piece->size + 1) : NULL;
    if (raw == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to read block %u", number);
    }
    memcpy(raw, piece->raw, piece->size);
    return ctr_prepare(cell, number, raw, piece->size, true, error);
}

static int load_from_file(struct ctr_trace *trace, const struct ctr_index_entry *entry,
                          uint32_t number, struct ctr_cell **cell, struct ct_error *error)
{
    struct ctr_block_info info;
    uint8_t *raw;
    int status =
        ctr_load_block(trace->map, trace->size, entry->offset, CTR_EVENTS, &info, &raw, error);
    if (status != CT_OK) {
        return status;
    }
    if (info.number != number || info.raw_size < CTR_PRELUDE_BYTES ||
        ct_load64(raw) != entry->first_step || ct_load64(raw + 8) != entry->first_call) {
        free(raw);
        return ct_fail(error, CT_EFORMAT, "block %u is not what the index says", number);
    }
    return ctr_prepare(cell, number, raw, info.raw_size, false, error);
}

static int load_cell(struct ctr_trace *trace, uint32_t number, const struct ctr_index_entry *entry,
                     struct ctr_cell **cell, struct ct_error *error)
{
    return number < trace->file_blocks ? load_from_file(trace, entry, number, cell, error)
                                       : load_from_tail(trace, number, cell, error);
}

/* With the cache locked: load a block that is not there, unlocked meanwhile, and pin it. A
 * placeholder makes other threads wait for it. */
static int fill(struct ctr_trace *trace, uint32_t number, struct ctr_cell **found,
                struct ct_error *error)
{
    struct ctr_cache *cache = &trace->cache;
    struct ctr_cell placeholder = {.state = CELL_LOADING};
    struct ctr_index_entry entry;
    int status = ctr_entry(trace, number, &entry, error);
    if (status != CT_OK) {
        return status;
    }
    cache->cells[number] = &placeholder;
    bool known = cache->summaries[number] != NULL;
    pthread_mutex_unlock(&cache->lock);
    struct ctr_cell *cell = NULL;
    status = load_cell(trace, number, &entry, &cell, error);
    struct ctr_summary *summary = cell != NULL && !known ? summarise(cell) : NULL;
    pthread_mutex_lock(&cache->lock);
    cache->cells[number] = cell;
    if (cell != NULL) {
        cell->state = CELL_READY;
        cell->pins = 1;
        *found = cell;
    }
    if (summary != NULL) {
        cache->summaries[number] = summary;
    }
    pthread_cond_broadcast(&cache->loaded);
    return status;
}

static int acquire_locked(struct ctr_trace *trace, uint32_t number, struct ctr_cell **found,
                          struct ct_error *error)
{
    struct ctr_cache *cache = &trace->cache;
    struct ctr_cell *cell;
    while ((cell = cache->cells[number]) != NULL && cell->state == CELL_LOADING) {
        pthread_cond_wait(&cache->loaded, &cache->lock);
    }
    if (cell == NULL) {
        return fill(trace, number, found, error);
    }
    if (cell->pins++ == 0) {
        unlink_idle(cache, cell);
    }
    *found = cell;
    return CT_OK;
}

int ctr_block_acquire(struct ctr_trace *trace, uint32_t number, const struct ctr_block **block,
                      struct ct_error *error)
{
    *block = NULL;
    if (number >= trace->info.blocks) {
        return ct_fail(error, CT_EFORMAT, "there is no block %u", number);
    }
    struct ctr_cell *cell = NULL;
    pthread_mutex_lock(&trace->cache.lock);
    int status = acquire_locked(trace, number, &cell, error);
    pthread_mutex_unlock(&trace->cache.lock);
    if (status == CT_OK) {
        *block = &cell->block;
    }
    return status;
}

static void release_locked(struct ctr_cache *cache, struct ctr_cell *cell)
{
    if (--cell->pins == 0) {
        link_idle(cache, cell);
    }
}

void ctr_block_release(struct ctr_trace *trace, const struct ctr_block *block)
{
    if (block != NULL) {
        pthread_mutex_lock(&trace->cache.lock);
        release_locked(&trace->cache, trace->cache.cells[block->number]);
        pthread_mutex_unlock(&trace->cache.lock);
    }
}

/* ---- questions across blocks ---- */

static bool opens(const struct ctr_cell *cell, uint64_t object)
{
    return cell->opened_count > 0 && bsearch(&object, cell->opened, cell->opened_count,
                                             sizeof object, compare_numbers) != NULL;
}

/* Make sure the block was looked into once; false when it cannot be read. */
static bool is_known(struct ctr_trace *trace, uint32_t number, struct ctr_summary **summary)
{
    *summary = trace->cache.summaries[number];
    if (*summary != NULL) {
        return true;
    }
    struct ctr_cell *cell;
    if (acquire_locked(trace, number, &cell, NULL) != CT_OK) {
        return false;
    }
    release_locked(&trace->cache, cell);
    *summary = trace->cache.summaries[number];
    return true;
}

static bool block_opens(struct ctr_trace *trace, uint32_t number, uint64_t object)
{
    struct ctr_summary *summary;
    if (!is_known(trace, number, &summary) ||
        (summary != NULL && !filter_may_have(summary, object))) {
        return false;
    }
    struct ctr_cell *cell;
    if (acquire_locked(trace, number, &cell, NULL) != CT_OK) {
        return false;
    }
    bool found = opens(cell, object);
    release_locked(&trace->cache, cell);
    return found;
}

bool ctr_block_of_object(struct ctr_trace *trace, uint64_t number, uint32_t block, uint32_t *found)
{
    if (trace->info.blocks == 0) {
        return false;
    }
    if (block >= trace->info.blocks) {
        block = trace->info.blocks - 1;
    }
    for (uint32_t at = block + 1; at-- > 0;) {
        pthread_mutex_lock(&trace->cache.lock);
        bool here = block_opens(trace, at, number);
        pthread_mutex_unlock(&trace->cache.lock);
        if (here) {
            *found = at;
            return true;
        }
    }
    return false;
}

bool ctr_block_has_thread(struct ctr_trace *trace, uint32_t number, uint32_t thread)
{
    struct ctr_summary *summary;
    pthread_mutex_lock(&trace->cache.lock);
    bool found = is_known(trace, number, &summary) && summary == NULL;
    if (summary != NULL) {
        found = summary->thread_count > CTR_THREADS_NAMED;
        for (uint32_t i = 0; i < summary->thread_count && !found; i++) {
            found = summary->threads[i] == thread;
        }
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return found;
}
