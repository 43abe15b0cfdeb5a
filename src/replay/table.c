#include "replay/table.h"

#include <stdlib.h>
#include <string.h>

#include "replay/session_internal.h"
#include "replay/state.h"
#include "trace/shape.h"

enum { SAMPLE = 3 /* first rows that tell the shape of all */ };

static const struct ctr_value unbound = {0};

void rp_table_clear(struct rp_table *table)
{
    rp_list_clear(&table->names);
    ct_bytes_free(&table->dtype);
    *table = (struct rp_table){0};
}

void rp_table_rows_clear(struct rp_table_rows *rows)
{
    free(rows->rows);
    rp_list_clear(&rows->cells);
    *rows = (struct rp_table_rows){0};
}

/* ---- shapes ---- */

static bool is_one_of(const char *kind, const char *const *kinds)
{
    while (*kinds != NULL && strcmp(*kinds, kind) != 0) {
        kinds++;
    }
    return *kinds != NULL;
}

enum row_shape { NO_ROW, SEQUENCE, PAIRS, FIELDS };

static enum row_shape shape_of(const struct rp_value_info *info)
{
    static const char *const sequences[] = {"list", "tuple", "deque", "buffer", NULL};
    static const char *const records[] = {"namedtuple", "dataclass", "object", "namespace", NULL};
    if (info->indexed > 0 && is_one_of(info->kind, sequences)) {
        return SEQUENCE;
    }
    if (info->indexed > 0 && info->named == 0 && strcmp(info->kind, "dict") == 0) {
        return PAIRS;
    }
    bool is_record = info->named > 0 && info->indexed == 0 && is_one_of(info->kind, records);
    return is_record ? FIELDS : NO_ROW;
}

static enum rp_section section_of(enum row_shape shape)
{
    return shape == FIELDS ? RP_NAMED : RP_INDEXED;
}

static uint64_t width_of(const struct rp_value_info *info, enum row_shape shape)
{
    return shape == FIELDS ? info->named : info->indexed;
}

static bool same_name(const struct rp_list *a, size_t i, const struct rp_list *b, size_t j)
{
    struct ctr_text left = rp_name(a, &a->children[i]), right = rp_name(b, &b->children[j]);
    return left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0;
}

/* Where a name stands in a row that should have the columns of `names`: at the same place, or at
 * another. Its count: it does not. */
static size_t place_of(const struct rp_list *names, size_t column, const struct rp_list *row)
{
    size_t at = column;
    for (size_t looked = 0; looked < row->count; looked++, at++) {
        if (same_name(names, column, row, at % row->count)) {
            return at % row->count;
        }
    }
    return row->count;
}

static bool same_names(const struct rp_list *names, const struct rp_list *row)
{
    bool same = names->count == row->count;
    for (size_t i = 0; same && i < names->count; i++) {
        same = place_of(names, i, row) < row->count;
    }
    return same;
}

/* ---- what is a table ---- */

/* The shape that the first rows share. */
static int look_at_rows(struct rp_session *session, const struct rp_list *sample,
                        struct rp_table *table, enum row_shape *shape, struct ct_error *error)
{
    struct rp_list row = {0};
    int status = CT_OK;
    for (size_t i = 0; status == CT_OK && i < sample->count; i++) {
        struct rp_value_info info;
        rp_value_info(session, RP_NOW, sample->children[i].value, &info);
        enum row_shape found = shape_of(&info);
        uint64_t width = width_of(&info, found);
        bool is_named = found == PAIRS || found == FIELDS;
        *shape = i == 0 || found == *shape ? found : NO_ROW;
        table->columns = i == 0 ? width : table->columns;
        if (*shape == NO_ROW || width != table->columns ||
            (is_named && width > RP_TABLE_NAMES_MAX)) {
            *shape = NO_ROW;
            break;
        }
        if (is_named) {
            status = rp_children(session, RP_NOW, sample->children[i].value, section_of(found), 0,
                                 width, i == 0 ? &table->names : &row, error);
            if (status == CT_OK && i > 0 && !same_names(&table->names, &row)) {
                *shape = NO_ROW;
            }
        }
    }
    rp_list_clear(&row);
    return status;
}

static int look_at_list(struct rp_session *session, struct ctr_value value,
                        const struct rp_value_info *info, struct rp_table *table,
                        struct ct_error *error)
{
    struct rp_list sample = {0};
    enum row_shape shape = NO_ROW;
    int status = rp_children(session, RP_NOW, value, RP_INDEXED, 0, SAMPLE, &sample, error);
    if (status == CT_OK && info->indexed > 1) {
        status = look_at_rows(session, &sample, table, &shape, error);
    }
    rp_list_clear(&sample);
    table->has_names = shape == PAIRS || shape == FIELDS;
    table->is_list = shape == NO_ROW && info->indexed > RP_TABLE_LONG;
    if (shape != NO_ROW || table->is_list) {
        table->rows = info->indexed;
        table->all_rows =
            info->has_length && info->length > info->indexed ? info->length : info->indexed;
        table->columns = table->is_list ? 1 : table->columns;
    }
    return status;
}

/* The shape of a buffer, by its attributes. */
static int read_attributes(struct rp_session *session, struct ctr_value value,
                           struct rp_table *table, struct ct_error *error)
{
    struct rp_list attributes = {0}, lengths = {0};
    int status = rp_children(session, RP_NOW, value, RP_NAMED, 0, 8, &attributes, error);
    for (size_t i = 0; status == CT_OK && i < attributes.count; i++) {
        const struct rp_child *child = &attributes.children[i];
        struct ctr_text name = rp_name(&attributes, child);
        if (name.size == 5 && memcmp(name.bytes, "dtype", 5) == 0) {
            ctr_shape_add_text(session->player, child->value, &table->dtype);
        } else if (name.size == 5 && memcmp(name.bytes, "shape", 5) == 0) {
            status = rp_children(session, RP_NOW, child->value, RP_INDEXED, 0,
                                 RP_TABLE_DIMENSIONS + 1, &lengths, error);
        }
    }
    for (size_t i = 0; status == CT_OK && i < lengths.count; i++) {
        struct ctr_value length = lengths.children[i].value;
        bool is_length = length.tag == CTR_V_INT && length.bits > 0 && length.bits <= UINT32_MAX;
        if (!is_length || i == RP_TABLE_DIMENSIONS) {
            table->dimensions = 0; /* nothing is in it, or nobody could draw it */
            break;
        }
        table->shape[table->dimensions++] = length.bits;
    }
    rp_list_clear(&attributes);
    rp_list_clear(&lengths);
    return status;
}

static int look_at_buffer(struct rp_session *session, struct ctr_value value,
                          const struct rp_value_info *info, struct rp_table *table,
                          struct ct_error *error)
{
    int status = read_attributes(session, value, table, error);
    uint64_t columns = table->dimensions > 1 ? table->shape[table->dimensions - 1] : 1;
    if (table->dimensions > 1 || (table->dimensions == 1 && info->indexed > RP_TABLE_LONG)) {
        table->columns = columns;
        table->rows = (info->indexed + columns - 1) / columns;
        table->all_rows = info->has_length ? (info->length + columns - 1) / columns : table->rows;
    }
    return status;
}

int rp_table(struct rp_session *session, struct ctr_value value, struct rp_table *table,
             struct ct_error *error)
{
    static const char *const lists[] = {"list", "tuple", "deque", "dict", NULL};
    struct rp_value_info info;
    rp_table_clear(table);
    rp_value_info(session, RP_NOW, value, &info);
    if (info.indexed == 0) {
        return CT_OK;
    }
    int status = CT_OK;
    if (strcmp(info.kind, "buffer") == 0) {
        status = look_at_buffer(session, value, &info, table, error);
    } else if (is_one_of(info.kind, lists)) {
        status = look_at_list(session, value, &info, table, error);
    }
    if (status == CT_OK && (table->names.names.failed || table->dtype.failed)) {
        status = ct_fail(error, CT_ENOMEM, "no memory for a table");
    }
    return status;
}

/* ---- cells ---- */

/* A window of a table at one of the session's moments. */
struct reader {
    const struct rp_table *table;
    struct ctr_player *player;
    struct rp_list rows;  /* the children that are in the window */
    struct rp_list cells; /* of the row that is being read */
};

static bool is_buffer(const struct rp_table *table)
{
    return table->dimensions > 0;
}

/* The cells of a row, in the order of the columns. False: it is no such row. */
static bool read_cells(struct reader *reader, struct ctr_value row, struct rp_window columns)
{
    const struct rp_table *table = reader->table;
    struct rp_value_info info;
    rp_value_info_of(reader->player, row, &info);
    enum row_shape shape = shape_of(&info);
    bool is_named = shape == PAIRS || shape == FIELDS;
    if (shape == NO_ROW || is_named != table->has_names ||
        width_of(&info, shape) != table->columns) {
        return false;
    }
    uint64_t first = is_named ? 0 : columns.first,
             count = is_named ? table->columns : columns.count;
    return rp_children_of(reader->player, row, section_of(shape), first, count, &reader->cells,
                          NULL) == CT_OK &&
           (!is_named || same_names(&table->names, &reader->cells));
}

/* Cell `column` of the row just read; unbound: there is none. */
static struct ctr_value cell_at(const struct reader *reader, struct rp_window columns,
                                uint64_t column)
{
    const struct rp_table *table = reader->table;
    size_t at = table->has_names ? place_of(&table->names, column, &reader->cells)
                                 : (size_t)(column - columns.first);
    return at < reader->cells.count ? reader->cells.children[at].value : unbound;
}

static struct rp_child *add_cell(struct rp_table_rows *to, struct ctr_value value)
{
    struct rp_child *cell = rp_list_add(&to->cells);
    if (cell != NULL) {
        cell->value = value;
        to->rows[to->count].cell_count++;
    }
    return cell;
}

static void compare_cell(struct rp_session *session, struct rp_child *cell, struct ctr_value before)
{
    if (cell != NULL) {
        cell->is_changed = rp_has_changed(session, before, cell->value);
    }
}

/* ---- rows that are children ---- */

static bool has_row(const struct reader *past, const struct reader *now, size_t at)
{
    return past->player != NULL && at < past->rows.count &&
           same_name(&past->rows, at, &now->rows, at);
}

static void read_row(struct rp_session *session, struct reader *now, struct reader *past, size_t at,
                     struct rp_window columns, struct rp_table_rows *to)
{
    struct rp_table_row *row = &to->rows[to->count];
    struct ctr_value value = now->rows.children[at].value;
    struct ctr_value before = has_row(past, now, at) ? past->rows.children[at].value : unbound;
    bool compares = past->player != NULL;
    row->value = value;
    if (now->table->is_list) {
        struct rp_child *cell = add_cell(to, value);
        if (compares) {
            compare_cell(session, cell, before);
        }
        return;
    }
    row->is_other = !read_cells(now, value, columns);
    if (row->is_other) {
        row->is_changed = compares && rp_has_changed(session, before, value);
        return;
    }
    bool has_cells = compares && read_cells(past, before, columns);
    for (uint64_t i = columns.first; i - columns.first < columns.count; i++) {
        struct rp_child *cell = add_cell(to, cell_at(now, columns, i));
        if (compares) {
            compare_cell(session, cell, has_cells ? cell_at(past, columns, i) : unbound);
        }
    }
}

static int read_rows(struct rp_session *session, struct ctr_value value, struct reader *now,
                     struct reader *past, struct rp_window rows, struct rp_window columns,
                     struct rp_table_rows *to, struct ct_error *error)
{
    int status =
        rp_children_of(now->player, value, RP_INDEXED, rows.first, rows.count, &now->rows, error);
    if (status == CT_OK && past->player != NULL) {
        status = rp_children_of(past->player, value, RP_INDEXED, rows.first, rows.count,
                                &past->rows, error);
    }
    for (size_t i = 0; status == CT_OK && i < now->rows.count; i++) {
        struct rp_table_row *row = &to->rows[to->count];
        struct ctr_text name = rp_name(&now->rows, &now->rows.children[i]);
        *row = (struct rp_table_row){
            .name = to->cells.names.size, .name_size = name.size, .first_cell = to->cells.count};
        ct_bytes_add(&to->cells.names, name.bytes, name.size);
        read_row(session, now, past, i, columns, to);
        to->count++;
    }
    return status;
}

/* ---- rows of a buffer: its items follow each other ---- */

/* "3" or "0, 3": the indices before the last. */
static void name_buffer_row(const struct rp_table *table, uint64_t row, struct ct_bytes *to)
{
    uint32_t leading = table->dimensions > 1 ? table->dimensions - 1 : 1;
    uint64_t indices[RP_TABLE_DIMENSIONS];
    for (uint32_t i = leading; i > 0; i--) {
        indices[i - 1] = row % table->shape[i - 1];
        row /= table->shape[i - 1];
    }
    for (uint32_t i = 0; i < leading; i++) {
        ct_bytes_add_format(to, i == 0 ? "%llu" : ", %llu", (unsigned long long)indices[i]);
    }
}

static int read_buffer_row(struct rp_session *session, struct ctr_value value, struct reader *now,
                           struct reader *past, uint64_t number, struct rp_window columns,
                           struct rp_table_rows *to, struct ct_error *error)
{
    const struct rp_table *table = now->table;
    uint64_t first = number * table->columns + columns.first;
    struct rp_table_row *row = &to->rows[to->count];
    *row = (struct rp_table_row){.name = to->cells.names.size, .first_cell = to->cells.count};
    name_buffer_row(table, number, &to->cells.names);
    row->name_size = to->cells.names.size - row->name;
    int status =
        rp_children_of(now->player, value, RP_INDEXED, first, columns.count, &now->cells, error);
    if (status == CT_OK && past->player != NULL) {
        status = rp_children_of(past->player, value, RP_INDEXED, first, columns.count, &past->cells,
                                error);
    }
    for (uint64_t i = 0; status == CT_OK && i < columns.count; i++) {
        bool was_there = past->player != NULL && i < past->cells.count;
        struct rp_child *cell =
            add_cell(to, i < now->cells.count ? now->cells.children[i].value : unbound);
        if (past->player != NULL) {
            compare_cell(session, cell, was_there ? past->cells.children[i].value : unbound);
        }
    }
    to->count++;
    return status;
}

/* ---- a window ---- */

static struct rp_window within(struct rp_window window, uint64_t count)
{
    window.first = window.first < count ? window.first : count;
    window.count = window.count < count - window.first ? window.count : count - window.first;
    return window;
}

/* Where it was a moment ago, if it was. */
static struct ctr_player *past_of(struct rp_session *session, struct ctr_value value,
                                  uint32_t thread, uint32_t frame)
{
    bool was_there =
        rp_look_back(session, thread, frame) &&
        (value.tag != CTR_V_OBJECT || ctr_player_object(session->past, value.bits, NULL) != NULL);
    return was_there ? session->past : NULL;
}

int rp_table_read(struct rp_session *session, struct ctr_value value, const struct rp_table *table,
                  uint32_t thread, uint32_t frame, struct rp_window rows, struct rp_window columns,
                  struct rp_table_rows *to, struct ct_error *error)
{
    struct reader now = {.table = table, .player = session->player};
    struct reader past = {.table = table, .player = past_of(session, value, thread, frame)};
    rows = within(rows, table->rows);
    columns = within(columns, table->columns);
    rp_table_rows_clear(to);
    to->rows = calloc(rows.count + 1, sizeof *to->rows);
    if (to->rows == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for the rows of a table");
    }
    int status = CT_OK;
    if (is_buffer(table)) {
        for (uint64_t i = 0; status == CT_OK && i < rows.count; i++) {
            status =
                read_buffer_row(session, value, &now, &past, rows.first + i, columns, to, error);
        }
    } else {
        status = read_rows(session, value, &now, &past, rows, columns, to, error);
    }
    rp_list_clear(&now.rows);
    rp_list_clear(&now.cells);
    rp_list_clear(&past.rows);
    rp_list_clear(&past.cells);
    return status == CT_OK ? rp_list_end(&to->cells, error) : status;
}
