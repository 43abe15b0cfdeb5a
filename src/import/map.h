/* A hash table from numbers to numbers. */
#ifndef CT_IMPORT_MAP_H
#define CT_IMPORT_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct import_map {
    struct import_pair {
        uint64_t key; /* plus 1; 0: free */
        uint32_t value;
    } * pairs;
    uint32_t count, capacity;
    uint64_t seed; /* so that no file can choose keys that fall together */
};

void import_map_free(struct import_map *map);
void import_map_clear(struct import_map *map);

/* The value of `key`, which is below UINT64_MAX; NULL: it is not there. */
const uint32_t *import_map_get(const struct import_map *map, uint64_t key);

/* Add a key that is not there. False: no memory. */
bool import_map_add(struct import_map *map, uint64_t key, uint32_t value);

/* Change the value of a key that is there. */
void import_map_set(struct import_map *map, uint64_t key, uint32_t value);

#endif
