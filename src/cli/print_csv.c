/* `ct print --format csv`: one row per event, quoted as RFC 4180 says. The column `changes` holds
 * what became of the frame's variables since its previous row. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/print.h"
#include "cli/print_variable.h"

struct csv {
    struct print_changes *changes;
    struct ct_bytes row;
    struct ct_bytes cell;
    struct ct_bytes safe;
    bool is_shown; /* at a terminal, which no name may control; elsewhere the bytes are exact */
};

static void *csv_open(struct print *print)
{
    (void)print;
    struct csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL) {
        return NULL;
    }
    csv->changes = print_changes_new();
    if (csv->changes == NULL) {
        free(csv);
        return NULL;
    }
    csv->is_shown = isatty(STDOUT_FILENO);
    fputs("step,event,ms,thread,call,depth,file,line,function,value,changes\r\n", stdout);
    return csv;
}

static bool needs_quotes(const struct ct_bytes *cell)
{
    for (size_t i = 0; i < cell->size; i++) {
        if (strchr(",\"\r\n", cell->data[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void make_safe(struct csv *csv)
{
    struct ct_bytes cell = csv->cell;
    csv->safe.size = 0;
    print_safe((struct ctr_text){(const char *)cell.data, cell.size}, &csv->safe);
    csv->cell = csv->safe;
    csv->safe = cell;
}

/* Move the cell into the row. */
static void end_cell(struct csv *csv)
{
    if (csv->is_shown) {
        make_safe(csv);
    }
    if (!needs_quotes(&csv->cell)) {
        ct_bytes_add(&csv->row, csv->cell.data, csv->cell.size);
    } else {
        ct_bytes_add_byte(&csv->row, '"');
        for (size_t i = 0; i < csv->cell.size; i++) {
            if (csv->cell.data[i] == '"') {
                ct_bytes_add_byte(&csv->row, '"');
            }
            ct_bytes_add_byte(&csv->row, csv->cell.data[i]);
        }
        ct_bytes_add_byte(&csv->row, '"');
    }
    ct_bytes_add_byte(&csv->row, ',');
    csv->cell.size = 0;
}

static void add_number(struct csv *csv, uint64_t number)
{
    ct_bytes_add_format(&csv->row, "%llu,", (unsigned long long)number);
}

static void add_frame(struct csv *csv, struct print *print)
{
    const struct ctr_plan *plan = print_plan(print);
    if (plan == NULL) {
        ct_bytes_add_text(&csv->row, ",,,,,");
        return;
    }
    add_number(csv, print->frame.call);
    add_number(csv, print->frame.depth);
    const struct ctr_path *path = ctr_path(print->trace, plan->path);
    if (path != NULL) {
        ct_bytes_add(&csv->cell, path->path.bytes, path->path.size);
    }
    end_cell(csv);
    add_number(csv, print->frame.line);
    ct_bytes_add(&csv->cell, plan->qualname.bytes, plan->qualname.size);
    end_cell(csv);
}

static void add_change(struct print_variables *variable, void *context)
{
    struct csv *csv = context;
    if (csv->cell.size > 0) {
        ct_bytes_add_text(&csv->cell, "; ");
    }
    struct ctr_text name = print_variable_name(variable);
    ct_bytes_add(&csv->cell, name.bytes, name.size);
    ct_bytes_add_text(&csv->cell, " = ");
    print_value(variable->print, variable->value, &csv->cell);
}

static void csv_event(struct print *print, void *state)
{
    struct csv *csv = state;
    csv->row.size = 0;
    csv->cell.size = 0;
    add_number(csv, print->event.step);
    ct_bytes_add_text(&csv->row, ctr_event_name(print->event.kind));
    ct_bytes_add_byte(&csv->row, ',');
    add_number(csv, print->event.tick);
    add_number(csv, print->event.thread);
    add_frame(csv, print);
    if (print->event.value.tag != CTR_V_UNBOUND) {
        print_value(print, print->event.value, &csv->cell);
    }
    end_cell(csv);
    print_changes_visit(csv->changes, print, add_change, csv);
    end_cell(csv);
    csv->row.size--; /* the last comma */
    ct_bytes_add_text(&csv->row, "\r\n");
    fwrite(csv->row.data, 1, csv->row.size, stdout);
}

static void csv_close(struct print *print, void *state)
{
    (void)print;
    struct csv *csv = state;
    print_changes_free(csv->changes);
    ct_bytes_free(&csv->row);
    ct_bytes_free(&csv->cell);
    ct_bytes_free(&csv->safe);
    free(csv);
}

const struct print_view print_view_csv = {csv_open, csv_event, csv_close};
