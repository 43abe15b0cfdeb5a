/* The tail: blocks being filled, in a file mapped shared, so that they outlive the process. */
#ifndef CT_TRACE_TAIL_H
#define CT_TRACE_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/format.h"

enum ctr_slot_state { CTR_SLOT_FREE = 0, CTR_SLOT_FILLING = 1, CTR_SLOT_HANDED_OVER = 2 };

struct ctr_tail {
    uint8_t *map; /* the whole file */
    size_t size;
    unsigned slots;
    size_t capacity; /* bytes of one slot */
};

/* Create `path` with room on disk for every slot (mode 0600). */
int ctr_tail_create(struct ctr_tail *tail, const char *path, const uint8_t id[16], unsigned slots,
                    size_t capacity, struct ct_error *error);

/* Map an existing tail for reading; CT_EFORMAT when it is none or belongs to another recording. */
int ctr_tail_open(struct ctr_tail *tail, const char *path, const uint8_t id[16],
                  struct ct_error *error);

void ctr_tail_close(struct ctr_tail *tail);

static inline uint64_t *ctr_tail_counters(const struct ctr_tail *tail)
{
    return (uint64_t *)(void *)(tail->map + 64);
}

static inline uint8_t *ctr_tail_slot(const struct ctr_tail *tail, unsigned slot)
{
    return tail->map + 2 * CTR_TAIL_PAGE + slot * tail->capacity;
}

struct ctr_slot_header {
    uint32_t kind; /* enum ctr_block_kind */
    uint32_t number;
    uint64_t committed; /* bytes of whole records */
    uint32_t state;     /* enum ctr_slot_state */
};

static inline struct ctr_slot_header *ctr_tail_slot_header(const struct ctr_tail *tail,
                                                           unsigned slot)
{
    uint8_t *at = tail->map + CTR_TAIL_PAGE + slot * CTR_TAIL_SLOT_HEADER_BYTES;
    return (struct ctr_slot_header *)(void *)at;
}

#endif
