#include "import/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

void import_map_free(struct import_map *map)
{
    free(map->pairs);
    *map = (struct import_map){0};
}

void import_map_clear(struct import_map *map)
{
    if (map->count > 0) {
        memset(map->pairs, 0, map->capacity * sizeof *map->pairs);
        map->count = 0;
    }
}

static struct import_pair *place_of(const struct import_map *map, uint64_t key)
{
    uint64_t hash = XXH3_64bits_withSeed(&key, sizeof key, map->seed);
    uint32_t at = (uint32_t)hash & (map->capacity - 1);
    while (map->pairs[at].key != 0 && map->pairs[at].key != key + 1) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->pairs[at];
}

const uint32_t *import_map_get(const struct import_map *map, uint64_t key)
{
    if (map->count == 0) {
        return NULL;
    }
    struct import_pair *pair = place_of(map, key);
    return pair->key == 0 ? NULL : &pair->value;
}

static bool grow(struct import_map *map)
{
    struct import_map larger = {.capacity = map->capacity == 0 ? 64 : map->capacity * 2};
    larger.pairs = calloc(larger.capacity, sizeof *larger.pairs);
    if (larger.pairs == NULL) {
        return false;
    }
    larger.seed = map->seed;
    if (map->capacity == 0 && getrandom(&larger.seed, sizeof larger.seed, 0) < 0) {
        larger.seed = (uintptr_t)larger.pairs;
    }
    for (uint32_t i = 0; i < map->capacity; i++) {
        if (map->pairs[i].key != 0) {
            *place_of(&larger, map->pairs[i].key - 1) = map->pairs[i];
        }
    }
    larger.count = map->count;
    free(map->pairs);
    *map = larger;
    return true;
}

bool import_map_add(struct import_map *map, uint64_t key, uint32_t value)
{
    if (map->count + 1 > map->capacity / 2 && !grow(map)) {
        return false;
    }
    *place_of(map, key) = (struct import_pair){key + 1, value};
    map->count++;
    return true;
}

void import_map_set(struct import_map *map, uint64_t key, uint32_t value)
{
    place_of(map, key)->value = value;
}
