/* Writes a trace: the hot thread fills blocks in shared memory, one background thread compresses
 * and appends them. See format.h for every byte.
 *
 * Threads: everything here is called by the thread that produces events (the one that holds the
 * interpreter's lock) unless it says otherwise. The background thread needs no lock of Python's and
 * blocks all signals. */
#ifndef CT_TRACE_WRITER_H
#define CT_TRACE_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/format.h"

struct ctr_writer_back;

/* What the hot path touches comes first and stays in two cache lines. */
struct ctr_writer {
    uint8_t *at;         /* next byte of the block being filled */
    uint8_t *soft;       /* at or past this, the next event starts a new block; NULL: not writing */
    uint8_t *limit;      /* no byte at or past this */
    uint8_t *start;      /* first byte of the block's slot */
    uint64_t *committed; /* in shared memory: bytes of whole events in the slot */
    uint64_t steps;      /* LINE records so far: the number of the next step */
    uint64_t calls;      /* CALL records and adopted frames so far: the number of the next call */
    uint32_t block;      /* number of the EVENTS block being filled */
    uint32_t next_node;  /* next node and object number in this block */
    uint32_t next_object;
    uint32_t next_frame;
    uint64_t *counters; /* CTR_COUNTER_COUNT numbers in shared memory */
    atomic_uint tick;   /* milliseconds since the start, kept by the background thread */
    uint32_t ticked;    /* tick of the last TICK record */
    uint32_t thread;    /* thread number of the last THREAD record */
    atomic_int ending;  /* an enum ctr_end_reason + 1 once the background had to stop */
    bool awake;         /* the background thread runs */
    struct ctr_writer_back *back;
};

struct ctr_writer_options {
    const char *path;        /* of the trace; the tail is PATH.tail */
    uint8_t id[16];          /* UUIDv7 of the recording */
    uint64_t start_ns;       /* since 1970 */
    uint64_t max_size;       /* bytes of the trace, 0 = none */
    uint64_t min_free_space; /* bytes to leave on the file system, 0 = none */
    bool has_no_clock;       /* the run was another time: its ticks stay 0 */
};

/* Create the trace (an existing file is an error) and start the background thread. On success the
 * caller owns `*writer` until ctr_writer_close. */
int ctr_writer_open(struct ctr_writer **writer, const struct ctr_writer_options *options,
                    struct ct_error *error);

/* Hand the block over, with all that was written into it: whole records, committed or not. Start
 * the next one; waits when the background has fallen behind (counted as `waits`). Afterwards
 * nothing is known of any frame, node or object: they must be introduced again. The thread of the
 * last THREAD record runs on. False when the recording has ended. */
bool ctr_writer_next_block(struct ctr_writer *writer);

/* Append a definition; `size` bytes of payload, at most CTR_BLOCK_MAX_BYTES / 2. */
bool ctr_writer_define(struct ctr_writer *writer, enum ctr_definition kind, const void *payload,
                       size_t size);

/* Write the blocks that are left and stop the thread. Nothing may be recorded afterwards, and what
 * ctr_writer_error() says is final; ctr_writer_close() is still due. */
void ctr_writer_drain(struct ctr_writer *writer);

/* Write what is left, the index and the trailer; stop the thread; remove the tail; free.
 * `exit_status` is INT32_MIN when unknown. */
int ctr_writer_close(struct ctr_writer *writer, enum ctr_end_reason reason, int32_t exit_status,
                     struct ct_error *error);

/* Around fork(): `before` joins the background thread, `parent` lets it come back when needed,
 * `child` forgets the writer in the child: its memory and files are the parent's, nothing is
 * written any more and nothing is freed. */
void ctr_writer_before_fork(struct ctr_writer *writer);
void ctr_writer_after_fork_in_parent(struct ctr_writer *writer);
void ctr_writer_after_fork_in_child(struct ctr_writer *writer);

static inline bool ctr_writer_is_awake(const struct ctr_writer *writer)
{
    return writer->awake;
}

/* Start the background thread again after a fork; cheap when it runs. */
void ctr_writer_wake(struct ctr_writer *writer);

/* The text of the error that ended the recording, or "". */
const char *ctr_writer_error(const struct ctr_writer *writer);

/* CTR_COUNTER_COUNT numbers: what was seen so far; once the writer is drained, what of it is in the
 * trace, which is less where a limit or an error ended the recording. */
const uint64_t *ctr_writer_counters(const struct ctr_writer *writer);

/* Bytes appended to the trace so far. */
uint64_t ctr_writer_size(const struct ctr_writer *writer);

static inline void ctr_commit(struct ctr_writer *writer)
{
    atomic_signal_fence(memory_order_release);
    *writer->committed = (uint64_t)(writer->at - writer->start);
}

static inline void ctr_count(struct ctr_writer *writer, enum ctr_counter counter)
{
    writer->counters[counter]++;
}

#endif
