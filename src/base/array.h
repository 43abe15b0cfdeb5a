/* Arrays that grow. */
#ifndef CT_BASE_ARRAY_H
#define CT_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* Make room for one more item of `*array`, which has `count` of them: `array` is the address of a
 * pointer of any type. False: no memory, and nothing has changed. */
bool ct_grow(void *array, size_t *capacity, size_t count, size_t item_size);
/* Make room for `count` items. */
bool ct_make_room(void *array, size_t *capacity, size_t count, size_t item_size);

#endif
