/* Which blocks each thread ran in, found while the first thread is played, so that the others can
 * be played afterwards without the rest. */
#ifndef CT_EXPORT_THREADS_H
#define CT_EXPORT_THREADS_H

#include <stdbool.h>
#include <stdint.h>

struct export_range { /* of blocks, both ends included */
    uint32_t first, last;
};

struct export_thread {
    uint32_t number;
    struct export_range *ranges;
    uint32_t count, capacity;
};

struct export_threads {
    struct export_thread *items; /* in the order they were met */
    uint32_t count, capacity;
};

/* The thread ran in the block; blocks come in order. False: out of memory. */
bool export_threads_note(struct export_threads *threads, uint32_t thread, uint32_t block);
void export_threads_clear(struct export_threads *threads);

#endif
