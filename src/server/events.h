/* What a session has to tell its client, numbered from 1, until the client has it: the latest
 * ones, within limits. Written by the session's thread, read by the loop's. */
#ifndef CT_SERVER_EVENTS_H
#define CT_SERVER_EVENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    SV_MAX_EVENTS = 1024,         /* kept of one session */
    SV_MAX_EVENT_BYTES = 4 << 20, /* all together */
};

struct sv_event {
    char *json;
    size_t size;
};

struct sv_events {
    pthread_mutex_t lock;
    struct sv_event kept[SV_MAX_EVENTS]; /* event n is at n % SV_MAX_EVENTS */
    uint64_t first;                      /* the oldest that is kept */
    uint64_t end;                        /* the number of the next one */
    size_t bytes;
};

void sv_events_init(struct sv_events *events);
void sv_events_clear(struct sv_events *events);

/* Add a JSON text; what is too old goes. */
void sv_events_add(struct sv_events *events, const char *json, size_t size);

/* Append events from number `next` on to `bytes`, as server-sent events, about `most` bytes of
 * them; returns the number of the one after. Those that are gone are counted in an event of their
 * own, `ct/events-lost`. */
uint64_t sv_events_read(struct sv_events *events, uint64_t next, size_t most,
                        struct ct_bytes *bytes);

#endif
