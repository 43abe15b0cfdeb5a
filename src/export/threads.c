#include "export/threads.h"

#include <stdlib.h>
#include <string.h>

static struct export_thread *find_or_add(struct export_threads *threads, uint32_t number)
{
    for (uint32_t i = 0; i < threads->count; i++) {
        if (threads->items[i].number == number) {
            return &threads->items[i];
        }
    }
    if (threads->count == threads->capacity) {
        uint32_t capacity = threads->capacity == 0 ? 8 : threads->capacity * 2;
        struct export_thread *items = realloc(threads->items, capacity * sizeof *items);
        if (items == NULL) {
            return NULL;
        }
        threads->items = items;
        threads->capacity = capacity;
    }
    struct export_thread *thread = &threads->items[threads->count++];
    *thread = (struct export_thread){.number = number};
    return thread;
}

bool export_threads_note(struct export_threads *threads, uint32_t number, uint32_t block)
{
    struct export_thread *thread = find_or_add(threads, number);
    if (thread == NULL) {
        return false;
    }
    if (thread->count > 0) {
        struct export_range *last = &thread->ranges[thread->count - 1];
        if (block <= last->last + 1) {
            last->last = block > last->last ? block : last->last;
            return true;
        }
    }
    if (thread->count == thread->capacity) {
        uint32_t capacity = thread->capacity == 0 ? 4 : thread->capacity * 2;
        struct export_range *ranges = realloc(thread->ranges, capacity * sizeof *ranges);
        if (ranges == NULL) {
            return false;
        }
        thread->ranges = ranges;
        thread->capacity = capacity;
    }
    thread->ranges[thread->count++] = (struct export_range){block, block};
    return true;
}

void export_threads_clear(struct export_threads *threads)
{
    for (uint32_t i = 0; i < threads->count; i++) {
        free(threads->items[i].ranges);
    }
    free(threads->items);
    *threads = (struct export_threads){0};
}
