/* A copy of the tail. The recording may still run: a slot counts when its header says the same
 * before and after the copy. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "trace/tail.h"
#include "trace/trace_internal.h"

static size_t least_size(uint32_t kind)
{
    return kind == CTR_EVENTS ? CTR_PRELUDE_BYTES : 0;
}

static struct ctr_slot_header read_header(const struct ctr_tail *tail, unsigned slot)
{
    const volatile struct ctr_slot_header *header = ctr_tail_slot_header(tail, slot);
    struct ctr_slot_header copy = {header->kind, header->number, header->committed, header->state};
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return copy;
}

static bool copy_slot(const struct ctr_tail *tail, unsigned slot, struct ctr_piece *piece)
{
    struct ctr_slot_header header = read_header(tail, slot);
    if ((header.kind != CTR_EVENTS && header.kind != CTR_DEFS) ||
        header.committed <= least_size(header.kind) || header.committed > tail->capacity) {
        return false;
    }
    uint8_t *raw = malloc(header.committed);
    if (raw == NULL) {
        return false;
    }
    memcpy(raw, ctr_tail_slot(tail, slot), header.committed);
    struct ctr_slot_header after = read_header(tail, slot);
    if (after.kind != header.kind || after.number != header.number ||
        after.committed < header.committed) {
        free(raw);
        return false;
    }
    *piece = (struct ctr_piece){(uint8_t)header.kind, header.number, raw, header.committed};
    return true;
}

static int compare_pieces(const void *left, const void *right)
{
    const struct ctr_piece *a = left, *b = right;
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

int ctr_snapshot_take(struct ctr_snapshot *snapshot, const char *path, const uint8_t id[16],
                      struct ct_error *error)
{
    *snapshot = (struct ctr_snapshot){0};
    size_t length = strlen(path);
    char *tail_path = malloc(length + sizeof ".tail");
    if (tail_path == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory to open the tail of %s", path);
    }
    memcpy(tail_path, path, length);
    memcpy(tail_path + length, ".tail", sizeof ".tail");
    struct stat about;
    if (stat(tail_path, &about) != 0 && errno == ENOENT) {
        free(tail_path);
        return CT_OK;
    }
    struct ctr_tail tail;
    int status = ctr_tail_open(&tail, tail_path, id, error);
    free(tail_path);
    if (status != CT_OK) {
        return status;
    }
    snapshot->found = true;
    snapshot->pieces = calloc(tail.slots + 1, sizeof *snapshot->pieces);
    if (snapshot->pieces == NULL) {
        ctr_tail_close(&tail);
        return ct_fail(error, CT_ENOMEM, "no memory for the tail");
    }
    for (unsigned slot = 0; slot < tail.slots; slot++) {
        snapshot->count += copy_slot(&tail, slot, &snapshot->pieces[snapshot->count]);
    }
    memcpy(snapshot->counters, ctr_tail_counters(&tail), sizeof snapshot->counters);
    qsort(snapshot->pieces, snapshot->count, sizeof *snapshot->pieces, compare_pieces);
    ctr_tail_close(&tail);
    return CT_OK;
}

void ctr_snapshot_free(struct ctr_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->pieces[i].raw);
    }
    free(snapshot->pieces);
    *snapshot = (struct ctr_snapshot){0};
}

struct ctr_piece *ctr_snapshot_find(const struct ctr_snapshot *snapshot, uint8_t kind,
                                    uint32_t number)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        if (snapshot->pieces[i].kind == kind && snapshot->pieces[i].number == number) {
            return &snapshot->pieces[i];
        }
    }
    return NULL;
}
