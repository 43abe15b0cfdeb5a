/* The recordings that are open: each is opened once, and read by all its sessions. */
#ifndef CT_SERVER_RECORDINGS_H
#define CT_SERVER_RECORDINGS_H

#include <pthread.h>
#include <time.h>

#include "base/json_out.h"
#include "base/status.h"
#include "trace/reader.h"

enum {
    SV_MAX_RECORDINGS = 8,     /* open at the same time */
    SV_MAX_LISTED = 1000,      /* the newest of the list */
    SV_CACHE_BYTES = 32 << 20, /* of decoded blocks, over all of them */
};

struct sv_recording {
    struct sv_recording *next;
    char *directory;
    struct ctr_trace *trace;
    unsigned users;
    time_t opened;
};

struct sv_recordings {
    struct sv_recording *served; /* held for the server's whole life; NULL: none */
    pthread_mutex_t lock;
    struct sv_recording *first; /* guarded by `lock`, with all their users */
    unsigned count;
};

/* Opens the one to serve, if any. */
int sv_recordings_init(struct sv_recordings *recordings, const char *directory,
                       struct ct_error *error);
void sv_recordings_clear(struct sv_recordings *recordings);

/* The recording with this id, "" for the one that is served. From any thread; release it.
 * CT_EUSAGE: there is none. */
int sv_recordings_acquire(struct sv_recordings *recordings, const char *id,
                          struct sv_recording **recording, struct ct_error *error);
void sv_recordings_release(struct sv_recordings *recordings, struct sv_recording *recording);

/* Write the answer to `GET /api/recordings`: those of the user's list, and the one that is served.
 * From any thread. */
int sv_recordings_list(struct sv_recordings *recordings, struct ct_json_out *json,
                       struct ct_error *error);

#endif
