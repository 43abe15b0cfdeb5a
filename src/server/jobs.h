/* A few threads that do what may take long, for one event loop that must never wait.
 *
 * A job belongs to a strand: those of one strand run one after another, in the order they were
 * added; those of different strands side by side. What a job leaves to do afterwards is done on the
 * loop's thread: the descriptor becomes readable, and sv_jobs_settle() does it. */
#ifndef CT_SERVER_JOBS_H
#define CT_SERVER_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct sv_jobs;

struct sv_job {
    struct sv_job *next;
    void (*run)(struct sv_job *job);  /* on a thread of the pool */
    void (*done)(struct sv_job *job); /* afterwards, on the loop's; the job is its owner's again */
};

/* Starts as zeros. Must stay while it has jobs that are not done. */
struct sv_strand {
    struct sv_job *first, *last; /* that wait */
    struct sv_strand *next;      /* among those that are ready */
    bool is_running;
};

int sv_jobs_new(struct sv_jobs **jobs, unsigned threads, struct ct_error *error);
/* Waits for the jobs that run. None may be waiting. */
void sv_jobs_free(struct sv_jobs *jobs);

void sv_jobs_add(struct sv_jobs *jobs, struct sv_strand *strand, struct sv_job *job);

/* Readable when there is something to settle, or after sv_jobs_wake(). */
int sv_jobs_fd(const struct sv_jobs *jobs);
void sv_jobs_settle(struct sv_jobs *jobs);

/* From any thread. */
void sv_jobs_wake(struct sv_jobs *jobs);

#endif
