#include "base/array.h"

#include <stdlib.h>
#include <string.h>

bool ct_grow(void *array, size_t *capacity, size_t count, size_t item_size)
{
    if (count < *capacity) {
        return true;
    }
    size_t larger = *capacity == 0 ? 16 : *capacity * 2;
    void *before;
    memcpy(&before, array, sizeof before);
    void *after = realloc(before, larger * item_size);
    if (after == NULL) {
        return false;
    }
    memcpy(array, &after, sizeof after);
    *capacity = larger;
    return true;
}

bool ct_make_room(void *array, size_t *capacity, size_t count, size_t item_size)
{
    while (*capacity < count) {
        if (!ct_grow(array, capacity, *capacity, item_size)) {
            return false;
        }
    }
    return true;
}
