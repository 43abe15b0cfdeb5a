#include "server/events.h"

#include <stdlib.h>
#include <string.h>

void sv_events_init(struct sv_events *events)
{
    memset(events, 0, sizeof *events);
    pthread_mutex_init(&events->lock, NULL);
    events->first = 1;
    events->end = 1;
}

static void drop_oldest(struct sv_events *events)
{
    struct sv_event *event = &events->kept[events->first % SV_MAX_EVENTS];
    events->bytes -= event->size;
    free(event->json);
    *event = (struct sv_event){0};
    events->first++;
}

void sv_events_clear(struct sv_events *events)
{
    while (events->first < events->end) {
        drop_oldest(events);
    }
    pthread_mutex_destroy(&events->lock);
}

void sv_events_add(struct sv_events *events, const char *json, size_t size)
{
    char *copy = size <= SV_MAX_EVENT_BYTES ? malloc(size) : NULL;
    if (copy != NULL) {
        memcpy(copy, json, size);
    }
    pthread_mutex_lock(&events->lock);
    while (events->first < events->end &&
           (events->end - events->first >= SV_MAX_EVENTS ||
            (copy != NULL && events->bytes + size > SV_MAX_EVENT_BYTES))) {
        drop_oldest(events);
    }
    /* One that cannot be kept has its number all the same, and counts as lost. */
    struct sv_event event = {copy, copy == NULL ? 0 : size};
    events->kept[events->end % SV_MAX_EVENTS] = event;
    events->bytes += event.size;
    events->end++;
    pthread_mutex_unlock(&events->lock);
}

static void put_lost(uint64_t last, uint64_t count, struct ct_bytes *bytes)
{
    ct_bytes_add_format(
        bytes,
        "id: %llu\ndata: {\"seq\":0,\"type\":\"event\",\"event\":\"ct/events-lost\","
        "\"body\":{\"count\":%llu}}\n\n",
        (unsigned long long)last, (unsigned long long)count);
}

/* A JSON text has no line ends but between its tokens, where a blank does as well. */
static void put_event(uint64_t number, const struct sv_event *event, struct ct_bytes *bytes)
{
    ct_bytes_add_format(bytes, "id: %llu\ndata: ", (unsigned long long)number);
    size_t start = bytes->size;
    ct_bytes_add(bytes, event->json, event->size);
    for (size_t i = start; i < bytes->size; i++) {
        if (bytes->data[i] == '\n' || bytes->data[i] == '\r') {
            bytes->data[i] = ' ';
        }
    }
    ct_bytes_add_text(bytes, "\n\n");
}

uint64_t sv_events_read(struct sv_events *events, uint64_t next, size_t most,
                        struct ct_bytes *bytes)
{
    pthread_mutex_lock(&events->lock);
    if (next < events->first) {
        put_lost(events->first - 1, events->first - next, bytes);
        next = events->first;
    }
    next = next < events->end ? next : events->end; /* a number that was not ours */
    size_t start = bytes->size;
    for (; next < events->end && bytes->size - start < most; next++) {
        const struct sv_event *event = &events->kept[next % SV_MAX_EVENTS];
        if (event->json == NULL) {
            put_lost(next, 1, bytes);
        } else {
            put_event(next, event, bytes);
        }
    }
    pthread_mutex_unlock(&events->lock);
    return next;
}
