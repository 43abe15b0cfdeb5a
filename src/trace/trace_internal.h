/* What the files of the reader share: an open trace, its block cache, its definitions. */
#ifndef CT_TRACE_TRACE_INTERNAL_H
#define CT_TRACE_TRACE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/status.h"
#include "trace/block.h"
#include "trace/index.h"
#include "trace/reader.h"
#include "trace/record.h"

struct ctr_sources;
struct ctr_stacks;

/* Decoded blocks kept when nobody uses them. A window of a debugger touches a few dozen blocks of
 * at most some 400 KiB each (128 KiB of records and the tables of what is in them). */
#define CTR_CACHE_BYTES (32u * 1024 * 1024)

/* ---- definitions (definitions.c) ---- */

struct ctr_definitions {
    uint8_t **buffers; /* what is kept of the DEFS blocks; every text points into them */
    size_t buffer_count, buffer_capacity;
    struct ctr_path *paths;
    size_t path_count, path_capacity;
    struct ctr_type *types;
    size_t type_count, type_capacity;
    struct ctr_plan *plans;
    size_t plan_count, plan_capacity;
    struct ctr_thread *threads;
    size_t thread_count, thread_capacity;
    struct ctr_run_entry *run;
    size_t run_count, run_capacity;
    struct ctr_sources *sources; /* where they stand: sources.h. NULL: there are none */
};

/* Take over `raw` (malloc'ed), the DEFS block at `offset` of the file (0: it is in none), and read
 * its definitions. Those before a bad one stay; `*good` (may be NULL) is the number of bytes that
 * made sense. */
int ctr_definitions_add(struct ctr_definitions *definitions, uint8_t *raw, size_t size,
                        uint64_t offset, size_t *good, struct ct_error *error);
void ctr_definitions_free(struct ctr_definitions *definitions);

/* A length and as many bytes of text; empty when there are fewer. */
static inline struct ctr_text ctr_get_text(struct ct_cursor *cursor)
{
    uint64_t size = ct_get_varint(cursor);
    const uint8_t *bytes = ct_get_bytes(cursor, size);
    return (struct ctr_text){(const char *)bytes, cursor->failed ? 0 : size};
}

/* ---- walking the file (walk.c) ---- */

enum { CTR_BLOCK_KINDS = CTR_END + 1 };

struct ctr_walk {
    const uint8_t *map;
    uint64_t size;
    uint64_t at;                    /* where the next block should start */
    uint32_t next[CTR_BLOCK_KINDS]; /* expected number of the next block of each kind */
    bool has_end;                   /* the END block was met */
};

/* Start behind the file header. */
struct ctr_walk ctr_walk_start(const uint8_t *map, uint64_t size);

/* Check the next block: header, order, bounds, checksum. CT_OK and `*offset` of its header;
 * CT_ESTATE at the end of the blocks; CT_EFORMAT, and `at` stays, where bytes make no sense. */
int ctr_walk_next(struct ctr_walk *walk, struct ctr_block_info *info, uint64_t *offset,
                  struct ct_error *error);

/* Decompress the block at `offset` of a mapped file into memory the caller frees. */
int ctr_load_block(const uint8_t *map, uint64_t size, uint64_t offset, uint8_t kind,
                   struct ctr_block_info *info, uint8_t **raw, struct ct_error *error);
/* Block `number` of events, which must be the one its index entry tells of; the same way. */
int ctr_load_events(struct ctr_trace *trace, const struct ctr_index_entry *entry, uint32_t number,
                    uint8_t **raw, size_t *size, struct ct_error *error);

/* ---- snapshot of the tail (snapshot.c) ---- */

struct ctr_piece { /* a block that exists in the tail only */
    uint8_t kind;
    uint32_t number;
    uint8_t *raw;
    size_t size;
};

struct ctr_snapshot {
    struct ctr_piece *pieces; /* by kind, then by number */
    size_t count;
    bool found; /* there was a tail */
    uint64_t counters[CTR_COUNTER_COUNT];
};

/* Copy what the tail of the trace at `path` holds. A missing tail is success. */
int ctr_snapshot_take(struct ctr_snapshot *snapshot, const char *path, const uint8_t id[16],
                      struct ct_error *error);
void ctr_snapshot_free(struct ctr_snapshot *snapshot);

/* The piece, or NULL. */
struct ctr_piece *ctr_snapshot_find(const struct ctr_snapshot *snapshot, uint8_t kind,
                                    uint32_t number);

/* ---- cache (cache.c) ---- */

enum cell_state { CELL_LOADING, CELL_READY };
enum { CTR_MARK_BYTES = 16 * 1024 };
enum ctr_mark_kind { CTR_MARK_READING, CTR_MARK_PLAYING, CTR_MARK_KINDS };

/* Where a record about an object stands, and the scan's numbers there. */
struct ctr_object_record {
    uint32_t at;
    uint32_t node, object;
    uint32_t local; /* its number in the block */
    uint32_t next;  /* record about the same object, plus 1; 0: the last */
};

/* A scan that stands on such a record. */
static inline struct ctr_scan ctr_scan_at(const struct ctr_block *block,
                                          const struct ctr_object_record *record)
{
    return (struct ctr_scan){
        .cursor = {block->raw + record->at, block->raw + block->size, false},
        .block = block,
        .next_node = record->node,
        .next_object = record->object,
    };
}

struct ctr_cell { /* one block in the cache */
    struct ctr_block block;
    struct ctr_object_record *records; /* all that are about objects */
    uint32_t record_count;
    uint32_t *heads;  /* by object of the block: its first record plus 1, or 0 */
    uint32_t *places; /* hash table of the block's objects by number, plus 1 */
    uint32_t place_mask;
    uint32_t frame_count;
    uint32_t max_type;         /* largest type number in values, plus 1 */
    uint64_t milliseconds;     /* all TICK records together */
    struct ctr_stacks *ending; /* what the block knows of the stacks at its end; NULL: not asked */
    struct ctr_mark **marks[CTR_MARK_KINDS]; /* by place / CTR_MARK_BYTES; NULL: none */
    uint8_t *memory;                         /* of `raw` */
    size_t bytes;                            /* all of it */
    enum cell_state state;
    unsigned pins;
    struct ctr_cell *newer, *older; /* while not pinned */
};

static inline const struct ctr_cell *ctr_cell_of(const struct ctr_block *block)
{
    return (const struct ctr_cell *)(const void *)block;
}

struct ctr_cache {
    pthread_mutex_t lock; /* guards all of this, and the segments of the trace */
    pthread_cond_t loaded;
    uint32_t blocks;
    struct ctr_cell **cells;          /* by block number */
    struct ctr_cell *newest, *oldest; /* not pinned */
    size_t idle_bytes;                /* of those */
    size_t limit;
};

/* Where one may begin to read or play a pinned block: every so many bytes, known once somebody came
 * by. NULL: nobody did. A mark that is kept is the block's from then on. */
struct ctr_mark {
    uint32_t at; /* a record starts here */
    uint32_t next_node, next_object;
    uint64_t step, call; /* numbers of the next */
    void *state;         /* what is known here, and how to free it */
    void (*free_state)(void *state);
};
const struct ctr_mark *ctr_mark(struct ctr_trace *trace, const struct ctr_block *block,
                                enum ctr_mark_kind kind, uint32_t number);
void ctr_keep_mark(struct ctr_trace *trace, const struct ctr_block *block, enum ctr_mark_kind kind,
                   struct ctr_mark *mark, size_t bytes);

/* How far to go without reading what comes before: not beyond byte `at`, the line of `step`, nor
 * the start of `call`. */
struct ctr_reach {
    size_t at;
    uint64_t step, call;
};

/* The last mark within reach, or NULL. */
const struct ctr_mark *ctr_mark_within(struct ctr_trace *trace, const struct ctr_block *block,
                                       enum ctr_mark_kind kind, const struct ctr_reach *reach);

/* The stacks at the end of a pinned block, as they were kept there, or NULL; and keep them. They
 * are the block's from then on, and nobody changes them. */
const struct ctr_stacks *ctr_ending(struct ctr_trace *trace, const struct ctr_block *block);
const struct ctr_stacks *ctr_keep_ending(struct ctr_trace *trace, const struct ctr_block *block,
                                         struct ctr_stacks *stacks, size_t bytes);

int ctr_cache_init(struct ctr_cache *cache, uint32_t blocks, struct ct_error *error);
void ctr_cache_free(struct ctr_cache *cache);

/* For tests: the bytes of idle blocks there are now. */
size_t ctr_cache_idle(struct ctr_trace *trace);

/* Decode and check a raw block, taking over `raw`. With `salvage`, a bad record ends the block. */
int ctr_prepare(struct ctr_cell **cell, uint32_t number, uint8_t *raw, size_t size, bool salvage,
                struct ct_error *error);
void ctr_cell_free(struct ctr_cell *cell);

/* The first record about an object in the block, plus 1; 0 when there is none. */
uint32_t ctr_cell_first(const struct ctr_cell *cell, uint64_t object);

/* Whether the block opens the object. */
bool ctr_block_opens(const struct ctr_block *block, uint64_t object);

/* Whether `thread` may have run in the block. */
bool ctr_block_has_thread(struct ctr_trace *trace, uint32_t number, uint32_t thread);

/* ---- the trace ---- */

struct ctr_segment_slot {
    uint64_t offset; /* of the INDEX block; 0: it has none, and stays in memory */
    uint32_t first_block;
    uint64_t first_step, first_call, tick;
    struct ctr_segment *loaded; /* NULL: not now */
    uint64_t used;              /* when, as trace->segment_uses counts */
};

struct ctr_trace {
    struct ctr_info info;
    char *path;
    const uint8_t *map;
    uint64_t size;
    uint64_t good;        /* bytes from the start that make sense */
    uint32_t file_blocks; /* EVENTS blocks in the file; the others are in the tail */
    struct ctr_segment_slot *segments;
    size_t segment_count, segment_capacity;
    size_t segment_bytes; /* of those loaded */
    uint64_t segment_uses;
    uint64_t *def_blocks; /* offsets of the DEFS blocks of a finished trace */
    size_t def_block_count;
    struct ctr_definitions definitions;
    struct ctr_snapshot tail;
    struct ctr_cache cache;
};

/* Behind the good part there can be a block, or a trailer, that was being written: something that
 * goes on past the end of the file. Anything else is damage. */
bool ctr_is_torn(const struct ctr_trace *trace);

/* ---- segments (segments.c); with the cache's lock held ---- */

/* Segments in memory. One is some 20 KiB; a program of very many lines or objects makes it some
 * MiB. */
#define CTR_SEGMENTS_BYTES (16u * 1024 * 1024)

int ctr_segments_add(struct ctr_trace *trace, const struct ctr_segment_slot *slot,
                     struct ct_error *error);
void ctr_segments_free(struct ctr_trace *trace);

/* The segment that holds an EVENTS block. */
size_t ctr_segment_of(const struct ctr_trace *trace, uint32_t block);

/* A segment with its tables; borrowed until the next such call or until the lock is let go. Lets
 * it go in between when the blocks themselves must be looked into. */
int ctr_segment_get(struct ctr_trace *trace, size_t index, const struct ctr_segment **segment,
                    struct ct_error *error);

/* The index entry of an EVENTS block. */
int ctr_entry(struct ctr_trace *trace, uint32_t number, struct ctr_index_entry *entry,
              struct ct_error *error);

#endif
