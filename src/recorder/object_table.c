#include "recorder/object_internal.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "recorder/value.h"

#define MAX_QUEUE (1u << 20)

static void insert(struct object_table *table, const PyObject *address, uint32_t entry)
{
    uint32_t at = object_home(address);
    while (table->slots[at] != 0) {
        at = (at + 1) & (OBJECT_TABLE_SIZE - 1);
    }
    table->slots[at] = entry + 1;
}

/* Backward-shift deletion: no tombstones, so churn does not slow the table. */
static void erase(struct object_table *table, const PyObject *address)
{
    uint32_t at = object_home(address);
    while (table->slots[at] == 0 || table->entries[table->slots[at] - 1].address != address) {
        if (table->slots[at] == 0) {
            return;
        }
        at = (at + 1) & (OBJECT_TABLE_SIZE - 1);
    }
    for (uint32_t next = at;;) {
        next = (next + 1) & (OBJECT_TABLE_SIZE - 1);
        uint32_t held = table->slots[next];
        if (held == 0) {
            break;
        }
        uint32_t home = object_home(table->entries[held - 1].address);
        bool stays = at <= next ? home > at && home <= next : home > at || home <= next;
        if (!stays) {
            table->slots[at] = held;
            at = next;
        }
    }
    table->slots[at] = 0;
}

/* Forgetting waits for the end of an event: while one runs, entries in use must stay. */
static bool too_full(const struct object_table *table)
{
    return table->live > MAX_OBJECTS - MAX_OBJECTS / 8 ||
           table->snapshot_bytes > MAX_SNAPSHOT_BYTES;
}

static struct object_entry *new_entry(struct session *session)
{
    struct object_table *table = &session->objects;
    if (too_full(table)) {
        table->pressure = table->unsettled = true;
    }
    struct object_entry *entry;
    if (table->free_head != NO_ENTRY) {
        entry = &table->entries[table->free_head];
        table->free_head = entry->local;
    } else if (table->used < MAX_OBJECTS) {
        entry = &table->entries[table->used++];
    } else {
        return NULL;
    }
    table->live++;
    return entry;
}

struct object_entry *object__add(struct session *session, PyObject *value, struct type_info *type,
                                 uint64_t number)
{
    struct object_entry *entry = new_entry(session);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct object_entry){
        .address = value,
        .number = number,
        .type = type,
        .block = NO_BLOCK,
        .named_block = NO_BLOCK,
        .flags = ENTRY_RECENT,
    };
    insert(&session->objects, value, (uint32_t)(entry - session->objects.entries));
    return entry;
}

void object__resize(struct session *session, struct shadow **array, uint32_t *capacity,
                    uint32_t want)
{
    if (want <= *capacity) {
        return;
    }
    uint32_t grown = *capacity == 0 ? 4 : *capacity;
    while (grown < want) {
        grown += grown / 2 + 1;
    }
    struct shadow *more = realloc(*array, grown * sizeof **array);
    if (more != NULL) {
        memset(more + *capacity, 0, (grown - *capacity) * sizeof *more);
        session->objects.snapshot_bytes += (grown - *capacity) * sizeof *more;
        *array = more;
        *capacity = grown;
    }
}

void object__drop(struct session *session, struct shadow *array, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        shadow_assign(session, &array[i], (struct shadow){0});
    }
}

static void free_snapshot(struct session *session, struct object_entry *entry)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes two entries of a table for one */
    object__drop(session, entry->items, entry->count);
    object__drop(session, entry->attrs, entry->attr_count);
    session->objects.snapshot_bytes -=
        ((size_t)entry->capacity + entry->attr_capacity) * sizeof(struct shadow);
    object__forget_places(session, entry);
    free(entry->items);
    free(entry->attrs);
    entry->items = entry->attrs = NULL;
    entry->count = entry->capacity = entry->attr_count = entry->attr_capacity = 0;
}

void object__end_entry(struct session *session, struct object_entry *entry)
{
    struct object_table *table = &session->objects;
    if (entry->flags & ENTRY_WATCHED) {
        object__let_go_dict(session, entry);
        object__unwatch(session, entry);
    }
    erase(table, entry->address);
    free_snapshot(session, entry);
    uint32_t index = (uint32_t)(entry - table->entries);
    *entry = (struct object_entry){.local = table->free_head};
    table->free_head = index;
    table->live--;
}

static void forget(struct session *session, struct object_entry *entry)
{
    ctr_count(session->writer, CTR_C_objects_forgotten);
    session->objects.forgets++;
    object__end_entry(session, entry);
}

/* The clock's hand passes entries used since its last visit and takes the first that was not. */
static bool forget_one(struct session *session)
{
    struct object_table *table = &session->objects;
    for (uint32_t turns = 0; turns < 2 * table->used + 2; turns++) {
        table->hand = table->hand + 1 < table->used ? table->hand + 1 : 0;
        struct object_entry *entry = &table->entries[table->hand];
        if (entry->address == NULL ||
            (entry->flags & (ENTRY_PINNED | ENTRY_QUEUED | ENTRY_LIMBO))) {
            continue;
        }
        if (entry->flags & ENTRY_RECENT) {
            entry->flags &= (uint8_t)~ENTRY_RECENT;
            continue;
        }
        forget(session, entry);
        return true;
    }
    return false;
}

void object_release(struct session *session, struct object_entry *entry)
{
    struct object_table *table = &session->objects;
    if (entry->type->has_finalizer) {
        session_heed_unseen(session); /* its __del__ may have run, and changed anything */
    }
    if (entry->flags & (ENTRY_LIMBO | ENTRY_PINNED)) {
        entry->is_back = true;
        return;
    }
    if (table->limbo_size == table->limbo_capacity) {
        uint32_t capacity = table->limbo_capacity ? table->limbo_capacity * 2 : 256;
        uint32_t *limbo = realloc(table->limbo, capacity * sizeof *limbo);
        if (limbo == NULL) {
            return; /* the clock finds it later */
        }
        table->limbo = limbo;
        table->limbo_capacity = capacity;
    }
    entry->flags |= ENTRY_LIMBO;
    entry->is_back = false;
    table->limbo[table->limbo_size++] = (uint32_t)(entry - table->entries);
    table->unsettled = true;
}

void object_end(struct session *session, struct object_entry *entry)
{
    if ((entry->flags & (ENTRY_BUSY | ENTRY_PINNED)) == 0) {
        object__end_entry(session, entry);
    }
}

/* An object returned or moved is without holder for one event: only what was in limbo before this
 * event began, and nobody held since, ends now. */
static void objects_end_limbo(struct session *session)
{
    struct object_table *table = &session->objects;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->limbo_size; i++) {
        struct object_entry *entry = &table->entries[table->limbo[i]];
        if (!(entry->flags & ENTRY_LIMBO)) {
            continue;
        }
        if (i >= table->limbo_ready || (entry->is_back && entry->holders == 0)) {
            entry->is_back = entry->is_back && i >= table->limbo_ready;
            table->limbo[kept++] = table->limbo[i];
            continue;
        }
        entry->flags &= (uint8_t)~ENTRY_LIMBO;
        if (entry->address != NULL && entry->holders == 0) {
            object__end_entry(session, entry);
        }
    }
    table->limbo_size = table->limbo_ready = kept;
}

/* What was met while the event was written waits for the next look: it may be gone by then. */
static void drop_queue(struct session *session)
{
    struct object_table *table = &session->objects;
    for (uint32_t i = 0; i < table->queue_size; i++) {
        table->entries[table->queue[i].entry].flags &= (uint8_t)~ENTRY_QUEUED;
    }
    table->queue_size = 0;
}

void object__queue(struct session *session, struct object_entry *entry)
{
    struct object_table *table = &session->objects;
    if (entry->flags & ENTRY_QUEUED) {
        return;
    }
    if (table->queue_size == table->queue_capacity) {
        uint32_t capacity = table->queue_capacity ? table->queue_capacity * 2 : 256;
        struct queued *queue =
            capacity > MAX_QUEUE ? NULL : realloc(table->queue, capacity * sizeof *queue);
        if (queue == NULL) {
            ctr_count(session->writer, CTR_C_lagging);
            return;
        }
        table->queue = queue;
        table->queue_capacity = capacity;
    }
    entry->flags |= ENTRY_QUEUED;
    table->unsettled = true;
    table->queue[table->queue_size++] =
        (struct queued){(uint32_t)(entry - table->entries), table->depth};
}

void objects_settle_slow(struct session *session)
{
    drop_queue(session);
    objects_end_limbo(session);
    struct object_table *table = &session->objects;
    while (table->pressure) {
        table->pressure = too_full(table) && forget_one(session);
    }
    table->unsettled = table->limbo_size != 0;
}

int objects_init(struct session *session)
{
    struct object_table *table = &session->objects;
    table->entries = mmap(NULL, MAX_OBJECTS * sizeof *table->entries, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    table->slots = mmap(NULL, OBJECT_TABLE_SIZE * sizeof *table->slots, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->entries == MAP_FAILED || table->slots == MAP_FAILED) {
        return CT_ENOMEM;
    }
    table->free_head = NO_ENTRY;
    session->dict_watcher = object__report_dicts_to(session);
    return session->dict_watcher >= 0 ? CT_OK : CT_ESTATE;
}

void objects_free(struct session *session, bool unwatch_all)
{
    struct object_table *table = &session->objects;
    object__report_dicts_to(NULL);
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->entries[i].address != NULL && unwatch_all) {
            object__unwatch(session, &table->entries[i]);
        }
        free(table->entries[i].places);
        free(table->entries[i].items);
        free(table->entries[i].attrs);
    }
    munmap(table->entries, MAX_OBJECTS * sizeof *table->entries);
    munmap(table->slots, OBJECT_TABLE_SIZE * sizeof *table->slots);
    free(table->queue);
    free(table->limbo);
    *table = (struct object_table){0};
}
