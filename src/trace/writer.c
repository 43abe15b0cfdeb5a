#include "trace/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/varint.h"
#include "trace/block.h"
#include "trace/summary.h"
#include "trace/tail.h"

enum {
    SLOTS = 6,               /* four blocks in flight, two for definitions */
    TICK_NS = 1000000,       /* how often the clock is read while the program runs */
    IDLE_TICK_NS = 10000000, /* and while nothing happens */
    SPACE_CHECK_BLOCKS = 16, /* how often the free space is asked for */
    GONE_TRIES = 1000000,    /* looks whether the thread has gone */
    NO_SLOT = -1,
};

/* Room kept below --max-size for index, end and trailer: so much, or that part of it. */
#define END_RESERVE_BYTES (64ull * 1024)
#define END_RESERVE_PART  4

/* The block in which --max-size is reached is lost. So there are that many at least, unless they
 * had to be smaller than is good for compression and index. */
#define LEAST_BLOCKS      16
#define LEAST_BLOCK_BYTES (4ull * 1024)

struct ctr_writer_back {
    struct ctr_writer front;
    struct ctr_tail tail;
    char *path;
    char *tail_path;
    int fd;
    dev_t device; /* of `fd`: a program may close descriptors it does not own, and reuse them */
    ino_t inode;
    struct timespec started; /* CLOCK_MONOTONIC */
    uint64_t max_size;
    uint64_t min_free_space;
    size_t block_bytes; /* a block is handed over at the first event past this */
    int events_slot;    /* being filled */
    int defs_slot;      /* being filled, or NO_SLOT */
    uint32_t next_defs; /* number of the next DEFS block */
    bool has_no_clock;
    bool is_drained; /* nothing comes any more */
    bool dead;       /* this is a forked child: everything belongs to the parent */

    /* Before the EVENTS block in that slot. */
    uint64_t counted[SLOTS][CTR_COUNTER_COUNT];

    pthread_mutex_t lock; /* guards from here to the next blank line */
    pthread_cond_t work;  /* something was queued, or `stopping` */
    pthread_cond_t room;  /* a slot became free */
    int queue[SLOTS];
    unsigned queued;
    bool stopping;

    pthread_t thread;
    pid_t thread_id;
    bool running; /* `thread` is there to be joined */

    /* The background thread's own; the closing thread's after the join. */
    uint64_t size; /* bytes appended */
    ZSTD_CCtx *zstd;
    uint8_t *packed;
    size_t packed_capacity;
    struct ctr_summary *summary; /* of the blocks that have no INDEX block yet */
    uint32_t segments;
    struct ct_bytes directory;     /* of INDEX blocks, as END stores it */
    struct ct_bytes def_directory; /* of DEFS blocks, the same */
    uint32_t def_blocks;
    uint32_t blocks;    /* EVENTS blocks appended */
    bool cut;           /* an EVENTS block was not stored: the trace ends before it */
    uint64_t cut_steps; /* steps, calls and counters before that block */
    uint64_t cut_calls;
    uint64_t cut_counters[CTR_COUNTER_COUNT];
    struct ct_error error;
};

/* ---- the background: appending
 * ------------------------------------------------------------------- */

static bool same_file(const struct ctr_writer_back *back)
{
    struct stat now;
    return fstat(back->fd, &now) == 0 && now.st_dev == back->device && now.st_ino == back->inode;
}

/* A high number: programs that close "everything they inherited" start from the bottom, and the
 * lowest free descriptor must stay what it would have been. */
static int open_high(const char *path, int flags)
{
    enum { LOWEST_DESCRIPTOR = 200 };
    int low = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
    if (low < 0) {
        return -1;
    }
    flock(low, LOCK_EX | LOCK_NB); /* says "being written" to who wants to record here */
    int high = fcntl(low, F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR);
    if (high < 0) {
        return low;
    }
    close(low);
    return high;
}

/* Whether `fd` is the trace; when the program closed it, it is opened again. The old number is the
 * program's by then, and is not closed. */
static bool has_file(struct ctr_writer_back *back)
{
    enum { TRIES = 4 }; /* the program may take the new one as well, while it is opened */
    for (int i = 0; i < TRIES && !same_file(back); i++) {
        if (i > 0 && back->fd >= 0) {
            close(back->fd);
        }
        back->fd = open_high(back->path, 0);
    }
    if (!same_file(back)) {
        if (back->fd >= 0) {
            close(back->fd);
        }
        back->fd = -1;
    }
    return back->fd >= 0;
}

/* Ours only: by now the number may be a descriptor of the program, in a forked child too. */
static void close_file(struct ctr_writer_back *back)
{
    if (back->fd >= 0 && same_file(back)) {
        close(back->fd);
    }
    back->fd = -1;
}

static int write_behind(struct ctr_writer_back *back, const void *data, size_t size)
{
    const uint8_t *from = data;
    uint64_t at = back->size;
    while (size > 0) {
        ssize_t done = pwrite(back->fd, from, size, (off_t)at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return ct_fail_errno(&back->error, "cannot write %s", back->path);
        }
        from += done;
        at += (uint64_t)done;
        size -= (size_t)done;
    }
    return CT_OK;
}

/* The program may put a file of its own under our number while we write: then once more. */
static int append(struct ctr_writer_back *back, const void *data, size_t size)
{
    enum { TRIES = 4 };
    int status = write_behind(back, data, size);
    for (int i = 1; i < TRIES && !same_file(back) && has_file(back); i++) {
        status = write_behind(back, data, size);
    }
    if (status == CT_OK && !same_file(back)) {
        status =
            ct_fail(&back->error, CT_EIO, "the program closed the descriptor of %s", back->path);
    }
    back->size += status == CT_OK ? size : 0;
    return status;
}

/* The first reason stays. */
static void end_recording(struct ctr_writer_back *back, enum ctr_end_reason reason)
{
    int none = 0;
    atomic_compare_exchange_strong(&back->front.ending, &none, (int)reason + 1);
}

static uint64_t end_reserve(const struct ctr_writer_back *back)
{
    uint64_t part = back->max_size / END_RESERVE_PART;
    return part < END_RESERVE_BYTES ? part : END_RESERVE_BYTES;
}

/* What is recorded must leave room for what closes the trace. */
static bool is_too_large(const struct ctr_writer_back *back, const struct ctr_block_info *info)
{
    return back->max_size != 0 && (info->kind == CTR_EVENTS || info->kind == CTR_DEFS) &&
           back->size + CTR_BLOCK_HEADER_BYTES + info->stored_size + end_reserve(back) >
               back->max_size;
}

/* On failure the file is as long as before: a half block is never left. */
static int append_block(struct ctr_writer_back *back, uint8_t kind, uint32_t number,
                        const uint8_t *raw, size_t raw_size, struct ctr_block_info *info)
{
    uint8_t header[CTR_BLOCK_HEADER_BYTES];
    uint64_t before = back->size;
    size_t bound = ctr_pack_bound(raw_size);
    if (bound > back->packed_capacity) {
        uint8_t *packed = realloc(back->packed, bound);
        if (packed == NULL) {
            return ct_fail(&back->error, CT_ENOMEM, "no memory to compress a block");
        }
        back->packed = packed;
        back->packed_capacity = bound;
    }
    info->kind = kind;
    info->number = number;
    const uint8_t *stored =
        ctr_pack(back->zstd, raw, raw_size, back->packed, back->packed_capacity, info);
    if (is_too_large(back, info)) {
        /* The reason first: who sees that the recording has ended reads it. */
        int status =
            ct_fail(&back->error, CT_ELIMIT, "the trace reached its largest size of %llu bytes",
                    (unsigned long long)back->max_size);
        end_recording(back, CTR_ENDED_BY_SIZE);
        return status;
    }
    ctr_put_block_header(header, info);
    int status = append(back, header, sizeof header);
    if (status == CT_OK) {
        status = append(back, stored, info->stored_size);
    }
    if (status != CT_OK) {
        back->size = before;
        if (ftruncate(back->fd, (off_t)before) != 0) {
            return status; /* the reader stops at the half block by its checksum */
        }
    }
    return status;
}

static int write_segment(struct ctr_writer_back *back)
{
    unsigned count = ctr_summary_count(back->summary);
    if (count == 0) {
        return CT_OK;
    }
    struct ct_bytes raw = {0};
    ctr_summary_encode(back->summary, &raw);
    uint64_t offset = back->size;
    struct ctr_block_info info;
    int status = raw.failed
                     ? ct_fail(&back->error, CT_ENOMEM, "no memory for the index")
                     : append_block(back, CTR_INDEX, back->segments, raw.data, raw.size, &info);
    ct_bytes_free(&raw);
    if (status == CT_OK) {
        ctr_directory_add(&back->directory, offset, back->blocks - count,
                          ctr_summary_first(back->summary));
        back->segments++;
        ctr_summary_clear(back->summary);
    }
    return status;
}

static void note_block(struct ctr_writer_back *back, uint64_t offset, const uint8_t *raw,
                       size_t size, const struct ctr_block_info *info)
{
    struct ctr_index_entry placed = {
        .offset = offset, .raw_size = info->raw_size, .stored_size = info->stored_size};
    ctr_summary_add(back->summary, &placed, raw, size, NULL);
    back->blocks++;
}

static bool ended(const struct ctr_writer_back *back)
{
    return atomic_load_explicit(&back->front.ending, memory_order_acquire) != 0;
}

static void check_space(struct ctr_writer_back *back)
{
    struct ct_error error;
    if (back->blocks % SPACE_CHECK_BLOCKS == 0 && same_file(back) &&
        ct_check_space(back->fd, back->min_free_space, back->path, &error) != CT_OK) {
        back->error = error;
        end_recording(back, CTR_ENDED_BY_SPACE);
    }
}

static void check_file(struct ctr_writer_back *back)
{
    if (!has_file(back)) {
        ct_fail(&back->error, CT_EIO, "the program closed the descriptor of %s", back->path);
        end_recording(back, CTR_ENDED_BY_ERROR);
    }
}

static void store_raw(struct ctr_writer_back *back, const struct ctr_slot_header *header,
                      const uint8_t *raw)
{
    uint64_t offset = back->size;
    struct ctr_block_info info;
    int status =
        append_block(back, (uint8_t)header->kind, header->number, raw, header->committed, &info);
    if (status == CT_OK && header->kind == CTR_DEFS) {
        ct_bytes_add_varint(&back->def_directory, offset);
        back->def_blocks++;
    }
    if (status == CT_OK && header->kind == CTR_EVENTS) {
        note_block(back, offset, raw, header->committed, &info);
        if (ctr_summary_count(back->summary) == CTR_SEGMENT_BLOCKS) {
            status = write_segment(back);
        }
    }
    if (status != CT_OK) {
        end_recording(back, CTR_ENDED_BY_ERROR);
    }
}

/* False: what the slot holds is in the tail alone, which must keep it. */
static bool store_slot(struct ctr_writer_back *back, int slot)
{
    const struct ctr_slot_header *header = ctr_tail_slot_header(&back->tail, (unsigned)slot);
    const uint8_t *raw = ctr_tail_slot(&back->tail, (unsigned)slot);
    if (header->committed <= (header->kind == CTR_EVENTS ? CTR_PRELUDE_BYTES : 0)) {
        return true;
    }
    if (!ended(back)) {
        check_space(back);
    }
    if (!ended(back)) {
        check_file(back);
    }
    uint32_t blocks = back->blocks;
    if (!ended(back)) {
        store_raw(back, header, raw);
    }
    if (header->kind == CTR_EVENTS && back->blocks == blocks && !back->cut) {
        back->cut = true;
        back->cut_steps = ct_load64(raw);
        back->cut_calls = ct_load64(raw + 8);
        memcpy(back->cut_counters, back->counted[slot], sizeof back->cut_counters);
    }
    return !ended(back);
}

/* ---- the background: its thread
 * ------------------------------------------------------------------ */

static unsigned tick_now(const struct ctr_writer_back *back)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns =
        (now.tv_sec - back->started.tv_sec) * 1000000000ll + (now.tv_nsec - back->started.tv_nsec);
    return back->has_no_clock ? 0 : (unsigned)(ns / 1000000);
}

static void wait_for_work(struct ctr_writer_back *back, long ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ns;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&back->work, &back->lock, &until);
}

static int take_queued(struct ctr_writer_back *back)
{
    int slot = back->queue[0];
    back->queued--;
    memmove(back->queue, back->queue + 1, back->queued * sizeof back->queue[0]);
    return slot;
}

/* Descriptors of the thread's own, of which `fd` is the only one: what the program closes or
 * replaces meanwhile is the program's, and nothing of the program's is held open here. False where
 * the system knows no such thing: the thread looks before and after each write in any case. */
static bool part_descriptors(int fd)
{
#ifdef CLOSE_RANGE_UNSHARE
    if (close_range((unsigned)(fd + 1), ~0u, CLOSE_RANGE_UNSHARE) == 0) {
        return fd <= 0 || close_range(0, (unsigned)fd - 1, 0) == 0;
    }
#else
    (void)fd;
#endif
    return false;
}

/* Where the hot thread writes. It races with that on purpose: it is a hint. */
__attribute__((no_sanitize("thread"))) static const uint8_t *
glance_at_front(const struct ctr_writer_back *back)
{
    return *(uint8_t *const volatile *)&back->front.at;
}

static void *background(void *argument)
{
    struct ctr_writer_back *back = argument;
    const uint8_t *last = NULL;
    int shared = back->fd;
    bool parted = part_descriptors(shared);
    pthread_mutex_lock(&back->lock);
    back->thread_id = (pid_t)syscall(SYS_gettid);
    for (;;) {
        atomic_store_explicit(&back->front.tick, tick_now(back), memory_order_relaxed);
        if (back->queued > 0) {
            int slot = take_queued(back);
            pthread_mutex_unlock(&back->lock);
            bool stored = store_slot(back, slot);
            pthread_mutex_lock(&back->lock);
            if (stored) {
                ctr_tail_slot_header(&back->tail, (unsigned)slot)->state = CTR_SLOT_FREE;
            }
            pthread_cond_signal(&back->room);
        } else if (back->stopping) {
            break;
        } else {
            const uint8_t *at = glance_at_front(back);
            wait_for_work(back, at == last ? IDLE_TICK_NS : TICK_NS);
            last = at;
        }
    }
    if (parted && back->fd != shared) { /* opened again: nobody else has it */
        close_file(back);
    }
    pthread_mutex_unlock(&back->lock);
    return NULL;
}

static int start_thread(struct ctr_writer_back *back, struct ct_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    back->stopping = false;
    int failure = pthread_create(&back->thread, NULL, background, back);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        errno = failure;
        return ct_fail_errno(error, "cannot start the thread that writes the trace");
    }
    pthread_setname_np(back->thread, "ct-writer");
    back->running = true;
    back->front.awake = true;
    return CT_OK;
}

static void join_thread(struct ctr_writer_back *back)
{
    if (!back->running) {
        return;
    }
    pthread_mutex_lock(&back->lock);
    back->stopping = true;
    pthread_cond_signal(&back->work);
    pthread_mutex_unlock(&back->lock);
    pthread_join(back->thread, NULL);
    /* The system counts the thread a moment longer, and CPython warns of threads at a fork. */
    for (int i = 0; i < GONE_TRIES && syscall(SYS_tgkill, getpid(), back->thread_id, 0) == 0; i++) {
        sched_yield();
    }
    back->running = false;
    back->front.awake = false;
}

/* ---- the hot thread's side
 * ----------------------------------------------------------------------- */

static void hand_over(struct ctr_writer_back *back, int slot)
{
    pthread_mutex_lock(&back->lock);
    ctr_tail_slot_header(&back->tail, (unsigned)slot)->state = CTR_SLOT_HANDED_OVER;
    back->queue[back->queued++] = slot;
    pthread_cond_signal(&back->work);
    pthread_mutex_unlock(&back->lock);
}

static int find_free(const struct ctr_writer_back *back)
{
    for (unsigned i = 0; i < back->tail.slots; i++) {
        if (ctr_tail_slot_header(&back->tail, i)->state == CTR_SLOT_FREE) {
            return (int)i;
        }
    }
    return NO_SLOT;
}

/* NO_SLOT: the recording has ended. */
static int take_slot(struct ctr_writer_back *back, enum ctr_block_kind kind, uint32_t number)
{
    ctr_writer_wake(&back->front);
    pthread_mutex_lock(&back->lock);
    int slot = find_free(back);
    if (slot == NO_SLOT) {
        ctr_count(&back->front, CTR_C_waits);
    }
    while (slot == NO_SLOT && !ended(back)) {
        pthread_cond_wait(&back->room, &back->lock);
        slot = find_free(back);
    }
    if (slot == NO_SLOT) {
        pthread_mutex_unlock(&back->lock);
        return NO_SLOT;
    }
    struct ctr_slot_header *header = ctr_tail_slot_header(&back->tail, (unsigned)slot);
    header->committed = 0;
    header->kind = kind;
    header->number = number;
    header->state = CTR_SLOT_FILLING;
    pthread_mutex_unlock(&back->lock);
    return slot;
}

static void start_events(struct ctr_writer_back *back, int slot, uint32_t number)
{
    struct ctr_writer *front = &back->front;
    back->events_slot = slot;
    front->start = ctr_tail_slot(&back->tail, (unsigned)slot);
    front->at = front->start + CTR_PRELUDE_BYTES;
    front->soft = front->start + back->block_bytes;
    front->limit = front->start + back->tail.capacity;
    front->committed = &ctr_tail_slot_header(&back->tail, (unsigned)slot)->committed;
    front->block = number;
    front->next_node = 0;
    front->next_object = 0;
    front->next_frame = 0;
    front->ticked = atomic_load_explicit(&front->tick, memory_order_relaxed);
    memset(front->start, 0, CTR_PRELUDE_BYTES);
    ct_store64(front->start, front->steps);
    ct_store64(front->start + 8, front->calls);
    ct_store64(front->start + 16, front->ticked);
    ct_store32(front->start + 24, front->thread);
    memcpy(back->counted[slot], front->counters, sizeof back->counted[slot]);
    ctr_commit(front);
}

static void hand_over_definitions(struct ctr_writer_back *back)
{
    if (back->defs_slot != NO_SLOT) {
        hand_over(back, back->defs_slot);
        back->defs_slot = NO_SLOT;
    }
}

bool ctr_writer_next_block(struct ctr_writer *writer)
{
    struct ctr_writer_back *back = writer->back;
    if (back->dead || writer->soft == NULL) {
        return false;
    }
    if (ended(back)) {
        writer->soft = NULL;
        return false;
    }
    /* An event that came to nothing left its switch of threads, its ticks and ends of threads. */
    ctr_commit(writer);
    /* Taken before the full one is given away: the writer always has a slot to point into. */
    int slot = take_slot(back, CTR_EVENTS, writer->block + 1);
    if (slot == NO_SLOT) {
        writer->soft = NULL;
        return false;
    }
    /* Definitions first, so that no block stands in the file before what it names. */
    hand_over_definitions(back);
    hand_over(back, back->events_slot);
    start_events(back, slot, writer->block + 1);
    return true;
}

bool ctr_writer_define(struct ctr_writer *writer, enum ctr_definition kind, const void *payload,
                       size_t size)
{
    enum { HEAD_BYTES = 16 };
    struct ctr_writer_back *back = writer->back;
    if (back->dead || writer->soft == NULL || size + HEAD_BYTES > back->tail.capacity) {
        return false;
    }
    struct ctr_slot_header *header;
    if (back->defs_slot != NO_SLOT) {
        header = ctr_tail_slot_header(&back->tail, (unsigned)back->defs_slot);
        if (header->committed + size + HEAD_BYTES > back->block_bytes && header->committed > 0) {
            hand_over_definitions(back);
        }
    }
    if (back->defs_slot == NO_SLOT) {
        back->defs_slot = take_slot(back, CTR_DEFS, back->next_defs);
        if (back->defs_slot == NO_SLOT) {
            return false;
        }
        back->next_defs++;
    }
    header = ctr_tail_slot_header(&back->tail, (unsigned)back->defs_slot);
    uint8_t *from = ctr_tail_slot(&back->tail, (unsigned)back->defs_slot);
    uint8_t *at = from + header->committed;
    *at++ = (uint8_t)kind;
    at = ct_varint_put(at, size);
    memcpy(at, payload, size);
    at += size;
    atomic_signal_fence(memory_order_release);
    header->committed = (uint64_t)(at - from);
    return true;
}

void ctr_writer_wake(struct ctr_writer *writer)
{
    struct ctr_writer_back *back = writer->back;
    if (!back->running && !back->dead && start_thread(back, &back->error) != CT_OK) {
        end_recording(back, CTR_ENDED_BY_ERROR);
    }
}

/* ---- opening and closing
 * --------------------------------------------------------------------------- */

static void free_back(struct ctr_writer_back *back)
{
    ctr_tail_close(&back->tail);
    close_file(back);
    ZSTD_freeCCtx(back->zstd);
    ctr_summary_free(back->summary);
    ct_bytes_free(&back->directory);
    ct_bytes_free(&back->def_directory);
    free(back->packed);
    free(back->path);
    free(back->tail_path);
    pthread_mutex_destroy(&back->lock);
    pthread_cond_destroy(&back->work);
    pthread_cond_destroy(&back->room);
    free(back);
}

static size_t block_bytes(uint64_t max_size)
{
    uint64_t size = max_size / LEAST_BLOCKS;
    if (max_size == 0 || size > CTR_BLOCK_SOFT_BYTES) {
        return CTR_BLOCK_SOFT_BYTES;
    }
    return size > LEAST_BLOCK_BYTES ? size : LEAST_BLOCK_BYTES;
}

static struct ctr_writer_back *new_back(const struct ctr_writer_options *options)
{
    struct ctr_writer_back *back = calloc(1, sizeof *back);
    if (back == NULL) {
        return NULL;
    }
    back->fd = -1;
    back->front.back = back;
    back->defs_slot = NO_SLOT;
    back->max_size = options->max_size;
    back->min_free_space = options->min_free_space;
    back->block_bytes = block_bytes(options->max_size);
    back->has_no_clock = options->has_no_clock;
    back->path = strdup(options->path);
    back->tail_path = malloc(strlen(options->path) + sizeof ".tail");
    back->zstd = ZSTD_createCCtx();
    back->summary = ctr_summary_new();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&back->lock, NULL);
    pthread_cond_init(&back->work, &monotonic);
    pthread_cond_init(&back->room, NULL);
    pthread_condattr_destroy(&monotonic);
    clock_gettime(CLOCK_MONOTONIC, &back->started);
    if (back->path == NULL || back->tail_path == NULL || back->zstd == NULL ||
        back->summary == NULL) {
        free_back(back);
        return NULL;
    }
    strcat(strcpy(back->tail_path, back->path), ".tail");
    return back;
}

static int create_trace(struct ctr_writer_back *back, const struct ctr_writer_options *options,
                        struct ct_error *error)
{
    back->fd = open_high(back->path, O_CREAT | O_EXCL);
    if (back->fd < 0) {
        return ct_fail_errno(error, "cannot create %s", back->path);
    }
    struct stat about;
    if (fstat(back->fd, &about) != 0) {
        return ct_fail_errno(error, "cannot look at %s", back->path);
    }
    back->device = about.st_dev;
    back->inode = about.st_ino;
    struct ctr_header header = {
        .version = CTR_VERSION, .pid = (uint32_t)getpid(), .start_ns = options->start_ns};
    memcpy(header.id, options->id, 16);
    uint8_t bytes[CTR_HEADER_BYTES];
    ctr_put_header(bytes, &header);
    if (append(back, bytes, sizeof bytes) != CT_OK) {
        *error = back->error;
        return CT_EIO;
    }
    return CT_OK;
}

int ctr_writer_open(struct ctr_writer **writer, const struct ctr_writer_options *options,
                    struct ct_error *error)
{
    struct ct_error ignored;
    error = error != NULL ? error : &ignored;
    *writer = NULL;
    struct ctr_writer_back *back = new_back(options);
    if (back == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for the trace writer");
    }
    int status = create_trace(back, options, error);
    bool created = back->fd >= 0;
    if (status == CT_OK) {
        status = ctr_tail_create(&back->tail, back->tail_path, options->id, SLOTS,
                                 CTR_BLOCK_MAX_BYTES, error);
    }
    if (status == CT_OK) {
        back->front.counters = ctr_tail_counters(&back->tail);
        status = start_thread(back, error);
    }
    if (status != CT_OK) {
        if (created) {
            unlink(back->path);
        }
        if (back->tail.map != NULL) {
            unlink(back->tail_path);
        }
        free_back(back);
        return status;
    }
    start_events(back, take_slot(back, CTR_EVENTS, 0), 0);
    *writer = &back->front;
    return CT_OK;
}

static int write_end(struct ctr_writer_back *back, enum ctr_end_reason reason, int32_t exit_status)
{
    struct ct_bytes raw = {0};
    ct_bytes_add_varint(&raw, reason);
    ct_bytes_add_zigzag(&raw, exit_status);
    ct_bytes_add_varint(&raw, back->cut ? back->cut_steps : back->front.steps);
    ct_bytes_add_varint(&raw, back->cut ? back->cut_calls : back->front.calls);
    ct_bytes_add_varint(&raw, back->blocks);
    ct_bytes_add_varint(&raw, tick_now(back));
    ct_bytes_add_varint(&raw, CTR_COUNTER_COUNT);
    const uint64_t *counters = ctr_writer_counters(&back->front);
    for (int i = 0; i < CTR_COUNTER_COUNT; i++) {
        ct_bytes_add_varint(&raw, counters[i]);
    }
    ct_bytes_add_varint(&raw, back->segments);
    ct_bytes_add(&raw, back->directory.data, back->directory.size);
    ct_bytes_add_varint(&raw, back->def_blocks);
    ct_bytes_add(&raw, back->def_directory.data, back->def_directory.size);
    const char *why = back->error.message;
    if (reason == CTR_ENDED_BY_ERROR && why[0] != '\0') {
        ct_bytes_add_block(&raw, why, strlen(why));
    }
    uint64_t offset = back->size;
    struct ctr_block_info info;
    int status = raw.failed || back->directory.failed || back->def_directory.failed
                     ? ct_fail(&back->error, CT_ENOMEM, "no memory for the end of the trace")
                     : append_block(back, CTR_END, 0, raw.data, raw.size, &info);
    ct_bytes_free(&raw);
    if (status == CT_OK) {
        uint8_t trailer[CTR_TRAILER_BYTES];
        ctr_put_trailer(trailer, offset);
        status = append(back, trailer, sizeof trailer);
    }
    return status;
}

void ctr_writer_drain(struct ctr_writer *writer)
{
    struct ctr_writer_back *back = writer->back;
    if (!back->is_drained && !back->dead) {
        back->is_drained = true;
        hand_over_definitions(back);
        hand_over(back, back->events_slot);
        ctr_writer_wake(writer);
        join_thread(back);
    }
}

int ctr_writer_close(struct ctr_writer *writer, enum ctr_end_reason reason, int32_t exit_status,
                     struct ct_error *error)
{
    struct ctr_writer_back *back = writer->back;
    if (back->dead) {
        return ct_fail(error, CT_ESTATE, "the recording belongs to the parent process");
    }
    ctr_writer_drain(writer);
    int ending = atomic_load(&writer->ending);
    if (ending != 0) {
        reason = (enum ctr_end_reason)(ending - 1);
    }
    int status = CT_OK;
    if (!has_file(back)) {
        status =
            ct_fail(&back->error, CT_EIO, "the program closed the descriptor of %s", back->path);
    }
    if (status == CT_OK) {
        status = write_segment(back);
    }
    if (status == CT_OK) {
        status = write_end(back, reason, exit_status);
    }
    if (status == CT_OK) {
        unlink(back->tail_path);
    } else if (error != NULL) {
        *error = back->error;
    }
    free_back(back);
    return status;
}

/* ---- fork
 * ------------------------------------------------------------------------------------------ */

void ctr_writer_before_fork(struct ctr_writer *writer)
{
    join_thread(writer->back);
}

void ctr_writer_after_fork_in_parent(struct ctr_writer *writer)
{
    (void)writer; /* the thread comes back with the next block or ctr_writer_wake */
}

void ctr_writer_after_fork_in_child(struct ctr_writer *writer)
{
    writer->back->dead = true;
    writer->soft = NULL;
    close_file(writer->back);
}

const char *ctr_writer_error(const struct ctr_writer *writer)
{
    return writer->back->error.message;
}

const uint64_t *ctr_writer_counters(const struct ctr_writer *writer)
{
    const struct ctr_writer_back *back = writer->back;
    return back->is_drained && back->cut ? back->cut_counters : writer->counters;
}

uint64_t ctr_writer_size(const struct ctr_writer *writer)
{
    return writer->back->size;
}
