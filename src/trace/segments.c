/* The segments of an open trace: where their INDEX blocks are, those that were looked at lately in
 * memory. All with the cache's lock held, except where it says otherwise. */
#include <stdlib.h>

#include "trace/summary.h"
#include "trace/trace_internal.h"

int ctr_segments_add(struct ctr_trace *trace, const struct ctr_segment_slot *slot,
                     struct ct_error *error)
{
    if (!ct_grow(&trace->segments, &trace->segment_capacity, trace->segment_count,
                 sizeof *trace->segments)) {
        return ct_fail(error, CT_ENOMEM, "no memory for the index");
    }
    trace->segments[trace->segment_count++] = *slot;
    return CT_OK;
}

static void unload(struct ctr_trace *trace, struct ctr_segment_slot *slot)
{
    if (slot->loaded != NULL) {
        trace->segment_bytes -= slot->loaded->size;
        ctr_segment_clear(slot->loaded);
        free(slot->loaded);
        slot->loaded = NULL;
    }
}

void ctr_segments_free(struct ctr_trace *trace)
{
    for (size_t i = 0; i < trace->segment_count; i++) {
        unload(trace, &trace->segments[i]);
    }
    free(trace->segments);
    trace->segments = NULL;
    trace->segment_count = trace->segment_capacity = 0;
}

/* Keep within the limit; what was gathered from an unfinished trace's entries stays. */
static void make_room(struct ctr_trace *trace)
{
    while (trace->segment_bytes > CTR_SEGMENTS_BYTES) {
        struct ctr_segment_slot *oldest = NULL;
        for (size_t i = 0; i < trace->segment_count; i++) {
            struct ctr_segment_slot *slot = &trace->segments[i];
            if (slot->loaded != NULL && slot->offset != 0 &&
                (oldest == NULL || slot->used < oldest->used)) {
                oldest = slot;
            }
        }
        if (oldest == NULL) {
            return;
        }
        unload(trace, oldest);
    }
}

static uint32_t block_after(const struct ctr_trace *trace, size_t index)
{
    return index + 1 < trace->segment_count ? trace->segments[index + 1].first_block
                                            : trace->info.blocks;
}

static int load(struct ctr_trace *trace, size_t index, struct ct_error *error)
{
    struct ctr_segment_slot *slot = &trace->segments[index];
    slot->used = ++trace->segment_uses;
    if (slot->loaded != NULL) {
        return CT_OK;
    }
    struct ctr_block_info info;
    uint8_t *raw;
    int status =
        ctr_load_block(trace->map, trace->size, slot->offset, CTR_INDEX, &info, &raw, error);
    if (status != CT_OK) {
        return status;
    }
    struct ctr_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        free(raw);
        return ct_fail(error, CT_ENOMEM, "no memory for the index");
    }
    status = ctr_segment_decode(raw, info.raw_size, segment, error);
    free(raw);
    const struct ctr_index_entry *first = &segment->entries[0];
    if (status == CT_OK &&
        (segment->count != block_after(trace, index) - slot->first_block ||
         first->first_step != slot->first_step || first->first_call != slot->first_call)) {
        status =
            ct_fail(error, CT_EFORMAT, "index block %u does not match the directory", info.number);
    }
    if (status != CT_OK) {
        ctr_segment_clear(segment);
        free(segment);
        return status;
    }
    make_room(trace);
    slot->loaded = segment;
    trace->segment_bytes += segment->size;
    return CT_OK;
}

/* ---- tables of blocks that have no INDEX block ---- */

/* Look into the blocks of the segment, unlocked. */
static int gather(struct ctr_trace *trace, const struct ctr_segment_slot *slot, uint32_t after,
                  struct ct_bytes *to, struct ct_error *error)
{
    struct ctr_summary *summary = ctr_summary_new();
    int status = summary == NULL ? ct_fail(error, CT_ENOMEM, "no memory for the index") : CT_OK;
    for (uint32_t number = slot->first_block; status == CT_OK && number < after; number++) {
        const struct ctr_block *block;
        status = ctr_block_acquire(trace, number, &block, error);
        if (status == CT_OK) {
            const struct ctr_index_entry *entry =
                &slot->loaded->entries[number - slot->first_block];
            ctr_summary_add(summary, entry, block->raw, block->size, block);
            ctr_block_release(trace, block);
        }
    }
    if (status == CT_OK) {
        ctr_summary_encode(summary, to);
        status = to->failed ? ct_fail(error, CT_ENOMEM, "no memory for the index") : CT_OK;
    }
    ctr_summary_free(summary);
    return status;
}

static int gather_tables(struct ctr_trace *trace, size_t index, struct ct_error *error)
{
    struct ctr_segment_slot slot = trace->segments[index];
    struct ct_bytes raw = {0};
    struct ctr_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for the index");
    }
    pthread_mutex_unlock(&trace->cache.lock);
    int status = gather(trace, &slot, block_after(trace, index), &raw, error);
    if (status == CT_OK) {
        status = ctr_segment_decode(raw.data, raw.size, segment, error);
    }
    ct_bytes_free(&raw);
    pthread_mutex_lock(&trace->cache.lock);
    if (status == CT_OK && !trace->segments[index].loaded->has_tables) {
        struct ctr_segment before = *slot.loaded;
        *slot.loaded = *segment;
        *segment = before;
        trace->segment_bytes += slot.loaded->size - before.size;
    }
    ctr_segment_clear(segment);
    free(segment);
    return status;
}

int ctr_segment_get(struct ctr_trace *trace, size_t index, const struct ctr_segment **segment,
                    struct ct_error *error)
{
    int status = load(trace, index, error);
    if (status == CT_OK && !trace->segments[index].loaded->has_tables) {
        status = gather_tables(trace, index, error);
    }
    *segment = status == CT_OK ? trace->segments[index].loaded : NULL;
    return status;
}

/* ---- which segment, which block ---- */

static bool block_reaches(const struct ctr_segment_slot *slot, uint64_t block)
{
    return slot->first_block <= block;
}

static bool step_reaches(const struct ctr_segment_slot *slot, uint64_t step)
{
    return slot->first_step <= step;
}

static bool call_reaches(const struct ctr_segment_slot *slot, uint64_t call)
{
    return slot->first_call <= call;
}

/* The last segment that reaches; the first when none does. */
static size_t find_segment(const struct ctr_trace *trace, uint64_t value,
                           bool (*reaches)(const struct ctr_segment_slot *, uint64_t))
{
    size_t low = 0, high = trace->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (reaches(&trace->segments[middle], value)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t ctr_segment_of(const struct ctr_trace *trace, uint32_t block)
{
    return find_segment(trace, block, block_reaches);
}

int ctr_entry(struct ctr_trace *trace, uint32_t number, struct ctr_index_entry *entry,
              struct ct_error *error)
{
    if (trace->segment_count == 0) {
        return ct_fail(error, CT_EFORMAT, "the trace has no index");
    }
    size_t index = ctr_segment_of(trace, number);
    int status = load(trace, index, error);
    if (status != CT_OK) {
        return status;
    }
    const struct ctr_segment_slot *slot = &trace->segments[index];
    if (number - slot->first_block >= slot->loaded->count) {
        return ct_fail(error, CT_EFORMAT, "the index does not know block %u", number);
    }
    *entry = slot->loaded->entries[number - slot->first_block];
    return CT_OK;
}

static uint64_t entry_step(const struct ctr_index_entry *entry)
{
    return entry->first_step;
}

static uint64_t entry_call(const struct ctr_index_entry *entry)
{
    return entry->first_call;
}

/* The last block whose number by `first` is not past `value`: of several blocks that start with the
 * same number, only the last can hold it. */
static uint32_t block_of(struct ctr_trace *trace, uint64_t value,
                         bool (*reaches)(const struct ctr_segment_slot *, uint64_t),
                         uint64_t (*first)(const struct ctr_index_entry *))
{
    if (trace->segment_count == 0) {
        return 0;
    }
    pthread_mutex_lock(&trace->cache.lock);
    size_t index = find_segment(trace, value, reaches);
    uint32_t block = trace->segments[index].first_block;
    if (load(trace, index, NULL) == CT_OK) {
        const struct ctr_segment *segment = trace->segments[index].loaded;
        for (unsigned i = 1; i < segment->count && first(&segment->entries[i]) <= value; i++) {
            block++;
        }
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return block;
}

uint32_t ctr_block_of_step(struct ctr_trace *trace, uint64_t step)
{
    return block_of(trace, step, step_reaches, entry_step);
}

uint32_t ctr_block_of_call(struct ctr_trace *trace, uint64_t call)
{
    return block_of(trace, call, call_reaches, entry_call);
}

/* ---- who is in which block ---- */

/* By looking into the block, unlocked: for a block the table does not know wholly. */
static bool look_for_object(struct ctr_trace *trace, uint32_t number, uint64_t object)
{
    const struct ctr_block *block;
    pthread_mutex_unlock(&trace->cache.lock);
    bool found = false;
    if (ctr_block_acquire(trace, number, &block, NULL) == CT_OK) {
        found = ctr_block_opens(block, object);
        ctr_block_release(trace, block);
    }
    pthread_mutex_lock(&trace->cache.lock);
    return found;
}

/* The last block of the segment, of those before `end`, that opens the object; `end` when none. */
static unsigned find_open(struct ctr_trace *trace, size_t index, unsigned end, uint64_t object)
{
    const struct ctr_segment *segment;
    for (unsigned i = end; i-- > 0;) {
        if (ctr_segment_get(trace, index, &segment, NULL) != CT_OK || i >= segment->count) {
            return end;
        }
        bool here = ctr_segment_opens(segment, i, &object, 1);
        if (!here && (segment->missing[CTR_TABLE_OBJECTS] >> i & 1)) {
            here = look_for_object(trace, trace->segments[index].first_block + i, object);
        }
        if (here) {
            return i;
        }
    }
    return end;
}

bool ctr_block_of_object(struct ctr_trace *trace, uint64_t number, uint32_t block, uint32_t *found)
{
    if (trace->info.blocks == 0) {
        return false;
    }
    if (block >= trace->info.blocks) {
        block = trace->info.blocks - 1;
    }
    bool there = false;
    pthread_mutex_lock(&trace->cache.lock);
    for (size_t index = ctr_segment_of(trace, block) + 1; !there && index-- > 0;) {
        uint32_t first = trace->segments[index].first_block;
        uint32_t after = block_after(trace, index);
        unsigned end = (block < after ? block + 1 : after) - first;
        unsigned place = find_open(trace, index, end, number);
        there = place != end;
        *found = there ? first + place : *found;
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return there;
}

bool ctr_block_has_thread(struct ctr_trace *trace, uint32_t number, uint32_t thread)
{
    const struct ctr_segment *segment;
    pthread_mutex_lock(&trace->cache.lock);
    size_t index = ctr_segment_of(trace, number);
    bool found = true; /* as far as one knows */
    if (ctr_segment_get(trace, index, &segment, NULL) == CT_OK) {
        const struct ctr_index_entry *entry =
            &segment->entries[number - trace->segments[index].first_block];
        found = ctr_entry_has_thread(entry, thread);
    }
    pthread_mutex_unlock(&trace->cache.lock);
    return found;
}
