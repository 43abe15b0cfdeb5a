/* Expressions over recorded values: a safe part of Python's, for conditions, watches, hovers and
 * what else wants a value at a moment.
 *
 *     names (of the frame, then of its module)     x  self.items[-1].name  table["k"][2:5]
 *     literals                                     1  0x1f  2.5e3  "text"  b"ab"  (1, 2)  [1]  {1}
 *     + - * / // % ** << >> & | ^ ~                as of int (of any size), float, str, list, tuple
 *     < <= == != >= > in, not in, is, is not       chained, as Python chains them
 *     and or not, x if c else y
 *     len str repr abs min max sum any all isinstance type
 *
 * No code of the program runs, so what its classes override does not count: an instance is true
 * (a Decimal, a Fraction, a timedelta and a member of an IntEnum where they are not 0), attributes
 * are those it has itself. What the recording cannot know (the end of a value that was cut, whether
 * two instances are equal) is an error and never a guess. */
#ifndef CT_REPLAY_EXPRESSION_H
#define CT_REPLAY_EXPRESSION_H

#include "base/bytes.h"
#include "replay/session.h"
#include "replay/values.h"

struct rp_expression;

/* Limits of one expression and its evaluation: beyond them is CT_ELIMIT. */
enum {
    RP_EXPRESSION_BYTES = 16 * 1024,
    RP_EXPRESSION_NESTING = 100,
    RP_EXPRESSION_WORK = 2000 * 1000,        /* values looked at */
    RP_EXPRESSION_MEMORY = 64 * 1024 * 1024, /* bytes */
    RP_EXPRESSION_INT_BITS = 1024 * 1024,    /* of one int */
};

/* Read an expression. CT_EUSAGE: it is none; the message says why and `*at` is the byte of the text
 * where. The text is copied. */
int rp_expression_new(struct rp_expression **expression, const char *text, size_t size, size_t *at,
                      struct ct_error *error);
void rp_expression_free(struct rp_expression *expression);

struct rp_answer {
    bool is_true;
    bool is_recorded;       /* it is a value of the recording: `value`, whose children can be */
    struct ctr_value value; /* looked at; else it was computed and there is text only */
    struct ct_bytes text;   /* the caller's to free; on an error empty */
    struct ct_bytes type;
};

/* Evaluate in a frame of a thread at the session's moment. CT_ESTATE: it has no value there; the
 * message starts with the kind of error Python would raise, as "TypeError: …", where it would;
 * `*at` is where in the text. `options` (may be NULL: no text is made) is for the text. */
int rp_evaluate(struct rp_session *session, const struct rp_expression *expression, uint32_t thread,
                uint32_t frame, const struct ctr_text_options *options, struct rp_answer *answer,
                size_t *at, struct ct_error *error);

/* The same in the frame that runs at a step, wherever the session stands; the text is what str()
 * gives, and the answer's value is not to be asked about: it is of another moment. */
int rp_evaluate_at(struct rp_session *session, const struct rp_expression *expression,
                   uint64_t step, const struct ctr_text_options *options, struct rp_answer *answer,
                   size_t *at, struct ct_error *error);

#endif
