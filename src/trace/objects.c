#include "trace/objects.h"

#include <stdlib.h>

#include "trace/trace_internal.h"

/* ---- pairs ---- */

/* A dict keeps its order while keys come and go: a removed pair leaves a hole, which is closed when
 * somebody looks. Many pairs get a hash table of their positions. */
enum { FEW_PAIRS = 16 };

static const struct ctr_value unbound = {0};

static void rearrange(struct ctr_objects *objects, struct ctr_object_state *state)
{
    state->arrangement = ++objects->arrangements;
}

static void drop_places(struct ctr_objects *objects, struct ctr_object_state *state)
{
    objects->bytes -= state->place_count * sizeof *state->places;
    free(state->places);
    state->places = NULL;
    state->place_count = 0;
}

/* An attribute keeps its position while it is unbound; readers see the bound ones. */
static void settle_attrs(struct ctr_object_state *state)
{
    struct ctr_object *object = &state->object;
    uint32_t bound = 0;
    for (uint32_t i = 0; i < state->attr_end; i++) {
        if (state->attr_places[i].value.tag != CTR_V_UNBOUND) {
            object->attrs[bound++] = state->attr_places[i];
        }
    }
    object->true_attrs = bound + state->cut_attrs;
    object->attr_count = bound;
    state->attrs_changed = false;
}

void ctr_object_settle(struct ctr_objects *objects, struct ctr_object_state *state)
{
    struct ctr_object *object = &state->object;
    if (state->attrs_changed) {
        settle_attrs(state);
    }
    if (state->pair_end == object->pair_count) {
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < state->pair_end; i++) {
        if (!ctr_is_hole(&object->pairs[i])) {
            object->pairs[kept++] = object->pairs[i];
        }
    }
    state->pair_end = kept;
    rearrange(objects, state);
    drop_places(objects, state);
}

static void place(struct ctr_objects *objects, struct ctr_object_state *state, uint32_t position)
{
    uint64_t hash = ctr_value_hash(objects->trace, state->object.pairs[position].key);
    uint32_t mask = state->place_count - 1;
    uint32_t at = (uint32_t)(hash >> 32) & mask;
    while (state->places[at] != 0) {
        at = (at + 1) & mask;
    }
    state->places[at] = position + 1;
}

/* Build the table anew for twice the pairs there are; without memory the search is linear. */
static void build_places(struct ctr_objects *objects, struct ctr_object_state *state)
{
    ctr_object_settle(objects, state);
    drop_places(objects, state);
    uint32_t count = 4 * FEW_PAIRS;
    while (count < state->pair_end * 4ull && count < (1u << 31)) {
        count *= 2;
    }
    state->places = calloc(count, sizeof *state->places);
    if (state->places == NULL) {
        return;
    }
    state->place_count = count;
    objects->bytes += count * sizeof *state->places;
    for (uint32_t i = 0; i < state->pair_end; i++) {
        place(objects, state, i);
    }
}

static uint32_t find_linear(struct ctr_objects *objects, const struct ctr_object_state *state,
                            struct ctr_value key)
{
    for (uint32_t i = 0; i < state->pair_end; i++) {
        const struct ctr_pair *pair = &state->object.pairs[i];
        if (!ctr_is_hole(pair) && ctr_value_equal(objects->trace, pair->key, key)) {
            return i;
        }
    }
    return CTR_NO_PAIR;
}

static uint32_t find_placed(struct ctr_objects *objects, const struct ctr_object_state *state,
                            struct ctr_value key)
{
    uint64_t hash = ctr_value_hash(objects->trace, key);
    uint32_t mask = state->place_count - 1;
    for (uint32_t at = (uint32_t)(hash >> 32) & mask; state->places[at] != 0;
         at = (at + 1) & mask) {
        uint32_t position = state->places[at] - 1;
        const struct ctr_pair *pair = &state->object.pairs[position];
        if (!ctr_is_hole(pair) && ctr_value_equal(objects->trace, pair->key, key)) {
            return position;
        }
    }
    return CTR_NO_PAIR;
}

uint32_t ctr_object_find_pair(struct ctr_objects *objects, struct ctr_object_state *state,
                              struct ctr_value key)
{
    if (state->pair_end <= FEW_PAIRS) {
        return find_linear(objects, state, key);
    }
    if (state->places == NULL || state->pair_end * 2ull > state->place_count) {
        build_places(objects, state);
    }
    return state->places != NULL ? find_placed(objects, state, key)
                                 : find_linear(objects, state, key);
}

/* ---- changing one state ---- */

static bool reserve(struct ctr_objects *objects, void *array, uint32_t *capacity, uint64_t count,
                    size_t size)
{
    if (count <= *capacity) {
        return true;
    }
    if (count > UINT32_MAX / 2) {
        return false;
    }
    uint64_t larger = *capacity < 8 ? 8 : *capacity;
    while (larger < count) {
        larger += larger / 2;
    }
    void *before;
    memcpy(&before, array, sizeof before);
    void *after = realloc(before, larger * size);
    if (after == NULL) {
        return false;
    }
    memcpy(array, &after, sizeof after);
    objects->bytes += (larger - *capacity) * size;
    *capacity = (uint32_t)larger;
    return true;
}

static struct ctr_value next_value(struct ctr_scan *values)
{
    return ctr_scan_value(values, unbound);
}

/* A length that was true stays so when `after` items replace `before`. */
static void change_length(uint64_t *length, uint64_t before, uint64_t after)
{
    *length = after >= before             ? *length + (after - before)
              : *length >= before - after ? *length - (before - after)
                                          : after;
}

static int set_item(struct ctr_object_state *state, uint64_t index, struct ctr_scan *values)
{
    if (index >= state->object.item_count) {
        return CT_EFORMAT;
    }
    state->object.items[index] = next_value(values);
    return CT_OK;
}

static int splice(struct ctr_objects *objects, struct ctr_object_state *state, uint64_t start,
                  uint64_t removed, uint32_t added, struct ctr_scan *values)
{
    struct ctr_object *object = &state->object;
    uint64_t count = object->item_count;
    if (start > count || removed > count - start) {
        return CT_EFORMAT;
    }
    if (!reserve(objects, &object->items, &state->item_capacity, count - removed + added,
                 sizeof *object->items)) {
        return CT_ENOMEM;
    }
    uint64_t rest = count - start - removed;
    if (rest > 0 && added != removed) {
        memmove(object->items + start + added, object->items + start + removed,
                rest * sizeof *object->items);
    }
    for (uint32_t i = 0; i < added; i++) {
        object->items[start + i] = next_value(values);
    }
    object->item_count = (uint32_t)(count - removed + added);
    change_length(&object->true_items, removed, added);
    object->sections |= CTR_ITEMS;
    return CT_OK;
}

static int add_pair(struct ctr_objects *objects, struct ctr_object_state *state,
                    struct ctr_pair pair)
{
    struct ctr_object *object = &state->object;
    if (!reserve(objects, &object->pairs, &state->pair_capacity, state->pair_end + 1ull,
                 sizeof *object->pairs)) {
        return CT_ENOMEM;
    }
    object->pairs[state->pair_end++] = pair;
    object->pair_count++;
    if (state->places != NULL) {
        place(objects, state, state->pair_end - 1);
    }
    return CT_OK;
}

static int set_pair(struct ctr_objects *objects, struct ctr_object_state *state,
                    struct ctr_scan *values)
{
    struct ctr_pair pair = {.key = next_value(values)};
    pair.value = next_value(values);
    state->object.sections |= CTR_PAIRS;
    uint32_t position = ctr_object_find_pair(objects, state, pair.key);
    if (position != CTR_NO_PAIR) {
        state->object.pairs[position].value = pair.value;
        return CT_OK;
    }
    state->object.true_pairs++;
    return add_pair(objects, state, pair);
}

static int remove_pair(struct ctr_objects *objects, struct ctr_object_state *state,
                       struct ctr_scan *values)
{
    uint32_t position = ctr_object_find_pair(objects, state, next_value(values));
    bool is_cut = state->object.pair_count < state->object.true_pairs;
    if (position == CTR_NO_PAIR && !is_cut) {
        return CT_EFORMAT;
    }
    change_length(&state->object.true_pairs, 1, 0);
    if (position == CTR_NO_PAIR) {
        return CT_OK; /* one that is not recorded */
    }
    state->object.pairs[position].key.tag = CTR_HOLE;
    rearrange(objects, state);
    state->object.pair_count--;
    if (state->pair_end > FEW_PAIRS && state->object.pair_count < state->pair_end / 2) {
        ctr_object_settle(objects, state);
    }
    return CT_OK;
}

static int add_attr(struct ctr_objects *objects, struct ctr_object_state *state,
                    struct ctr_pair attr)
{
    struct ctr_object *object = &state->object;
    uint64_t count = state->attr_end + 1ull;
    if (!reserve(objects, &state->attr_places, &state->attr_capacity, count,
                 sizeof *state->attr_places) ||
        !reserve(objects, &object->attrs, &state->bound_capacity, count, sizeof *object->attrs)) {
        return CT_ENOMEM;
    }
    state->attr_places[state->attr_end++] = attr;
    state->attrs_changed = true;
    object->sections |= CTR_ATTRS;
    return CT_OK;
}

static int new_attr(struct ctr_objects *objects, struct ctr_object_state *state,
                    struct ctr_scan *values)
{
    struct ctr_pair attr = {.key = next_value(values)};
    attr.value = next_value(values);
    return add_attr(objects, state, attr);
}

static int set_attr(struct ctr_object_state *state, uint64_t position, struct ctr_scan *values)
{
    if (position >= state->attr_end) {
        return CT_EFORMAT;
    }
    state->attr_places[position].value = next_value(values);
    state->attrs_changed = true;
    return CT_OK;
}

static int remove_attr(struct ctr_objects *objects, struct ctr_object_state *state,
                       uint64_t position)
{
    if (position >= state->attr_end) {
        return CT_EFORMAT;
    }
    state->attr_end--;
    rearrange(objects, state);
    memmove(state->attr_places + position, state->attr_places + position + 1,
            (state->attr_end - position) * sizeof *state->attr_places);
    state->attrs_changed = true;
    return CT_OK;
}

static int clear_object(struct ctr_objects *objects, struct ctr_object_state *state)
{
    struct ctr_object *object = &state->object;
    object->item_count = object->pair_count = 0;
    object->true_items = object->true_pairs = 0;
    state->pair_end = 0;
    rearrange(objects, state);
    drop_places(objects, state);
    return CT_OK;
}

/* The length is that of what the object mainly is: a dict's pairs, else items, else attributes. */
static int set_length(struct ctr_object_state *state, uint64_t length)
{
    struct ctr_object *object = &state->object;
    if (object->sections & CTR_PAIRS) {
        object->true_pairs = length;
    } else if ((object->sections & CTR_ITEMS) || !(object->sections & CTR_ATTRS)) {
        object->true_items = length;
    } else {
        state->cut_attrs = length > state->attr_end ? length - state->attr_end : 0;
        state->attrs_changed = true;
    }
    return CT_OK;
}

/* ---- bases ---- */

static int base_items(struct ctr_objects *objects, struct ctr_object_state *state,
                      struct ctr_scan *values)
{
    state->object.true_items = ct_get_varint(&values->cursor);
    uint32_t count = (uint32_t)ct_get_varint(&values->cursor);
    uint64_t length = state->object.true_items;
    int status = splice(objects, state, 0, 0, count, values);
    state->object.true_items = length;
    return status;
}

static int base_pairs(struct ctr_objects *objects, struct ctr_object_state *state,
                      struct ctr_scan *values)
{
    state->object.sections |= CTR_PAIRS;
    state->object.true_pairs = ct_get_varint(&values->cursor);
    uint32_t count = (uint32_t)ct_get_varint(&values->cursor);
    int status = CT_OK;
    for (uint32_t i = 0; i < count && status == CT_OK; i++) {
        struct ctr_pair pair = {.key = next_value(values)};
        pair.value = next_value(values);
        status = add_pair(objects, state, pair);
    }
    return status;
}

static int base_attrs(struct ctr_objects *objects, struct ctr_object_state *state,
                      struct ctr_scan *values)
{
    state->object.sections |= CTR_ATTRS;
    state->cut_attrs = ct_get_varint(&values->cursor);
    uint32_t count = (uint32_t)ct_get_varint(&values->cursor);
    int status = CT_OK;
    for (uint32_t i = 0; i < count && status == CT_OK; i++) {
        struct ctr_pair attr = {.key = next_value(values)};
        attr.value = next_value(values);
        status = add_attr(objects, state, attr);
    }
    state->cut_attrs -= state->cut_attrs < count ? state->cut_attrs : count;
    return status;
}

static int set_base(struct ctr_objects *objects, struct ctr_object_state *state,
                    const struct ctr_rec *rec, struct ctr_scan *values)
{
    clear_object(objects, state);
    state->object.attr_count = 0;
    state->attr_end = 0;
    state->attrs_changed = true;
    int status = CT_OK;
    if (rec->sections & CTR_ITEMS) {
        status = base_items(objects, state, values);
    }
    if (status == CT_OK && (rec->sections & CTR_PAIRS)) {
        status = base_pairs(objects, state, values);
    }
    if (status == CT_OK && (rec->sections & CTR_ATTRS)) {
        status = base_attrs(objects, state, values);
    }
    return status;
}

/* ---- one record ---- */

static int open_object(struct ctr_objects *objects, struct ctr_object_state *state,
                       const struct ctr_rec *rec, struct ctr_scan *values)
{
    state->object.type = rec->type;
    return rec->flags & CTR_OPEN_BASE ? set_base(objects, state, rec, values) : CT_OK;
}

static int change_object(struct ctr_objects *objects, struct ctr_object_state *state,
                         const struct ctr_rec *rec, struct ctr_scan *values)
{
    switch (rec->kind) {
    case CTR_ITEM:
        return set_item(state, rec->number, values);
    case CTR_APPEND:
        return splice(objects, state, state->object.item_count, 0, 1, values);
    case CTR_SPLICE:
        return splice(objects, state, rec->number, rec->more, rec->count, values);
    case CTR_PAIR:
        return set_pair(objects, state, values);
    case CTR_UNPAIR:
        return remove_pair(objects, state, values);
    case CTR_CLEAR:
        return clear_object(objects, state);
    case CTR_ATTR:
        return set_attr(state, rec->number, values);
    case CTR_ATTR_ADD:
        return new_attr(objects, state, values);
    case CTR_ATTR_DEL:
        return remove_attr(objects, state, rec->number);
    case CTR_TOTAL:
        return set_length(state, rec->number);
    default: /* CHECKED */
        return CT_OK;
    }
}

/* Fold record `at` of the block. */
static int apply(struct ctr_objects *objects, struct ctr_object_state *state,
                 const struct ctr_cell *cell, const struct ctr_object_record *at,
                 struct ct_error *error)
{
    const struct ctr_block *block = &cell->block;
    struct ctr_scan scan = ctr_scan_at(block, at);
    struct ctr_rec rec = {0};
    int status = ctr_record_next(&scan, &rec) ? CT_OK : CT_EFORMAT;
    if (status == CT_OK) {
        struct ctr_scan values = ctr_record_values(&scan, &rec);
        state->object.checked_block = block->number;
        status = rec.kind == CTR_OPEN ? open_object(objects, state, &rec, &values)
                                      : change_object(objects, state, &rec, &values);
        status = status == CT_OK && values.cursor.failed ? CT_EFORMAT : status;
    }
    if (status == CT_ENOMEM) {
        return ct_fail(error, CT_ENOMEM, "no memory for object %llu",
                       (unsigned long long)state->object.number);
    }
    return status == CT_OK ? CT_OK
                           : ct_fail(error, CT_EFORMAT,
                                     "block %u is damaged: a change of object %llu does not fit it",
                                     block->number, (unsigned long long)state->object.number);
}

/* ---- the table ---- */

void ctr_objects_init(struct ctr_objects *objects, struct ctr_trace *trace)
{
    *objects = (struct ctr_objects){.trace = trace};
    ctr_objects_limit(objects, CTR_OBJECTS_BYTES);
}

void ctr_objects_limit(struct ctr_objects *objects, size_t bytes)
{
    objects->limit = objects->trim_at = bytes;
}

/* What malloc adds to a state and its arrays, and the state's bucket. */
enum { OVERHEAD_BYTES = 64 };

static size_t state_bytes(const struct ctr_object_state *state)
{
    return sizeof *state + OVERHEAD_BYTES + state->place_count * sizeof *state->places +
           state->item_capacity * sizeof *state->object.items +
           state->pair_capacity * sizeof *state->object.pairs +
           (size_t)(state->attr_capacity + state->bound_capacity) * sizeof *state->object.attrs;
}

static void free_state(struct ctr_objects *objects, struct ctr_object_state *state)
{
    objects->bytes -= state_bytes(state);
    objects->count--;
    free(state->object.items);
    free(state->object.pairs);
    free(state->attr_places);
    free(state->object.attrs);
    free(state->places);
    free(state);
}

void ctr_objects_clear(struct ctr_objects *objects)
{
    for (size_t i = 0; i < objects->bucket_count; i++) {
        struct ctr_object_state *state = objects->buckets[i];
        while (state != NULL) {
            struct ctr_object_state *next = state->next;
            free_state(objects, state);
            state = next;
        }
    }
    free(objects->buckets);
    objects->buckets = NULL;
    objects->bucket_count = 0;
}

static size_t bucket_of(uint64_t number, size_t bucket_count)
{
    uint64_t hash = number * 0x9e3779b97f4a7c15ull;
    return (hash >> 32) & (bucket_count - 1);
}

static struct ctr_object_state **bucket(const struct ctr_objects *objects, uint64_t number)
{
    return &objects->buckets[bucket_of(number, objects->bucket_count)];
}

static struct ctr_object_state *find(const struct ctr_objects *objects, uint64_t number)
{
    if (objects->bucket_count == 0) {
        return NULL;
    }
    struct ctr_object_state *state = *bucket(objects, number);
    while (state != NULL && state->object.number != number) {
        state = state->next;
    }
    return state;
}

static bool widen(struct ctr_objects *objects)
{
    enum { FIRST_BUCKETS = 64 };
    size_t count = objects->bucket_count == 0 ? FIRST_BUCKETS : objects->bucket_count * 2;
    struct ctr_object_state **buckets = calloc(count, sizeof(struct ctr_object_state *));
    if (buckets == NULL) {
        return false;
    }
    for (size_t i = 0; i < objects->bucket_count; i++) {
        struct ctr_object_state *state = objects->buckets[i];
        while (state != NULL) {
            struct ctr_object_state *next = state->next;
            struct ctr_object_state **to = &buckets[bucket_of(state->object.number, count)];
            state->next = *to;
            *to = state;
            state = next;
        }
    }
    free(objects->buckets);
    objects->buckets = buckets;
    objects->bucket_count = count;
    return true;
}

static struct ctr_object_state *find_or_add(struct ctr_objects *objects, uint64_t number)
{
    struct ctr_object_state *state = find(objects, number);
    if (state != NULL) {
        return state;
    }
    if (objects->count >= objects->bucket_count && !widen(objects)) {
        return NULL;
    }
    state = calloc(1, sizeof *state);
    if (state != NULL) {
        struct ctr_object_state **to = bucket(objects, number);
        state->object.number = number;
        rearrange(objects, state);
        state->next = *to;
        *to = state;
        objects->count++;
        objects->bytes += sizeof *state + OVERHEAD_BYTES;
    }
    return state;
}

static void drop_states(struct ctr_objects *objects, uint64_t used_before)
{
    for (size_t i = 0; i < objects->bucket_count; i++) {
        struct ctr_object_state **link = &objects->buckets[i];
        while (*link != NULL) {
            struct ctr_object_state *state = *link;
            if (state->used < used_before) {
                *link = state->next;
                free_state(objects, state);
            } else {
                link = &state->next;
            }
        }
    }
}

void ctr_objects_trim(struct ctr_objects *objects, uint64_t move)
{
    /* Again and again: what was not used in a while first. Some room is made each time, or, where
     * one move needs more than the limit, more is allowed: looking at all states is dear. */
    enum { A_WHILE = 10000, SHORTER = 10 };
    if (objects->bytes <= objects->trim_at) {
        return;
    }
    size_t enough = objects->limit - objects->limit / 4;
    for (uint64_t age = A_WHILE; age > 0 && objects->bytes > enough; age /= SHORTER) {
        drop_states(objects, move > age ? move - age : 0);
    }
    if (objects->bytes > enough) {
        drop_states(objects, move);
    }
    objects->trim_at = objects->bytes > enough ? objects->bytes + enough : objects->limit;
}

/* ---- comparing ---- */

static bool pairs_equal(struct ctr_trace *trace, const struct ctr_pair *a, const struct ctr_pair *b,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!ctr_value_equal(trace, a[i].value, b[i].value) ||
            !ctr_value_equal(trace, a[i].key, b[i].key)) {
            return false;
        }
    }
    return true;
}

bool ctr_object_equal(struct ctr_trace *trace, const struct ctr_object *a,
                      const struct ctr_object *b)
{
    if (a->true_items != b->true_items || a->true_pairs != b->true_pairs ||
        a->true_attrs != b->true_attrs || a->item_count != b->item_count ||
        a->pair_count != b->pair_count || a->attr_count != b->attr_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->item_count; i++) {
        if (!ctr_value_equal(trace, a->items[i], b->items[i])) {
            return false;
        }
    }
    return pairs_equal(trace, a->pairs, b->pairs, a->pair_count) &&
           pairs_equal(trace, a->attrs, b->attrs, a->attr_count);
}

/* ---- folding ---- */

/* Fold what the block says of the object from the state's next record on, before byte `limit`. */
static int fold(struct ctr_objects *objects, struct ctr_object_state *state,
                const struct ctr_block *block, size_t limit, struct ct_error *error)
{
    const struct ctr_cell *cell = ctr_cell_of(block);
    while (state->to_fold != 0) {
        const struct ctr_object_record *at = &cell->records[state->to_fold - 1];
        if (at->at >= limit) {
            return CT_OK;
        }
        int status = apply(objects, state, cell, at, error);
        if (status != CT_OK) {
            return status;
        }
        state->to_fold = at->next;
    }
    return CT_OK;
}

static bool read_record(const struct ctr_block *block, uint32_t record, struct ctr_rec *rec)
{
    struct ctr_scan scan = ctr_scan_at(block, &ctr_cell_of(block)->records[record - 1]);
    return ctr_record_next(&scan, rec);
}

/* How the object is first opened in the block, before byte `limit`. */
static bool find_open(const struct ctr_block *block, size_t limit, uint64_t number,
                      struct ctr_rec *rec)
{
    const struct ctr_cell *cell = ctr_cell_of(block);
    uint32_t first = ctr_cell_first(cell, number);
    if (first == 0 || cell->records[first - 1].at >= limit) {
        return false;
    }
    return read_record(block, first, rec) && rec->kind == CTR_OPEN;
}

struct chain { /* blocks whose records make up the state, the newest first */
    uint32_t *blocks;
    size_t count, capacity;
    bool continues; /* the state as it is now, at the end of the last of them */
};

/* From `block` back to the one that has the object's base, or that the state is of. */
static int find_chain(struct ctr_objects *objects, const struct ctr_object_state *state,
                      const struct ctr_block *block, size_t limit, struct chain *chain,
                      struct ct_error *error)
{
    const struct ctr_block *at = block;
    uint64_t number = state->object.number;
    for (;;) {
        struct ctr_rec rec;
        uint32_t here = at->number;
        bool opened = find_open(at, at == block ? limit : at->size, number, &rec);
        if (at != block) {
            ctr_block_release(objects->trace, at);
        }
        if (!opened || (!(rec.flags & CTR_OPEN_BASE) && rec.distance > here)) {
            return ct_fail(error, CT_EFORMAT, "block %u does not open object %llu as it should",
                           here, (unsigned long long)number);
        }
        if (!ct_grow(&chain->blocks, &chain->capacity, chain->count, sizeof *chain->blocks)) {
            return ct_fail(error, CT_ENOMEM, "no memory to fetch an object");
        }
        chain->blocks[chain->count++] = here;
        if (rec.flags & CTR_OPEN_BASE) {
            return CT_OK;
        }
        if (state->known && state->opened == here - rec.distance) {
            chain->continues = true;
            return CT_OK;
        }
        int status = ctr_block_acquire(objects->trace, here - rec.distance, &at, error);
        if (status != CT_OK) {
            return status;
        }
    }
}

/* Fold the rest of the block the state is of. */
static int finish(struct ctr_objects *objects, struct ctr_object_state *state,
                  struct ct_error *error)
{
    const struct ctr_block *block;
    if (state->to_fold == 0) {
        return CT_OK;
    }
    int status = ctr_block_acquire(objects->trace, state->opened, &block, error);
    if (status == CT_OK) {
        status = fold(objects, state, block, block->size, error);
        ctr_block_release(objects->trace, block);
    }
    return status;
}

static int fold_block(struct ctr_objects *objects, struct ctr_object_state *state,
                      const struct ctr_block *block, size_t limit, struct ct_error *error)
{
    state->opened = state->through = block->number;
    state->to_fold = ctr_cell_first(ctr_cell_of(block), state->object.number);
    return fold(objects, state, block, limit, error);
}

static int fold_chain(struct ctr_objects *objects, struct ctr_object_state *state,
                      const struct ctr_block *block, size_t limit, const struct chain *chain,
                      struct ct_error *error)
{
    int status = chain->continues ? finish(objects, state, error) : CT_OK;
    for (size_t i = chain->count; i-- > 0 && status == CT_OK;) {
        if (chain->blocks[i] == block->number) {
            status = fold_block(objects, state, block, limit, error);
            continue;
        }
        const struct ctr_block *earlier;
        status = ctr_block_acquire(objects->trace, chain->blocks[i], &earlier, error);
        if (status == CT_OK) {
            status = fold_block(objects, state, earlier, earlier->size, error);
            ctr_block_release(objects->trace, earlier);
        }
    }
    return status;
}

/* The object is opened in `block` before byte `limit`. */
static int get_opened(struct ctr_objects *objects, struct ctr_object_state *state,
                      const struct ctr_block *block, size_t limit, struct ct_error *error)
{
    if (state->known && state->opened == block->number) {
        return fold(objects, state, block, limit, error);
    }
    struct chain chain = {0};
    int status = find_chain(objects, state, block, limit, &chain, error);
    if (status == CT_OK) {
        status = fold_chain(objects, state, block, limit, &chain, error);
    }
    free(chain.blocks);
    return status;
}

/* It is not: the state is that at the end of the last block that did. CT_ESTATE: none did. */
static int get_earlier(struct ctr_objects *objects, struct ctr_object_state *state,
                       const struct ctr_block *block, struct ct_error *error)
{
    uint32_t where;
    if (block->number == 0) {
        return CT_ESTATE;
    }
    if (state->known && state->through + 1 >= block->number) {
        where = state->opened;
    } else if (!ctr_block_of_object(objects->trace, state->object.number, block->number - 1,
                                    &where)) {
        return CT_ESTATE;
    }
    int status;
    if (state->known && state->opened == where) {
        status = finish(objects, state, error);
    } else {
        const struct ctr_block *earlier;
        status = ctr_block_acquire(objects->trace, where, &earlier, error);
        if (status == CT_OK) {
            status = get_opened(objects, state, earlier, earlier->size, error);
            ctr_block_release(objects->trace, earlier);
        }
    }
    state->through = block->number - 1;
    return status;
}

int ctr_objects_get(struct ctr_objects *objects, uint64_t number, const struct ctr_block *block,
                    size_t limit, uint64_t move, struct ctr_object_state **found,
                    struct ct_error *error)
{
    *found = NULL;
    struct ctr_object_state *state = find_or_add(objects, number);
    if (state == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for object %llu", (unsigned long long)number);
    }
    const struct ctr_cell *cell = ctr_cell_of(block);
    uint32_t first = ctr_cell_first(cell, number);
    bool here = first != 0 && cell->records[first - 1].at < limit;
    int status = here ? get_opened(objects, state, block, limit, error)
                      : get_earlier(objects, state, block, error);
    state->known = status == CT_OK;
    if (status == CT_OK) {
        state->used = move;
        *found = state;
    }
    return status == CT_ESTATE ? CT_OK : status;
}

bool ctr_objects_is_late(const struct ctr_object_state *state, const struct ctr_block *block,
                         uint64_t step, uint64_t *verified)
{
    const struct ctr_cell *cell = ctr_cell_of(block);
    uint32_t next = state->opened == block->number ? state->to_fold
                                                   : ctr_cell_first(cell, state->object.number);
    struct ctr_rec rec;
    bool found = next != 0 && read_record(block, next, &rec);
    if (found && rec.kind == CTR_OPEN) { /* CHECKED stands behind it */
        next = cell->records[next - 1].next;
        found = next != 0 && read_record(block, next, &rec);
    }
    if (!found || rec.kind != CTR_CHECKED) {
        return false;
    }
    *verified = block->first_step + (uint64_t)rec.change;
    return *verified < step;
}

static bool at_hand(const struct ctr_objects *objects, uint64_t number,
                    const struct ctr_block *block)
{
    struct ctr_rec rec;
    if (!find_open(block, block->size, number, &rec)) {
        return false;
    }
    const struct ctr_object_state *state = find(objects, number);
    if (state == NULL || !state->known) {
        return rec.flags & CTR_OPEN_BASE;
    }
    return (rec.flags & CTR_OPEN_BASE) || state->opened == block->number ||
           (state->to_fold == 0 && state->opened == block->number - rec.distance);
}

int ctr_objects_finish(struct ctr_objects *objects, const struct ctr_block *block, uint64_t move,
                       struct ct_error *error)
{
    int status = CT_OK;
    for (uint32_t i = 0; i < block->object_count && status == CT_OK; i++) {
        struct ctr_object_state *state;
        if (at_hand(objects, block->objects[i], block)) {
            status = ctr_objects_get(objects, block->objects[i], block, block->size, move, &state,
                                     error);
        }
    }
    return status;
}
