/* Numbers texts from 0 in the order they are met. */
#ifndef CT_EXPORT_NAMES_H
#define CT_EXPORT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct export_names {
    struct ct_bytes text;
    size_t *ends; /* of each name in `text` */
    uint32_t count, capacity;
    uint32_t *slots; /* hash table of number + 1 */
    uint32_t slot_count;
};

/* The number of a text; `*is_new` when it had none. UINT32_MAX: out of memory. */
uint32_t export_name(struct export_names *names, const void *text, size_t size, bool *is_new);
void export_names_clear(struct export_names *names);

#endif
