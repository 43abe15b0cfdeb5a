/* `ct print --functions`: the code that ran, and what is known of it without running it. */
#include <stdlib.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/print.h"
#include "trace/facts.h"

static const struct {
    const char *name; /* in JSON */
    const char *text; /* for people */
} uses[CTR_USE_MAX] = {
    [CTR_USE_READ] = {"read", "reads"},
    [CTR_USE_WRITE] = {"write", "writes"},
    [CTR_USE_DELETE] = {"delete", "deletes"},
    [CTR_USE_READ_NAME] = {"read name", "reads"},
    [CTR_USE_WRITE_NAME] = {"write name", "writes"},
    [CTR_USE_DELETE_NAME] = {"delete name", "deletes"},
    [CTR_USE_READ_ATTRIBUTE] = {"read attribute", "reads ."},
    [CTR_USE_WRITE_ATTRIBUTE] = {"write attribute", "writes ."},
    [CTR_USE_DELETE_ATTRIBUTE] = {"delete attribute", "deletes ."},
    [CTR_USE_READ_ITEM] = {"read item", "reads []"},
    [CTR_USE_WRITE_ITEM] = {"write item", "writes []"},
    [CTR_USE_DELETE_ITEM] = {"delete item", "deletes []"},
    [CTR_USE_CALL] = {"call", "calls"},
    [CTR_USE_CODE] = {"code", "makes"},
};

static const char *const loop_names[CTR_LOOP_MAX] = {
    [CTR_LOOP_FOR] = "for",
    [CTR_LOOP_WHILE] = "while",
    [CTR_LOOP_ASYNC_FOR] = "async for",
    [CTR_LOOP_COMPREHENSION] = "comprehension",
};

static const char *const sense_names[CTR_JUMPS_MAX] = {
    [CTR_JUMPS_IF_FALSE] = "false",
    [CTR_JUMPS_IF_TRUE] = "true",
    [CTR_JUMPS_IF_NONE] = "none",
    [CTR_JUMPS_IF_NOT_NONE] = "not none",
};

/* ---- Parameters ---- */

enum { CODE_HAS_STAR = 4, CODE_HAS_DOUBLE_STAR = 8 }; /* of co_flags */

struct parameter {
    const char *kind;
    const char *stars;
    struct ctr_text name;
};

/* Parameter `i` in the order of the variables: keyword-only ones come before the star's. */
static bool parameter_at(const struct ctr_plan *plan, uint32_t i, struct parameter *parameter)
{
    uint64_t plain = (uint64_t)plan->arguments + plan->keyword_only;
    bool has_star = (plan->flags & CODE_HAS_STAR) != 0;
    bool has_double_star = (plan->flags & CODE_HAS_DOUBLE_STAR) != 0;
    if (i >= plan->variable_count || i >= plain + has_star + has_double_star) {
        return false;
    }
    *parameter = (struct parameter){.stars = "", .name = plan->variables[i].name};
    if (i < plan->positional_only) {
        parameter->kind = "positional-only";
    } else if (i < plan->arguments) {
        parameter->kind = "positional";
    } else if (i < plain) {
        parameter->kind = "keyword-only";
    } else if (i == plain && has_star) {
        parameter->kind = "star";
        parameter->stars = "*";
    } else {
        parameter->kind = "double star";
        parameter->stars = "**";
    }
    return true;
}

/* ---- Text ---- */

static void add_parameters(const struct ctr_plan *plan, struct ct_bytes *to)
{
    struct parameter parameter;
    for (uint32_t i = 0; parameter_at(plan, i, &parameter); i++) {
        ct_bytes_add_text(to, i == 0 ? "" : ", ");
        ct_bytes_add_text(to, parameter.stars);
        print_safe(parameter.name, to);
    }
}

static void add_use(const struct ctr_use_fact *use, struct ct_bytes *to)
{
    const char *text = uses[use->use].text;
    bool is_attached = text[strlen(text) - 1] == '.';
    ct_bytes_add_text(to, text);
    ct_bytes_add_text(to, use->name.size == 0 || is_attached ? "" : " ");
    print_safe(use->name, to);
    if (use->place.has_columns && use->place.line == use->place.end_line) {
        ct_bytes_add_format(to, " %u-%u", use->place.column, use->place.end_column);
    } else if (use->place.has_columns) {
        ct_bytes_add_format(to, " %u-%u:%u", use->place.column, use->place.end_line,
                            use->place.end_column);
    }
}

struct lines { /* what is said of each line, in order; the uses of one line in that of the code */
    uint32_t line;
    uint32_t order;
    const struct ctr_use_fact *use;
    const struct ctr_loop_fact *loop;
    const struct ctr_branch_fact *branch;
};

static int by_line(const void *left, const void *right)
{
    const struct lines *a = left, *b = right;
    return a->line != b->line ? (a->line < b->line ? -1 : 1) : (a->order < b->order ? -1 : 1);
}

static struct lines *sort_lines(const struct ctr_facts *facts, size_t *count)
{
    *count = (size_t)facts->loop_count + facts->branch_count + facts->use_count;
    struct lines *lines = calloc(*count + 1, sizeof *lines);
    size_t at = 0;
    for (uint32_t i = 0; lines != NULL && i < facts->loop_count; i++, at++) {
        lines[at] = (struct lines){.line = facts->loops[i].first_line, .loop = &facts->loops[i]};
    }
    for (uint32_t i = 0; lines != NULL && i < facts->branch_count; i++, at++) {
        lines[at] =
            (struct lines){.line = facts->branches[i].place.line, .branch = &facts->branches[i]};
    }
    for (uint32_t i = 0; lines != NULL && i < facts->use_count; i++, at++) {
        lines[at] = (struct lines){.line = facts->uses[i].place.line, .use = &facts->uses[i]};
    }
    for (size_t i = 0; lines != NULL && i < at; i++) {
        lines[i].order = (uint32_t)i;
    }
    if (lines != NULL) {
        qsort(lines, *count, sizeof *lines, by_line);
    }
    return lines;
}

static void add_line(const struct lines *line, struct ct_bytes *to)
{
    if (line->use != NULL) {
        add_use(line->use, to);
    } else if (line->loop != NULL) {
        ct_bytes_add_format(to, "%s loop to %u", loop_names[line->loop->kind],
                            line->loop->last_line);
    } else {
        ct_bytes_add_format(to, "branch to %u, if %s to %u", line->branch->next_line,
                            sense_names[line->branch->sense], line->branch->jump_line);
    }
}

static void add_facts(const struct ctr_facts *facts, struct ct_bytes *to)
{
    size_t count;
    struct lines *lines = sort_lines(facts, &count);
    for (size_t i = 0; lines != NULL && i < count; i++) {
        if (i == 0 || lines[i].line != lines[i - 1].line) {
            ct_bytes_add_format(to, "%s%8u  ", i == 0 ? "" : "\n", lines[i].line);
        } else {
            ct_bytes_add_text(to, "; ");
        }
        add_line(&lines[i], to);
    }
    ct_bytes_add_text(to, count == 0 ? "" : "\n");
    ct_bytes_add_text(to, facts->is_cut ? "          … (too much to record)\n" : "");
    free(lines);
}

static void put_text(struct print *print, const struct ctr_plan *plan,
                     const struct ctr_facts *facts)
{
    struct ct_bytes text = {0};
    print_file_name(print, plan->path, &text);
    ct_bytes_add_format(&text, ":%u  ", plan->first_line);
    print_safe(plan->qualname, &text);
    ct_bytes_add_byte(&text, '(');
    add_parameters(plan, &text);
    ct_bytes_add_text(&text, ")\n");
    add_facts(facts, &text);
    fwrite(text.data, 1, text.size, stdout);
    ct_bytes_free(&text);
}

/* ---- JSON ---- */

static void put_member(struct ct_json_out *json, const char *key, struct ctr_text text)
{
    ct_json_key(json, key);
    ct_json_text_n(json, text.bytes, text.size);
}

static void put_place(struct ct_json_out *json, const struct ctr_place_in_source *place)
{
    ct_json_put_uint(json, "line", place->line);
    ct_json_put_uint(json, "end_line", place->end_line);
    if (place->has_columns) {
        ct_json_put_uint(json, "column", place->column);
        ct_json_put_uint(json, "end_column", place->end_column);
    }
}

static void put_parameters(struct ct_json_out *json, const struct ctr_plan *plan)
{
    struct parameter parameter;
    ct_json_key(json, "parameters");
    ct_json_begin_array(json);
    for (uint32_t i = 0; parameter_at(plan, i, &parameter); i++) {
        ct_json_begin_object(json);
        put_member(json, "name", parameter.name);
        ct_json_put_text(json, "kind", parameter.kind);
        ct_json_end_object(json);
    }
    ct_json_end_array(json);
}

static void put_loops(struct ct_json_out *json, const struct ctr_facts *facts)
{
    ct_json_key(json, "loops");
    ct_json_begin_array(json);
    for (uint32_t i = 0; i < facts->loop_count; i++) {
        ct_json_begin_object(json);
        ct_json_put_text(json, "kind", loop_names[facts->loops[i].kind]);
        ct_json_put_uint(json, "first_line", facts->loops[i].first_line);
        ct_json_put_uint(json, "last_line", facts->loops[i].last_line);
        ct_json_end_object(json);
    }
    ct_json_end_array(json);
}

static void put_branches(struct ct_json_out *json, const struct ctr_facts *facts)
{
    ct_json_key(json, "branches");
    ct_json_begin_array(json);
    for (uint32_t i = 0; i < facts->branch_count; i++) {
        const struct ctr_branch_fact *branch = &facts->branches[i];
        ct_json_begin_object(json);
        put_place(json, &branch->place);
        ct_json_put_uint(json, "next_line", branch->next_line);
        ct_json_put_text(json, "jumps_if", sense_names[branch->sense]);
        ct_json_put_uint(json, "jump_line", branch->jump_line);
        ct_json_end_object(json);
    }
    ct_json_end_array(json);
}

static void put_uses(struct ct_json_out *json, const struct ctr_facts *facts)
{
    ct_json_key(json, "uses");
    ct_json_begin_array(json);
    for (uint32_t i = 0; i < facts->use_count; i++) {
        const struct ctr_use_fact *use = &facts->uses[i];
        ct_json_begin_object(json);
        ct_json_put_text(json, "use", uses[use->use].name);
        if (use->name.bytes != NULL) {
            put_member(json, "name", use->name);
        }
        if (use->use == CTR_USE_CODE) {
            ct_json_put_uint(json, "first_line", facts->codes[use->index].first_line);
        }
        put_place(json, &use->place);
        ct_json_end_object(json);
    }
    ct_json_end_array(json);
}

static void put_json(struct print *print, uint32_t id, const struct ctr_plan *plan,
                     const struct ctr_facts *facts)
{
    struct ct_json_out json;
    const struct ctr_path *path = ctr_path(print->trace, plan->path);
    ct_json_init(&json, stdout);
    ct_json_begin_object(&json);
    ct_json_put_uint(&json, "code", id);
    put_member(&json, "function", plan->qualname);
    put_member(&json, "module", plan->module);
    put_member(&json, "file", path != NULL ? path->path : (struct ctr_text){"", 0});
    ct_json_put_uint(&json, "line", plan->first_line);
    put_parameters(&json, plan);
    put_loops(&json, facts);
    put_branches(&json, facts);
    put_uses(&json, facts);
    if (facts->is_cut) {
        ct_json_put_bool(&json, "cut", true);
    }
    ct_json_end_object(&json);
    ct_bytes_add_byte(&json.bytes, '\n');
    ct_json_finish(&json, NULL); /* what stdout did not take, main() reports */
    ct_json_clear(&json);
}

/* ---- All of them ---- */

int print_functions(struct print *print)
{
    const char *format = print->options->format;
    bool is_json = format != NULL && strcmp(format, "json") == 0;
    for (uint32_t id = 0; id < print->info->plan_count; id++) {
        const struct ctr_plan *plan = ctr_plan(print->trace, id);
        if (plan == NULL || !print_wants_function(print, plan)) {
            continue;
        }
        struct ctr_facts facts;
        struct ct_error error;
        int status = ctr_facts_read(print->trace, id, &facts, &error);
        if (status == CT_EFORMAT && !print->options->salvage) {
            cli_error("%s: %s", print->path, error.message);
            return CLI_FAILED;
        }
        if (status == CT_EFORMAT) {
            cli_note("%s: %s", print->path, error.message);
        }
        if (is_json) {
            put_json(print, id, plan, &facts);
        } else {
            put_text(print, plan, &facts);
        }
        ctr_facts_clear(&facts);
    }
    return CLI_OK;
}
