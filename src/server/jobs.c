#include "server/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAX_THREADS = 16 };

struct sv_jobs {
    int fd; /* eventfd */
    pthread_t threads[MAX_THREADS];
    unsigned thread_count;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* What follows is guarded by `lock`. */
    struct sv_strand *first_ready, *last_ready;
    struct sv_job *first_done, *last_done;
    bool is_ending;
};

static void make_ready(struct sv_jobs *jobs, struct sv_strand *strand)
{
    strand->next = NULL;
    if (jobs->first_ready == NULL) {
        jobs->first_ready = strand;
    } else {
        jobs->last_ready->next = strand;
    }
    jobs->last_ready = strand;
    pthread_cond_signal(&jobs->changed);
}

static struct sv_job *take_job(struct sv_jobs *jobs, struct sv_strand **strand)
{
    while (jobs->first_ready == NULL) {
        if (jobs->is_ending) {
            return NULL;
        }
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    }
    *strand = jobs->first_ready;
    jobs->first_ready = (*strand)->next;
    struct sv_job *job = (*strand)->first;
    (*strand)->first = job->next;
    (*strand)->is_running = true;
    return job;
}

/* From here on the strand is not touched by this thread: its last job may free it. */
static void put_done(struct sv_jobs *jobs, struct sv_strand *strand, struct sv_job *job)
{
    strand->is_running = false;
    if (strand->first != NULL) {
        make_ready(jobs, strand);
    }
    job->next = NULL;
    if (jobs->first_done == NULL) {
        jobs->first_done = job;
    } else {
        jobs->last_done->next = job;
    }
    jobs->last_done = job;
}

static void *thread_main(void *context)
{
    struct sv_jobs *jobs = context;
    struct sv_strand *strand;
    struct sv_job *job;
    pthread_mutex_lock(&jobs->lock);
    while ((job = take_job(jobs, &strand)) != NULL) {
        pthread_mutex_unlock(&jobs->lock);
        job->run(job);
        pthread_mutex_lock(&jobs->lock);
        put_done(jobs, strand, job);
        sv_jobs_wake(jobs);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

void sv_jobs_add(struct sv_jobs *jobs, struct sv_strand *strand, struct sv_job *job)
{
    pthread_mutex_lock(&jobs->lock);
    bool was_idle = strand->first == NULL && !strand->is_running;
    job->next = NULL;
    if (strand->first == NULL) {
        strand->first = job;
    } else {
        strand->last->next = job;
    }
    strand->last = job;
    if (was_idle) {
        make_ready(jobs, strand);
    }
    pthread_mutex_unlock(&jobs->lock);
}

int sv_jobs_fd(const struct sv_jobs *jobs)
{
    return jobs->fd;
}

void sv_jobs_settle(struct sv_jobs *jobs)
{
    eventfd_t count;
    eventfd_read(jobs->fd, &count);
    pthread_mutex_lock(&jobs->lock);
    struct sv_job *job = jobs->first_done;
    jobs->first_done = NULL;
    pthread_mutex_unlock(&jobs->lock);
    while (job != NULL) {
        struct sv_job *next = job->next;
        job->done(job);
        job = next;
    }
}

void sv_jobs_wake(struct sv_jobs *jobs)
{
    eventfd_write(jobs->fd, 1);
}

/* Signals are the loop's: its thread reacts to them. */
static int start_threads(struct sv_jobs *jobs, unsigned count)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    while (failure == 0 && jobs->thread_count < count) {
        failure = pthread_create(&jobs->threads[jobs->thread_count], NULL, thread_main, jobs);
        jobs->thread_count += failure == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

int sv_jobs_new(struct sv_jobs **result, unsigned threads, struct ct_error *error)
{
    struct sv_jobs *jobs = calloc(1, sizeof *jobs);
    if (jobs == NULL) {
        return ct_fail(error, CT_ENOMEM, "out of memory");
    }
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    jobs->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (jobs->fd < 0) {
        int status = ct_fail_errno(error, "cannot make an eventfd");
        sv_jobs_free(jobs);
        return status;
    }
    int failure = start_threads(jobs, threads < MAX_THREADS ? threads : MAX_THREADS);
    if (failure != 0) {
        sv_jobs_free(jobs);
        return ct_fail(error, CT_EIO, "cannot start a thread: %s", strerror(failure));
    }
    *result = jobs;
    return CT_OK;
}

void sv_jobs_free(struct sv_jobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    pthread_mutex_lock(&jobs->lock);
    jobs->is_ending = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (unsigned i = 0; i < jobs->thread_count; i++) {
        pthread_join(jobs->threads[i], NULL);
    }
    if (jobs->fd >= 0) {
        close(jobs->fd);
    }
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
