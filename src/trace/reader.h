/* Opens a trace and gives its parts: what the run was, definitions, blocks by number.
 *
 * A trace is mapped, never read whole. After ctr_open everything here may be called from several
 * threads; decoded blocks live in one bounded cache. No byte of the file is trusted. */
#ifndef CT_TRACE_READER_H
#define CT_TRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "trace/format.h"
#include "trace/index.h"
#include "trace/value.h"

struct ctr_trace;

struct ctr_text { /* WTF-8, not terminated */
    const char *bytes;
    size_t size;
};

static inline bool ctr_text_is(struct ctr_text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.bytes, word, text.size) == 0;
}

static inline bool ctr_text_same(struct ctr_text a, struct ctr_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

struct ctr_run_entry {
    struct ctr_text key;
    struct ctr_text value;
};

struct ctr_type {
    uint8_t family; /* enum ctr_family */
    struct ctr_text module;
    struct ctr_text name; /* qualified */
    uint32_t field_count;
    struct ctr_text *fields; /* of a named tuple */
};

static inline bool ctr_type_is_builtin(const struct ctr_type *type)
{
    return ctr_text_is(type->module, "builtins");
}

struct ctr_variable {
    struct ctr_text name;
    uint8_t kind;   /* enum ctr_variable_kind */
    uint8_t action; /* enum ctr_variable_action */
};

struct ctr_plan { /* a code object under one module's globals */
    uint32_t path;
    struct ctr_text name;
    struct ctr_text qualname;
    struct ctr_text module;
    uint32_t first_line;
    uint32_t flags;                                    /* co_flags */
    uint32_t positional_only, arguments, keyword_only; /* as the code object's own counts */
    uint64_t globals;                                  /* object number + 1, 0 when unknown */
    uint32_t variable_count;
    struct ctr_variable *variables;
    struct ctr_text facts; /* as they are in the trace: facts.h; bytes NULL: none */
};

struct ctr_path {
    struct ctr_text path;
    uint8_t source_flags; /* enum ctr_source_flags */
};

struct ctr_thread {
    uint32_t number;
    uint64_t native_id; /* the system's */
    uint64_t ident;     /* Python's: threading.get_ident() */
    struct ctr_text name;
};

struct ctr_info {
    uint32_t version;
    uint32_t pid;
    uint8_t id[16];
    uint64_t start_ns;
    bool complete;        /* has its trailer */
    bool unfinished;      /* no trailer yet, and nothing is missing: it died, or still runs */
    char incomplete[256]; /* why not, where it stops; "" when complete */
    enum ctr_end_reason reason;
    char failure[CT_ERROR_MESSAGE_BYTES]; /* of the recorder, as it was told; "" when there is none
                                           */
    int32_t exit_status;                  /* INT32_MIN: unknown */
    uint64_t steps;
    uint64_t calls;
    uint64_t milliseconds;
    uint32_t blocks; /* EVENTS blocks, those of the tail included */
    uint64_t size;   /* bytes of trace.ctr */
    uint64_t counters[CTR_COUNTER_COUNT];
    uint32_t counter_count; /* of them known: none when they were lost, few in an older trace */
    uint32_t path_count, type_count, plan_count, thread_count, run_count;
};

/* Open the trace at `path`: a trace.ctr, or the directory of a recording. A finished trace is
 * opened from its trailer; any other by scanning its blocks and then the tail beside it, up to the
 * first byte that makes no sense (`info.incomplete`). CT_EFORMAT when not even the header is
 * right. */
int ctr_open(struct ctr_trace **trace, const char *path, struct ct_error *error);
void ctr_close(struct ctr_trace *trace);

const struct ctr_info *ctr_info(const struct ctr_trace *trace);

/* Events of a recording, by its counters; the other counters are facts about values. The ends of
 * threads have no counter, and are not in it. */
uint64_t ctr_event_count(const struct ctr_info *info);

/* Definitions by id; NULL when there is no such id. Borrowed from the trace. */
const struct ctr_path *ctr_path(const struct ctr_trace *trace, uint32_t id);
/* The source of the code of a path that ran: as text, and as it was in the file. Bytes NULL when it
 * was not recorded. Read from the trace when first asked for; borrowed from it. */
struct ctr_text ctr_source(const struct ctr_trace *trace, uint32_t path);
struct ctr_text ctr_source_file(const struct ctr_trace *trace, uint32_t path);
bool ctr_has_source(const struct ctr_trace *trace, uint32_t path);
const struct ctr_type *ctr_type(const struct ctr_trace *trace, uint32_t id);
const struct ctr_plan *ctr_plan(const struct ctr_trace *trace, uint32_t id);
const struct ctr_thread *ctr_thread_at(const struct ctr_trace *trace, uint32_t index);
const struct ctr_run_entry *ctr_run_at(const struct ctr_trace *trace, uint32_t index);
/* The run's value for `key`, or an empty text. */
struct ctr_text ctr_run(const struct ctr_trace *trace, const char *key);

/* A decoded EVENTS block. Read-only; shared between threads. */
struct ctr_block {
    uint32_t number;
    uint64_t first_step;
    uint64_t first_call;
    uint64_t tick;
    uint32_t thread;
    const uint8_t *raw; /* prelude and records */
    size_t size;
    uint32_t node_count; /* offsets of each node's tag byte in raw */
    uint32_t *nodes;
    uint32_t object_count; /* object numbers by the block's own numbering */
    uint64_t *objects;
    uint64_t steps; /* LINE records inside */
    uint64_t calls;
    /* private to reader.c follows */
};

/* Pin a block; CT_EFORMAT when it is damaged. Release what you acquired. */
int ctr_block_acquire(struct ctr_trace *trace, uint32_t number, const struct ctr_block **block,
                      struct ct_error *error);
void ctr_block_release(struct ctr_trace *trace, const struct ctr_block *block);

/* Keep no more than so many bytes of decoded blocks that nobody has pinned. */
void ctr_cache_limit(struct ctr_trace *trace, size_t bytes);

/* The EVENTS block that holds `step` (< info.steps), from the index alone where there is one. */
uint32_t ctr_block_of_step(struct ctr_trace *trace, uint64_t step);
uint32_t ctr_block_of_call(struct ctr_trace *trace, uint64_t call);

/* The last EVENTS block, at or before `block`, that opens object `number`; false when none does. */
bool ctr_block_of_object(struct ctr_trace *trace, uint64_t number, uint32_t block, uint32_t *found);

#endif
