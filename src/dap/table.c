/* Values that read as tables: what they are, and windows of their cells. */
#include "dap/dap_internal.h"
#include "replay/table.h"

enum { CELLS_MAX = DAP_LIST_MAX, COLUMNS_MAX = 1000 /* of one answer */ };

static const struct ctr_text_options cell_text = {.depth = 2, .items = 8, .characters = 80};

static void put_sizes(struct ct_json_out *json, const struct rp_table *table)
{
    ct_json_put_uint(json, "rows", table->rows);
    ct_json_put_uint(json, "allRows", table->all_rows);
    ct_json_put_uint(json, "columns", table->columns);
    if (table->dimensions > 0) {
        dap_put_bytes(json, "dtype", &table->dtype);
        dap_put_array(json, "shape");
        for (uint32_t i = 0; i < table->dimensions; i++) {
            ct_json_uint(json, table->shape[i]);
        }
        ct_json_end_array(json);
    }
}

int dap_put_table(struct dap_session *session, struct ct_json_out *json, struct ctr_value value,
                  struct ct_error *error)
{
    struct rp_table table = {0};
    int status = rp_table(session->replay, value, &table, error);
    if (status == CT_OK && table.rows > 0) {
        dap_put_object(json, "table");
        put_sizes(json, &table);
        ct_json_end_object(json);
    }
    rp_table_clear(&table);
    return status;
}

/* ---- ct/load-table ---- */

static void put_names(struct dap_session *session, struct ct_json_out *json,
                      const struct rp_table *table, struct rp_window columns)
{
    struct ct_bytes name = {0};
    dap_put_array(json, "names");
    for (uint64_t i = columns.first; i < table->columns && i - columns.first < columns.count; i++) {
        name.size = 0;
        const struct rp_child *child = &table->names.children[i];
        if (child->key.tag != CTR_V_UNBOUND) {
            rp_key_text(session->replay, child->key, &name);
        } else {
            struct ctr_text text = rp_name(&table->names, child);
            ct_bytes_add(&name, text.bytes, text.size);
        }
        ct_json_text_n(json, name.data, name.size);
        json->bytes.failed |= name.failed;
    }
    ct_json_end_array(json);
    ct_bytes_free(&name);
}

/* What a value is in one place of the table, as members of an open object. */
static void put_text(struct dap_session *session, struct ct_json_out *json, struct ctr_value value,
                     bool is_changed)
{
    struct rp_value_info info;
    struct ct_bytes text = {0};
    rp_value_info(session->replay, RP_NOW, value, &info);
    rp_value_text(session->replay, RP_NOW, value, &cell_text, &text);
    dap_put_bytes(json, "text", &text);
    ct_json_put_text(json, "kind", info.kind);
    if (is_changed) {
        ct_json_put_bool(json, "isChanged", true);
    }
    json->bytes.failed |= text.failed;
    ct_bytes_free(&text);
}

static void put_cell(struct dap_session *session, struct ct_json_out *json,
                     const struct rp_child *cell)
{
    if (cell->value.tag == CTR_V_UNBOUND) {
        ct_json_null(json);
        return;
    }
    ct_json_begin_object(json);
    put_text(session, json, cell->value, cell->is_changed);
    ct_json_end_object(json);
}

static void put_row(struct dap_session *session, struct ct_json_out *json,
                    const struct rp_table_rows *rows, const struct rp_table_row *row)
{
    const char *names = (const char *)rows->cells.names.data;
    ct_json_begin_object(json);
    dap_put_text(json, "name", (struct ctr_text){names + row->name, row->name_size});
    if (row->is_other) {
        dap_put_object(json, "whole");
        put_text(session, json, row->value, row->is_changed);
        ct_json_end_object(json);
    }
    dap_put_array(json, "cells");
    for (size_t i = 0; i < row->cell_count; i++) {
        put_cell(session, json, &rows->cells.children[row->first_cell + i]);
    }
    ct_json_end_array(json);
    ct_json_end_object(json);
}

/* As much of a window as one answer has room for. */
static void bound(const struct rp_table *table, struct rp_window *rows, struct rp_window *columns)
{
    uint64_t most = table->columns < COLUMNS_MAX ? table->columns : COLUMNS_MAX;
    columns->count = columns->count < most ? columns->count : most;
    most = CELLS_MAX / (columns->count > 0 ? columns->count : 1);
    rows->count = rows->count < most ? rows->count : most;
}

static int put_window(struct dap_request *request, struct ctr_value value, struct dap_frame frame,
                      struct rp_window rows, struct rp_window columns)
{
    struct dap_session *session = request->session;
    struct ct_json_out *json = &request->body;
    struct rp_table table = {0};
    struct rp_table_rows read = {0};
    int status = rp_table(session->replay, value, &table, &request->error);
    if (status == CT_OK && table.rows == 0) {
        status = dap_refuse(request, "the value is no table");
    }
    if (status == CT_OK) {
        bound(&table, &rows, &columns);
        status = rp_table_read(session->replay, value, &table, frame.thread, frame.index, rows,
                               columns, &read, &request->error);
    }
    if (status == CT_OK) {
        ct_json_begin_object(json);
        put_sizes(json, &table);
        if (table.has_names) {
            put_names(session, json, &table, columns);
        }
        dap_put_array(json, "window");
        for (size_t i = 0; i < read.count; i++) {
            put_row(session, json, &read, &read.rows[i]);
        }
        ct_json_end_array(json);
        ct_json_end_object(json);
    }
    rp_table_rows_clear(&read);
    rp_table_clear(&table);
    return status;
}

int dap_load_table(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct ctr_value value;
    dap_need(request, from, "variablesReference");
    uint64_t reference = dap_uint(request, from, "variablesReference", 0);
    struct dap_frame frame = dap_frame_of(request, from);
    struct rp_window rows = {dap_uint(request, from, "start", 0),
                             dap_count(request, from, "count")};
    struct rp_window columns = {dap_uint(request, from, "firstColumn", 0),
                                dap_count(request, from, "columnCount")};
    if (request->status != CT_OK) {
        return request->status;
    }
    if (!dap_referred(request->session, reference, &value)) {
        return dap_refuse_reference(request, reference);
    }
    return put_window(request, value, frame, rows, columns);
}
