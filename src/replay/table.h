/* Values that read as tables: lists, tuples and dicts whose first rows have one shape, buffers of
 * several dimensions, and long lists of anything else, which are one column. What a table is takes
 * a look at its first rows; its cells are read by window. */
#ifndef CT_REPLAY_TABLE_H
#define CT_REPLAY_TABLE_H

#include "replay/session.h"
#include "replay/values.h"

enum {
    RP_TABLE_NAMES_MAX = 256, /* columns that have names; rows of more are no rows */
    RP_TABLE_DIMENSIONS = 16, /* of a buffer; one of more is no table */
    RP_TABLE_LONG = 100,      /* children from which a list of anything is a table */
};

struct rp_table {      /* start from `{0}`; rp_table_clear */
    uint64_t rows;     /* that the recording has; 0: the value is no table */
    uint64_t all_rows; /* that it had in the program */
    uint64_t columns;
    bool has_names; /* its columns: those of `names` */
    bool is_list;   /* one column: the children themselves */
    struct rp_list names;
    uint32_t dimensions; /* of a buffer, 0: it is none, and how long each is */
    uint64_t shape[RP_TABLE_DIMENSIONS];
    struct ct_bytes dtype;
};

void rp_table_clear(struct rp_table *table);

/* Whether a value is a table at the session's moment. */
int rp_table(struct rp_session *session, struct ctr_value value, struct rp_table *table,
             struct ct_error *error);

struct rp_table_row {
    size_t name, name_size;        /* in the names of the cells: "0", "'key'", "0, 1" */
    struct ctr_value value;        /* of the whole row, where it is one; else unbound */
    bool is_other;                 /* it has another shape than the first rows: no cells */
    bool is_changed;               /* of one that has no cells */
    size_t first_cell, cell_count; /* unbound cells were not recorded */
};

struct rp_table_rows { /* start from `{0}`; rp_table_rows_clear */
    struct rp_table_row *rows;
    size_t count;
    struct rp_list cells;
};

struct rp_window {
    uint64_t first, count;
};

void rp_table_rows_clear(struct rp_table_rows *rows);

/* Some rows and columns of a value for which rp_table found `table`. What changed is against the
 * latest step of the frame's call before the moment, at the same places of the same value. */
int rp_table_read(struct rp_session *session, struct ctr_value value, const struct rp_table *table,
                  uint32_t thread, uint32_t frame, struct rp_window rows, struct rp_window columns,
                  struct rp_table_rows *to, struct ct_error *error);

#endif
