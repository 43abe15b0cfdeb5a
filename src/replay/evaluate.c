/* Evaluates the tree of an expression at a moment: names, control, limits. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/expression_internal.h"
#include "trace/shape.h"

enum { ARGUMENTS_MAX = 64 };

/* ---- failing ---- */

struct rp_val *rp_fail(struct rp_eval *eval, int status, const char *format, ...)
{
    if (eval->status == CT_OK) { /* the first one counts */
        eval->failed_at = eval->at;
        char message[CT_ERROR_MESSAGE_BYTES];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        eval->status = ct_fail(eval->error, status, "%s", message);
    }
    return NULL;
}

struct rp_val *rp_unknown(struct rp_eval *eval, const char *what)
{
    return rp_fail(eval, CT_ESTATE, "the recording does not know %s", what);
}

bool rp_work(struct rp_eval *eval, uint64_t amount)
{
    eval->work += amount;
    if (eval->work > RP_EXPRESSION_WORK || eval->status != CT_OK) {
        rp_fail(eval, CT_ELIMIT, "the expression needs too much work");
        return false;
    }
    return true;
}

/* ---- names ---- */

static bool same_text(struct ctr_text text, const char *name, size_t size)
{
    return text.size == size && memcmp(text.bytes, name, size) == 0;
}

/* Whether a recorded str is this text. */
static bool is_named(struct rp_eval *eval, struct ctr_value key, const char *name, size_t size)
{
    struct ct_bytes text = {0};
    bool is_same = ctr_shape_add_text(eval->player, key, &text) && text.size == size &&
                   memcmp(text.data, name, size) == 0;
    ct_bytes_free(&text);
    return is_same;
}

static bool find_in_dict(struct rp_eval *eval, uint64_t number, const char *name, size_t size,
                         struct ctr_value *value)
{
    const struct ctr_object *object = ctr_player_object(eval->player, number, NULL);
    for (uint32_t i = 0; object != NULL && i < object->pair_count; i++) {
        if (!rp_work(eval, 1)) {
            return false;
        }
        if (is_named(eval, object->pairs[i].key, name, size)) {
            *value = object->pairs[i].value;
            return true;
        }
    }
    return false;
}

/* A variable of the frame; of two with one name that which has a value. */
static bool find_slot(struct rp_eval *eval, const char *name, size_t size, struct ctr_value *value)
{
    const struct ctr_plan *plan = ctr_plan(eval->session->trace, eval->frame->plan);
    bool found = false;
    for (uint32_t i = 0; i < plan->variable_count && i < eval->frame->slot_count; i++) {
        const struct ctr_variable *variable = &plan->variables[i];
        struct ctr_value held = eval->frame->slots[i];
        if ((variable->kind & CTR_VAR_KIND) == CTR_VAR_NAMESPACE) {
            if (held.tag == CTR_V_OBJECT && find_in_dict(eval, held.bits, name, size, value)) {
                return true;
            }
        } else if (same_text(variable->name, name, size)) {
            bool counts = held.tag != CTR_V_UNBOUND ||
                          (!found && (variable->kind & CTR_VAR_KIND) != CTR_VAR_HIDDEN);
            *value = counts ? held : *value;
            found |= counts;
        }
    }
    return found;
}

struct rp_val *rp_val_of_name(struct rp_eval *eval, const char *name, size_t size)
{
    const struct ctr_plan *plan = ctr_plan(eval->session->trace, eval->frame->plan);
    struct ctr_value value = {0};
    bool found = find_slot(eval, name, size, &value) ||
                 (plan->globals != 0 && find_in_dict(eval, plan->globals - 1, name, size, &value));
    if (eval->status != CT_OK) {
        return NULL;
    }
    if (found && value.tag != CTR_V_UNBOUND) {
        return rp_val_load(eval, value);
    }
    if (!found && rp_is_type_name(name, size)) {
        return rp_val_str(eval, RP_V_TYPE, name, size);
    }
    return rp_fail(eval, CT_ESTATE, "NameError: '%.*s' has no value here",
                   (int)(size < 100 ? size : 100), name);
}

/* ---- nodes ---- */

static struct rp_val *literal(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *val;
    switch (node->kind) {
    case RP_N_INT:
        val = rp_val_integer(eval);
        return val != NULL && mpz_set_str(val->integer, node->text, node->base) == 0
                   ? val
                   : rp_fail(eval, CT_ESTATE, "this is no number");
    case RP_N_FLOAT:
        return rp_val_float(eval, node->number);
    case RP_N_STR:
        return rp_val_str(eval, RP_V_STR, node->text, node->size);
    case RP_N_BYTES:
        return rp_val_str(eval, RP_V_BYTES, node->text, node->size);
    case RP_N_TRUE:
    case RP_N_FALSE:
        return rp_val_bool(eval, node->kind == RP_N_TRUE);
    case RP_N_ELLIPSIS:
        return rp_val_load(eval, (struct ctr_value){.tag = CTR_V_ELLIPSIS});
    default:
        return rp_val_new(eval, RP_V_NONE);
    }
}

static struct rp_val *container(struct rp_eval *eval, const struct rp_node *node)
{
    enum rp_value_kind kind = node->kind == RP_N_TUPLE  ? RP_V_TUPLE
                              : node->kind == RP_N_LIST ? RP_V_LIST
                                                        : RP_V_SET;
    struct rp_val *val = rp_val_container(eval, kind, node->count);
    uint64_t count = 0;
    for (uint32_t i = 0; val != NULL && i < node->count; i++) {
        struct rp_val *item = rp_eval_node(eval, node->children[i]);
        if (item == NULL || (kind == RP_V_SET && !rp_is_hashable(eval, item))) {
            return NULL;
        }
        bool is_double = false;
        for (uint64_t j = 0; kind == RP_V_SET && j < count && !is_double; j++) {
            int equal = rp_equal(eval, val->items[j], item);
            if (equal < 0) {
                return NULL;
            }
            is_double = equal;
        }
        if (!is_double) {
            val->items[count++] = item;
        }
    }
    if (val != NULL) {
        val->count = count;
    }
    return val;
}

static struct rp_val *call(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *arguments[ARGUMENTS_MAX];
    const struct rp_node *function = node->children[0];
    uint32_t count = node->count - 1;
    rp_builtin *builtin =
        function->kind == RP_N_NAME ? rp_builtin_named(function->text, function->size) : NULL;
    struct ctr_value own;
    if (builtin == NULL || find_slot(eval, function->text, function->size, &own)) {
        return rp_fail(eval, CT_ESTATE,
                       "no code of the program runs: only len, str, repr, abs, "
                       "min, max, sum, any, all, isinstance and type are called");
    }
    if (count > ARGUMENTS_MAX) {
        return rp_fail(eval, CT_ELIMIT, "too many arguments");
    }
    for (uint32_t i = 0; i < count; i++) {
        arguments[i] = rp_eval_node(eval, node->children[i + 1]);
        if (arguments[i] == NULL) {
            return NULL;
        }
    }
    eval->at = node->at;
    return builtin(eval, arguments, count);
}

static struct rp_val *compare(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *left = rp_eval_node(eval, node->children[0]);
    int holds = 1;
    for (uint32_t i = 1; left != NULL && holds == 1 && i < node->count; i++) {
        struct rp_val *right = rp_eval_node(eval, node->children[i]);
        eval->at = node->at;
        holds = right != NULL ? rp_compare(eval, node->operators[i - 1], left, right) : -1;
        left = right;
    }
    return left == NULL || holds < 0 ? NULL : rp_val_bool(eval, holds);
}

static struct rp_val *either(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *val = NULL;
    for (uint32_t i = 0; i < node->count; i++) {
        val = rp_eval_node(eval, node->children[i]);
        int truth = val == NULL ? -1 : i + 1 == node->count ? 0 : rp_truth(eval, val);
        if (truth < 0) {
            return NULL;
        }
        if (i + 1 == node->count || truth == (node->kind == RP_N_OR)) {
            break;
        }
    }
    return val;
}

static struct rp_val *slice(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *of = rp_eval_node(eval, node->children[0]), *bounds[3] = {NULL, NULL, NULL};
    for (unsigned i = 0; of != NULL && i < 3; i++) {
        if (node->children[i + 1] != NULL) {
            bounds[i] = rp_eval_node(eval, node->children[i + 1]);
            of = bounds[i] != NULL ? of : NULL;
        }
    }
    eval->at = node->at;
    return of != NULL ? rp_slice(eval, of, bounds) : NULL;
}

static struct rp_val *one_of_two(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *a = rp_eval_node(eval, node->children[0]);
    struct rp_val *b = a != NULL && node->count > 1 ? rp_eval_node(eval, node->children[1]) : NULL;
    eval->at = node->at;
    if (a == NULL || (node->count > 1 && b == NULL)) {
        return NULL;
    }
    int truth;
    switch (node->kind) {
    case RP_N_ATTRIBUTE:
        return rp_attribute(eval, a, node->text, node->size);
    case RP_N_INDEX:
        return rp_subscript(eval, a, b);
    case RP_N_UNARY:
        return rp_unary(eval, node->op, a);
    case RP_N_NOT:
        truth = rp_truth(eval, a);
        return truth < 0 ? NULL : rp_val_bool(eval, !truth);
    default:
        return rp_binary(eval, node->op, a, b);
    }
}

static struct rp_val *choose(struct rp_eval *eval, const struct rp_node *node)
{
    struct rp_val *condition = rp_eval_node(eval, node->children[0]);
    int truth = condition != NULL ? rp_truth(eval, condition) : -1;
    return truth < 0 ? NULL : rp_eval_node(eval, node->children[truth ? 1 : 2]);
}

struct rp_val *rp_eval_node(struct rp_eval *eval, const struct rp_node *node)
{
    if (!rp_work(eval, 1)) {
        return NULL;
    }
    eval->at = node->at;
    switch (node->kind) {
    case RP_N_NAME:
        return rp_val_of_name(eval, node->text, node->size);
    case RP_N_TUPLE:
    case RP_N_LIST:
    case RP_N_SET:
        return container(eval, node);
    case RP_N_CALL:
        return call(eval, node);
    case RP_N_COMPARE:
        return compare(eval, node);
    case RP_N_AND:
    case RP_N_OR:
        return either(eval, node);
    case RP_N_SLICE:
        return slice(eval, node);
    case RP_N_CHOICE:
        return choose(eval, node);
    case RP_N_ATTRIBUTE:
    case RP_N_INDEX:
    case RP_N_UNARY:
    case RP_N_NOT:
    case RP_N_BINARY:
        return one_of_two(eval, node);
    default:
        return literal(eval, node);
    }
}

/* ---- all of it ---- */

static void make_answer(struct rp_eval *eval, struct rp_val *val,
                        const struct ctr_text_options *options, struct rp_answer *answer)
{
    int truth = rp_truth(eval, val);
    if (truth < 0 && options != NULL) { /* it can be shown all the same */
        eval->status = CT_OK;
        eval->failed_at = 0;
        truth = 0;
    }
    answer->is_true = truth == 1;
    answer->is_recorded = val->is_recorded;
    answer->value = val->recorded;
    if (options != NULL && eval->status == CT_OK) {
        rp_val_text(eval, val, options, eval->as_str, &answer->text);
        ct_bytes_add_text(&answer->type, rp_val_type_name(eval, val));
    }
    if (answer->text.failed || answer->type.failed) {
        rp_fail(eval, CT_ENOMEM, "no memory for the text of a value");
    }
}

static int evaluate(struct rp_eval *eval, const struct rp_expression *expression,
                    const struct ctr_text_options *options, struct rp_answer *answer, size_t *at)
{
    *answer = (struct rp_answer){0};
    eval->arena.limit = RP_EXPRESSION_MEMORY;
    struct rp_val *val = rp_eval_node(eval, expression->root);
    if (val != NULL) {
        make_answer(eval, val, options, answer);
    }
    for (struct rp_val *next = eval->integers; next != NULL; next = next->next_integer) {
        mpz_clear(next->integer);
    }
    rp_arena_free(&eval->arena);
    if (eval->status != CT_OK) {
        ct_bytes_free(&answer->text);
        ct_bytes_free(&answer->type);
        *answer = (struct rp_answer){0};
    }
    *at = eval->failed_at;
    return eval->status;
}

int rp_evaluate_in(struct rp_session *session, struct ctr_player *player,
                   const struct ctr_frame *frame, const struct rp_expression *expression,
                   const struct ctr_text_options *options, bool as_str, struct rp_answer *answer,
                   size_t *at, struct ct_error *error)
{
    struct rp_eval eval = {
        .as_str = as_str, .session = session, .player = player, .frame = frame, .error = error};
    return evaluate(&eval, expression, options, answer, at);
}

bool rp_evaluate_briefly(struct rp_session *session, struct ctr_player *player,
                         const struct ctr_frame *frame, const struct rp_expression *expression,
                         const struct ctr_text_options *options, struct rp_answer *answer)
{
    struct ct_error error = {0};
    size_t at;
    struct rp_eval eval = {.session = session,
                           .player = player,
                           .frame = frame,
                           .work = RP_EXPRESSION_WORK - RP_BRIEF_WORK,
                           .error = &error};
    return evaluate(&eval, expression, options, answer, &at) == CT_OK;
}

int rp_evaluate(struct rp_session *session, const struct rp_expression *expression, uint32_t thread,
                uint32_t frame, const struct ctr_text_options *options, struct rp_answer *answer,
                size_t *at, struct ct_error *error)
{
    const struct ctr_frame *in = rp_frame_at(session, thread, frame);
    *answer = (struct rp_answer){0};
    *at = 0;
    if (in == NULL || ctr_plan(session->trace, in->plan) == NULL) {
        return ct_fail(error, CT_EUSAGE, "there is no frame %u of thread %u", frame, thread);
    }
    return rp_evaluate_in(session, session->player, in, expression, options, false, answer, at,
                          error);
}

int rp_evaluate_at(struct rp_session *session, const struct rp_expression *expression,
                   uint64_t step, const struct ctr_text_options *options, struct rp_answer *answer,
                   size_t *at, struct ct_error *error)
{
    struct ctr_event event;
    *answer = (struct rp_answer){0};
    *at = 0;
    int status = ctr_player_seek(session->scout, step, &event, error);
    if (status == CT_OK &&
        (event.frame == NULL || ctr_plan(session->trace, event.frame->plan) == NULL)) {
        status = ct_fail(error, CT_EFORMAT, "nothing runs at step %llu", (unsigned long long)step);
    }
    return status == CT_OK ? rp_evaluate_in(session, session->scout, event.frame, expression,
                                            options, true, answer, at, error)
                           : status;
}
