/* What the two halves of the builder share: values and what is around them. */
#ifndef CT_IMPORT_BUILD_INTERNAL_H
#define CT_IMPORT_BUILD_INTERNAL_H

#include "import/build.h"

enum {
    IMPORT_VALUE_MAX = 384 << 10, /* bytes kept of one value */
    IMPORT_EVENT_MAX =
        640 << 10, /* of the values of one event: the rest of its block is for frames */
};

/* A value as a slot holds it: what it takes to write it again in another block. */
struct import_held {
    uint8_t tag;   /* of the short form, CTR_V_NODE or CTR_V_OBJECT */
    uint64_t bits; /* NODE: its block in the upper half, its number in the lower */
};

struct import_slot {
    uint64_t hash[2]; /* of the value; both 0: unbound */
    struct import_held value;
    uint64_t stamp; /* of the event that bound it last */
};

struct import_frame {
    uint64_t call, start_step, start_calls;
    uint32_t plan, line, start_block, known_in;
    struct import_slot slots[];
};

struct import_cached {
    uint64_t hash[2];
    struct import_held value;
};

struct import_build {
    struct import_sink sink;
    const struct import_program *program;
    struct ctr_writer *writer;
    struct import_frame **stack;
    uint32_t depth, capacity;
    uint64_t slots;              /* in all frames on the stack */
    struct import_cached *cache; /* values that can be named again */
    struct import_map locals;    /* object -> its number in this block */
    uint32_t locals_of;          /* that block */
    struct import_map types;     /* family and type of the program -> type */
    uint32_t type_count;
    uint32_t *plans; /* of the program -> of the trace, plus 1; 0: not defined yet */
    uint32_t plan_count;
    uint64_t objects;
    uint64_t stamp;
    size_t room; /* bytes that the values of this event may still take */
    struct ct_error error;
    int status; /* the first thing that went wrong */
};

enum {
    IMPORT_CACHED = 1 << 16,
    IMPORT_SLOTS_MAX = 1 << 23, /* in all open calls */
};

/* A tree of values that is being written. */
struct import_writing {
    struct import_build *build;
    const struct import_values *values;
};

static inline struct import_node *import_node_at(const struct import_writing *writing,
                                                 uint32_t node)
{
    return &writing->values->nodes[node];
}

/* Note the first thing that goes wrong; what follows does nothing. */
void import_build_fail(struct import_build *build, int status, const char *message);
/* Whether so many bytes can be written into the block; if not, a limit above was too generous. */
bool import_has_bytes(struct import_build *build, size_t size);
void import_put(struct import_build *build, uint8_t byte);
void import_put_varint(struct import_build *build, uint64_t value);
/* Write a definition and release its payload. */
void import_define(struct import_build *build, enum ctr_definition kind, struct ct_bytes *payload);

void import_put_text(struct import_build *build, const char *text, size_t size);
void import_put_held(struct import_build *build, struct import_held value);
struct import_held import_put_dropped(struct import_build *build);

/* Describe the objects in a tree, of which `budget` bytes are kept: before a value refers to them.
 */
void import_open_objects(const struct import_writing *writing, uint32_t node, uint64_t budget);
/* Then write it. `depth` is that of the tuples around. */
struct import_held import_put_value(const struct import_writing *writing, uint32_t node,
                                    unsigned depth, uint64_t budget);

#endif
