#include "export/names.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { FIRST_SLOTS = 256 };

static size_t name_start(const struct export_names *names, uint32_t number)
{
    return number == 0 ? 0 : names->ends[number - 1];
}

static uint32_t *find_slot(const struct export_names *names, const void *text, size_t size)
{
    uint32_t mask = names->slot_count - 1;
    uint32_t at = (uint32_t)XXH3_64bits(text, size) & mask;
    for (; names->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t number = names->slots[at] - 1;
        size_t start = name_start(names, number);
        if (names->ends[number] - start == size &&
            (size == 0 || memcmp(names->text.data + start, text, size) == 0)) {
            break;
        }
    }
    return &names->slots[at];
}

static bool widen(struct export_names *names)
{
    uint32_t count = names->slot_count == 0 ? FIRST_SLOTS : names->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(names->slots);
    names->slots = slots;
    names->slot_count = count;
    for (uint32_t i = 0; i < names->count; i++) {
        size_t start = name_start(names, i);
        *find_slot(names, names->text.data + start, names->ends[i] - start) = i + 1;
    }
    return true;
}

static bool add_end(struct export_names *names)
{
    if (names->count == names->capacity) {
        uint32_t capacity = names->capacity == 0 ? FIRST_SLOTS : names->capacity * 2;
        size_t *ends = realloc(names->ends, capacity * sizeof *ends);
        if (ends == NULL) {
            return false;
        }
        names->ends = ends;
        names->capacity = capacity;
    }
    names->ends[names->count++] = names->text.size;
    return true;
}

uint32_t export_name(struct export_names *names, const void *text, size_t size, bool *is_new)
{
    *is_new = false;
    if (names->count * 2ull >= names->slot_count && !widen(names)) {
        return UINT32_MAX;
    }
    uint32_t *slot = find_slot(names, text, size);
    if (*slot != 0) {
        return *slot - 1;
    }
    ct_bytes_add(&names->text, text, size);
    if (names->text.failed || !add_end(names)) {
        return UINT32_MAX;
    }
    *slot = names->count;
    *is_new = true;
    return names->count - 1;
}

void export_names_clear(struct export_names *names)
{
    ct_bytes_free(&names->text);
    free(names->ends);
    free(names->slots);
    *names = (struct export_names){0};
}
