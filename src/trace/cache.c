/* The decoded EVENTS blocks: decompressed, checked record by record, numbered, and kept while they
 * are pinned or there is room. */
#include <assert.h>
#include <stdlib.h>

#include "trace/record.h"
#include "trace/stack.h"
#include "trace/trace_internal.h"

/* ---- preparing one block ---- */

struct preparation {
    struct ctr_collect collect;
    struct ctr_cell *cell;
    size_t record_capacity;
    bool *opened; /* by object of the block: an OPEN was met; the rest of the room is false */
    uint32_t opened_capacity;
};

static bool reserve_opened(struct preparation *work, uint32_t object)
{
    enum { FIRST = 64 };
    if (object < work->opened_capacity) {
        return true;
    }
    uint32_t larger = work->opened_capacity == 0 ? FIRST : work->opened_capacity;
    while (larger <= object) {
        larger *= 2;
    }
    bool *opened = realloc(work->opened, larger * sizeof *opened);
    if (opened == NULL) {
        work->collect.no_memory = true;
        return false;
    }
    memset(opened + work->opened_capacity, 0, larger - work->opened_capacity);
    work->opened = opened;
    work->opened_capacity = larger;
    return true;
}

/* What changes in a block is opened in it first. */
static bool note_object(struct preparation *work, const struct ctr_rec *rec)
{
    if (!reserve_opened(work, rec->local)) {
        return false;
    }
    work->opened[rec->local] |= rec->kind == CTR_OPEN;
    return work->opened[rec->local] &&
           (rec->kind != CTR_OPEN || rec->distance <= work->cell->block.number);
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
    case CTR_TICK:
        cell->milliseconds += rec->number;
        return true;
    default:
        return !ctr_record_is_about_object(rec->kind) || note_object(work, rec);
    }
}

static bool far_is_possible(void *context, uint64_t blocks_back, uint64_t node)
{
    const struct preparation *work = context;
    (void)node; /* checked when it is opened: the other block may not be loaded for this one */
    return blocks_back <= work->cell->block.number;
}

/* ---- the directory of what a block says of objects ---- */

static bool add_record(struct preparation *work, struct ctr_object_record record)
{
    struct ctr_cell *cell = work->cell;
    if (!ct_grow(&cell->records, &work->record_capacity, cell->record_count,
                 sizeof *cell->records)) {
        work->collect.no_memory = true;
        return false;
    }
    cell->records[cell->record_count++] = record;
    return true;
}

static uint32_t *place_of(const struct ctr_cell *cell, uint64_t object)
{
    uint32_t at = (uint32_t)((object * 0x9e3779b97f4a7c15ull) >> 32) & cell->place_mask;
    while (cell->places[at] != 0 && cell->block.objects[cell->places[at] - 1] != object) {
        at = (at + 1) & cell->place_mask;
    }
    return &cell->places[at];
}

uint32_t ctr_cell_first(const struct ctr_cell *cell, uint64_t object)
{
    uint32_t place = *place_of(cell, object);
    return place == 0 ? 0 : cell->heads[place - 1];
}

bool ctr_block_opens(const struct ctr_block *block, uint64_t object)
{
    return ctr_cell_first(ctr_cell_of(block), object) != 0; /* the first record is an OPEN */
}

/* Chain the records of each object. */
static bool link_records(struct ctr_cell *cell)
{
    uint32_t objects = cell->block.object_count, size = 8;
    while (size < objects * 2ull) {
        size *= 2;
    }
    cell->place_mask = size - 1;
    cell->places = calloc(size, sizeof *cell->places);
    cell->heads = calloc(2 * (size_t)objects + 1, sizeof *cell->heads);
    if (cell->places == NULL || cell->heads == NULL) {
        return false;
    }
    uint32_t *tails = cell->heads + objects;
    for (uint32_t i = 0; i < objects; i++) {
        uint32_t *place = place_of(cell, cell->block.objects[i]);
        *place = *place == 0 ? i + 1 : *place;
    }
    for (uint32_t i = 0; i < cell->record_count; i++) {
        uint32_t object = *place_of(cell, cell->block.objects[cell->records[i].local]) - 1;
        uint32_t *link =
            tails[object] == 0 ? &cell->heads[object] : &cell->records[tails[object] - 1].next;
        *link = tails[object] = i + 1;
    }
    return true;
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
    cell->bytes = sizeof *cell + block->size + block->node_count * sizeof *block->nodes +
                  block->object_count * (sizeof *block->objects + 4 * sizeof *cell->heads) +
                  work->record_capacity * sizeof *cell->records;
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
    struct ctr_rec rec = {0};
    for (;;) {
        block->steps += ctr_skip_short_records(&scan, scan.cursor.end).lines;
        const uint8_t *at = scan.cursor.at;
        struct ctr_object_record record = {
            .at = (uint32_t)(at - block->raw), .node = scan.next_node, .object = scan.next_object};
        if (!ctr_record_next(&scan, &rec) || !note_record(work, &rec)) {
            return at;
        }
        record.local = rec.local;
        if (ctr_record_is_about_object(rec.kind) && !add_record(work, record)) {
            return at;
        }
    }
}

/* A bad record leaves traces in what was collected: do it again for what stands before. */
static void start_again(struct preparation *work, const uint8_t *end)
{
    struct ctr_cell *cell = work->cell;
    ctr_collect_reset(&work->collect, cell->block.raw);
    cell->block.size = (size_t)(end - cell->block.raw);
    cell->block.steps = cell->block.calls = 0;
    cell->record_count = 0;
    if (work->opened != NULL) {
        memset(work->opened, 0, work->opened_capacity);
    }
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
        status = link_records(work.cell)
                     ? CT_OK
                     : ct_fail(error, CT_ENOMEM, "no memory to read block %u", number);
    }
    if (status == CT_OK) {
        *cell = work.cell;
    } else {
        ctr_cell_free(work.cell);
    }
    ctr_collect_free(&work.collect);
    free(work.opened);
    return status;
}

static void free_ending(struct ctr_stacks *stacks)
{
    if (stacks != NULL) {
        ctr_stacks_clear(stacks);
        free(stacks);
    }
}

static uint32_t count_marks(const struct ctr_cell *cell)
{
    return (uint32_t)(cell->block.size / CTR_MARK_BYTES) + 1;
}

static void free_mark(struct ctr_mark *mark)
{
    if (mark != NULL) {
        mark->free_state(mark->state);
        free(mark);
    }
}

static void free_marks(struct ctr_cell *cell)
{
    for (unsigned kind = 0; kind < CTR_MARK_KINDS; kind++) {
        for (uint32_t i = 0; cell->marks[kind] != NULL && i < count_marks(cell); i++) {
            free_mark(cell->marks[kind][i]);
        }
        free(cell->marks[kind]);
    }
}

void ctr_cell_free(struct ctr_cell *cell)
{
    if (cell != NULL) {
        free_marks(cell);
        free(cell->block.nodes);
        free(cell->block.objects);
        free(cell->records);
        free(cell->heads);
        free(cell->places);
        free_ending(cell->ending);
        free(cell->memory);
        free(cell);
    }
}

/* ---- the cache ---- */

int ctr_cache_init(struct ctr_cache *cache, uint32_t blocks, struct ct_error *error)
{
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->loaded, NULL);
    cache->limit = CTR_CACHE_BYTES;
    cache->blocks = blocks;
    cache->cells = calloc((size_t)blocks + 1, sizeof(struct ctr_cell *));
    if (cache->cells == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a cache of %u blocks", blocks);
    }
    return CT_OK;
}

void ctr_cache_free(struct ctr_cache *cache)
{
    for (uint32_t i = 0; cache->cells != NULL && i < cache->blocks; i++) {
        ctr_cell_free(cache->cells[i]);
    }
    free(cache->cells);
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
        assert(cell->older == NULL);
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

int ctr_load_events(struct ctr_trace *trace, const struct ctr_index_entry *entry, uint32_t number,
                    uint8_t **raw, size_t *size, struct ct_error *error)
{
    struct ctr_block_info info;
    int status =
        ctr_load_block(trace->map, trace->size, entry->offset, CTR_EVENTS, &info, raw, error);
    if (status != CT_OK) {
        return status;
    }
    if (info.number != number || info.raw_size < CTR_PRELUDE_BYTES ||
        ct_load64(*raw) != entry->first_step || ct_load64(*raw + 8) != entry->first_call) {
        free(*raw);
        return ct_fail(error, CT_EFORMAT, "block %u is not what the index says", number);
    }
    *size = info.raw_size;
    return CT_OK;
}

static int load_from_file(struct ctr_trace *trace, const struct ctr_index_entry *entry,
                          uint32_t number, struct ctr_cell **cell, struct ct_error *error)
{
    uint8_t *raw;
    size_t size;
    int status = ctr_load_events(trace, entry, number, &raw, &size, error);
    return status == CT_OK ? ctr_prepare(cell, number, raw, size, false, error) : status;
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
    pthread_mutex_unlock(&cache->lock);
    struct ctr_cell *cell = NULL;
    status = load_cell(trace, number, &entry, &cell, error);
    pthread_mutex_lock(&cache->lock);
    cache->cells[number] = cell;
    if (cell != NULL) {
        cell->state = CELL_READY;
        cell->pins = 1;
        *found = cell;
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

const struct ctr_stacks *ctr_ending(struct ctr_trace *trace, const struct ctr_block *block)
{
    pthread_mutex_lock(&trace->cache.lock);
    const struct ctr_stacks *ending = ctr_cell_of(block)->ending;
    pthread_mutex_unlock(&trace->cache.lock);
    return ending;
}

const struct ctr_stacks *ctr_keep_ending(struct ctr_trace *trace, const struct ctr_block *block,
                                         struct ctr_stacks *stacks, size_t bytes)
{
    struct ctr_cell *cell = (struct ctr_cell *)(uintptr_t)ctr_cell_of(block);
    pthread_mutex_lock(&trace->cache.lock);
    if (cell->ending == NULL) {
        cell->ending = stacks;
        cell->bytes += bytes;
        stacks = NULL;
    }
    pthread_mutex_unlock(&trace->cache.lock);
    free_ending(stacks); /* somebody else was first */
    return cell->ending;
}

const struct ctr_mark *ctr_mark(struct ctr_trace *trace, const struct ctr_block *block,
                                enum ctr_mark_kind kind, uint32_t number)
{
    const struct ctr_cell *cell = ctr_cell_of(block);
    pthread_mutex_lock(&trace->cache.lock);
    struct ctr_mark **marks = cell->marks[kind];
    const struct ctr_mark *mark =
        marks != NULL && number < count_marks(cell) ? marks[number] : NULL;
    pthread_mutex_unlock(&trace->cache.lock);
    return mark;
}

const struct ctr_mark *ctr_mark_within(struct ctr_trace *trace, const struct ctr_block *block,
                                       enum ctr_mark_kind kind, const struct ctr_reach *reach)
{
    size_t at = reach->at < block->size ? reach->at : block->size;
    for (uint32_t number = (uint32_t)(at / CTR_MARK_BYTES) + 1; number-- > 0;) {
        const struct ctr_mark *mark = ctr_mark(trace, block, kind, number);
        if (mark != NULL && mark->at <= at && mark->step <= reach->step &&
            mark->call <= reach->call) {
            return mark;
        }
    }
    return NULL;
}

void ctr_keep_mark(struct ctr_trace *trace, const struct ctr_block *block, enum ctr_mark_kind kind,
                   struct ctr_mark *mark, size_t bytes)
{
    struct ctr_cell *cell = (struct ctr_cell *)(uintptr_t)ctr_cell_of(block);
    pthread_mutex_lock(&trace->cache.lock);
    if (cell->marks[kind] == NULL) {
        cell->marks[kind] = calloc(count_marks(cell), sizeof(struct ctr_mark *));
    }
    struct ctr_mark **marks = cell->marks[kind];
    struct ctr_mark **place = marks != NULL ? &marks[mark->at / CTR_MARK_BYTES] : NULL;
    if (place != NULL && *place == NULL) {
        *place = mark;
        cell->bytes += bytes;
        mark = NULL;
    }
    pthread_mutex_unlock(&trace->cache.lock);
    free_mark(mark); /* somebody else was first, or there is no memory */
}
