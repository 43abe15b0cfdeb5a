#include "dap/log_message.h"

#include <stdlib.h>

#include "replay/expression.h"

enum { PARTS_MAX = 100 };

struct part {
    size_t at, size;                  /* of the text */
    struct rp_expression *expression; /* or this, whose value as str() gives it */
};

struct dap_log_message {
    struct ct_bytes text;
    uint32_t count;
    struct part parts[PARTS_MAX];
};

void dap_log_message_free(struct dap_log_message *message)
{
    if (message != NULL) {
        for (uint32_t i = 0; i < message->count; i++) {
            rp_expression_free(message->parts[i].expression);
        }
        ct_bytes_free(&message->text);
        free(message);
    }
}

/* The brace that ends an expression: braces and quoted text inside belong to it. NULL: none. */
static const char *end_of_expression(const char *at)
{
    unsigned depth = 0;
    char quote = '\0';
    for (; *at != '\0'; at++) {
        if (quote != '\0') {
            at += *at == '\\' && at[1] != '\0';
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (*at == '{') {
            depth++;
        } else if (*at == '}' && depth-- == 0) {
            return at;
        }
    }
    return NULL;
}

static int add_expression(struct dap_log_message *message, const char *text, size_t size,
                          size_t *at, struct ct_error *error)
{
    if (message->count == PARTS_MAX) {
        return ct_fail(error, CT_ELIMIT, "more than %d expressions and texts", PARTS_MAX);
    }
    struct part *part = &message->parts[message->count];
    int status = rp_expression_new(&part->expression, text, size, at, error);
    message->count += status == CT_OK;
    return status;
}

static void add_text(struct dap_log_message *message, const char *text, size_t size)
{
    bool goes_on = message->count > 0 && message->parts[message->count - 1].expression == NULL;
    if (!goes_on && message->count < PARTS_MAX) {
        message->parts[message->count++] = (struct part){.at = message->text.size};
    }
    ct_bytes_add(&message->text, text, size);
    struct part *part = &message->parts[message->count - 1];
    if (part->expression == NULL) {
        part->size += size;
    }
}

static int parse(struct dap_log_message *message, const char *text, size_t *at,
                 struct ct_error *error)
{
    for (const char *from = text; *from != '\0';) {
        bool is_brace = *from == '{' || *from == '}';
        if (*from == '{' && from[1] != '{') {
            const char *end = end_of_expression(from + 1);
            if (end == NULL) {
                *at = (size_t)(from - text);
                return ct_fail(error, CT_EUSAGE, "this brace is not closed");
            }
            int status = add_expression(message, from + 1, (size_t)(end - from - 1), at, error);
            if (status != CT_OK) {
                *at += (size_t)(from + 1 - text);
                return status;
            }
            from = end + 1;
        } else {
            add_text(message, from, 1);
            from += is_brace && from[1] == *from ? 2 : 1;
        }
    }
    return message->text.failed ? ct_fail(error, CT_ENOMEM, "no memory for a log message") : CT_OK;
}

int dap_log_message_new(struct dap_log_message **message, const char *text, size_t *at,
                        struct ct_error *error)
{
    *message = calloc(1, sizeof **message);
    *at = 0;
    if (*message == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a log message");
    }
    int status = parse(*message, text, at, error);
    if (status != CT_OK) {
        dap_log_message_free(*message);
        *message = NULL;
    }
    return status;
}

static void add_value(const struct part *part, struct rp_session *session, uint64_t step,
                      struct ct_bytes *to)
{
    static const struct ctr_text_options options = {.depth = 4, .items = 50, .characters = 2000};
    struct rp_answer answer;
    struct ct_error error = {0};
    size_t at;
    int status = rp_evaluate_at(session, part->expression, step, &options, &answer, &at, &error);
    if (status == CT_OK) {
        ct_bytes_add(to, answer.text.data, answer.text.size);
    } else {
        ct_bytes_add_format(to, "<%s>", error.message);
    }
    ct_bytes_free(&answer.text);
    ct_bytes_free(&answer.type);
}

void dap_log_message_text(const struct dap_log_message *message, struct rp_session *session,
                          uint64_t step, struct ct_bytes *to)
{
    for (uint32_t i = 0; i < message->count; i++) {
        const struct part *part = &message->parts[i];
        if (part->expression == NULL) {
            ct_bytes_add(to, message->text.data + part->at, part->size);
        } else {
            add_value(part, session, step, to);
        }
    }
}
