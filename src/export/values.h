/* Recorded values as recorder 0.3 would have written them, with what has been encoded kept: a
 * variable that did not change is copied. */
#ifndef CT_EXPORT_VALUES_H
#define CT_EXPORT_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "export/writer.h"
#include "trace/player.h"

/* Types by what recorder 0.3 calls them; each gets its id when it is first used. */
enum export_type {
    EXPORT_T_NONE,
    EXPORT_T_BOOL,
    EXPORT_T_INT,
    EXPORT_T_STRING,
    EXPORT_T_TUPLE,
    EXPORT_T_LIST,
    EXPORT_T_DICT,
    EXPORT_T_OBJECT,
    EXPORT_T_REDACTED,
    EXPORT_T_DROPPED,
    EXPORT_T_COUNT,
};

/* What an encoded value followed from: it is current while these objects are as they were. */
struct export_source {
    uint64_t object;
    uint64_t hash;
};

struct export_cached {
    struct ctr_value of;
    struct export_value value;
    struct export_source *sources;
    uint32_t source_count, source_capacity;
    bool is_filled;
    bool is_once; /* followed from too much to be checked, or is less than it could be */
    uint64_t weight;
};

struct export_values {
    struct ctr_player *player;
    struct export_writer *writer;
    uint32_t type_ids[EXPORT_T_COUNT]; /* plus 1; 0: not used yet */
    uint32_t type_count;
    uint64_t *open; /* objects around the value being encoded */
    uint32_t open_count;
    uint64_t weight;              /* of the value being encoded so far, `beside` included */
    uint64_t beside;              /* of those that stay encoded for the same record */
    struct export_cached *cached; /* where it goes */
    struct ct_bytes text, clean;
    size_t bytes; /* of everything cached since the last count */
    bool failed;  /* out of memory */
};

bool export_values_init(struct export_values *values, struct ctr_player *player,
                        struct export_writer *writer);
void export_values_clear(struct export_values *values);

/* The type's id; announces it when it is new. */
uint32_t export_type_id(struct export_values *values, enum export_type type);

/* Make `cached` the encoded form of `value` at the player's moment. */
void export_values_get(struct export_values *values, struct ctr_value value,
                       struct export_cached *cached);

/* A text made up here rather than recorded. */
void export_values_text(struct export_values *values, enum export_kind kind, enum export_type type,
                        const char *text, struct export_cached *cached);
void export_values_int(struct export_values *values, int64_t number, struct export_cached *cached);

/* Give up the encoded form. */
void export_values_forget(struct export_values *values, struct export_cached *cached);
void export_cached_clear(struct export_cached *cached);

#endif
