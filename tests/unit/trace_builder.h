/* Writes small traces for tests through writer.h, and knows what it wrote: an oracle for readers.
 *
 * The builder is a recorder without a program. It keeps the stacks and objects it describes, and
 * introduces them again in every block, as the format wants it. */
#ifndef CT_TESTS_TRACE_BUILDER_H
#define CT_TESTS_TRACE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trace/player.h"
#include "trace/writer.h"

enum {
    TB_SLOTS = 6,
    TB_STACK = 24,
    TB_THREADS = 3,
    TB_OBJECTS = 12,
    TB_ITEMS = 40,
    TB_TEXT = 40,
};

enum tb_kind { TB_UNBOUND, TB_NONE, TB_INT, TB_FLOAT, TB_TEXT_VALUE, TB_TUPLE, TB_OBJECT };

struct tb_value {
    enum tb_kind kind;
    int64_t number;     /* INT, FLOAT (as an integer), OBJECT; first part of a TUPLE */
    char text[TB_TEXT]; /* TEXT; second part of a TUPLE */
};

struct tb_frame {
    uint64_t call;
    uint32_t line;
    uint32_t entry_block;
    uint32_t start_block, start_thread; /* and what SPAN says of its start */
    uint64_t start_step, start_calls;
    uint32_t known_in; /* block in which it has a number, or UINT32_MAX */
    uint32_t number;
    bool generator;
    struct tb_value slots[TB_SLOTS];
};

struct tb_pair {
    struct tb_value key, value;
};

struct tb_object { /* item lists and pair lists, as a list and a dict would be */
    bool is_dict;
    bool exists;
    uint32_t known_in; /* block in which it has a number */
    uint32_t local;
    uint32_t opened_in; /* latest block with an OPEN, UINT32_MAX: none */
    uint32_t count;
    struct tb_value items[TB_ITEMS];
    struct tb_pair pairs[TB_ITEMS];
};

struct tb_thread {
    struct tb_frame *frames[TB_STACK];
    unsigned depth;
    uint64_t calls; /* made so far */
};

struct tb_text { /* a text node that was written */
    char text[TB_TEXT];
    uint32_t block, node;
};

struct tb {
    struct ctr_writer *writer;
    struct tb_thread threads[TB_THREADS];
    uint32_t thread;
    struct tb_frame *suspended[8];
    unsigned suspended_count;
    struct tb_object objects[TB_OBJECTS];
    struct tb_text texts[16];
    unsigned text_count;
    uint32_t plans;
    uint64_t seed;
    char **states; /* the whole state at each step, if `keep_states` */
    size_t state_count, state_capacity;
    bool keep_states;
    unsigned block_bytes; /* start a new block past this many; 0: never */
};

/* Create the trace and define a path, its source, types and `plans` plans. */
void tb_open(struct tb *tb, const char *path, unsigned plans, uint64_t seed);
/* End the recording and free everything but `states`. */
void tb_close(struct tb *tb, enum ctr_end_reason reason, int status);
void tb_free_states(struct tb *tb);

void tb_call(struct tb *tb, uint32_t plan, bool generator);
void tb_line(struct tb *tb, uint32_t line);
void tb_set(struct tb *tb, uint32_t slot, struct tb_value value);
void tb_return(struct tb *tb, struct tb_value value);
void tb_unwind(struct tb *tb, struct tb_value value);
void tb_yield(struct tb *tb, struct tb_value value);
void tb_resume(struct tb *tb, unsigned suspended);
void tb_switch(struct tb *tb, uint32_t thread);
void tb_output(struct tb *tb, const char *text);
void tb_input(struct tb *tb, const char *text);
void tb_next_block(struct tb *tb);
void tb_change_object(struct tb *tb, uint32_t object);

struct tb_frame *tb_top(struct tb *tb);
struct tb_value tb_int(int64_t number);
struct tb_value tb_text(const char *text);

/* `steps` steps of a program that does everything. */
void tb_random(struct tb *tb, unsigned steps);
uint64_t tb_next_random(uint64_t *seed);

/* A path under a fresh directory; the caller frees. tb_remove removes file, tail and directory. */
char *tb_path(void);
void tb_remove(char *path);

struct tb_bytes {
    uint8_t *data;
    size_t size;
};

/* A whole file that must be there; the caller frees `data`. */
struct tb_bytes tb_read_file(const char *path);

/* Open a trace that must open. */
struct ctr_trace *tb_reopen(const char *path);

/* The same text as in `states`, from a player that stands on a line. The caller frees. */
char *tb_state_of_player(struct ctr_player *player, const struct ctr_event *event);

#endif
