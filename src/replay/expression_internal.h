/* What reading and evaluating expressions share: the tree of an expression, and values on their
 * way. */
#ifndef CT_REPLAY_EXPRESSION_INTERNAL_H
#define CT_REPLAY_EXPRESSION_INTERNAL_H

#include <gmp.h>

#include "replay/class_methods.h"
#include "replay/expression.h"
#include "replay/session_internal.h"

/* ---- the tree (expression.c) ---- */

enum rp_node_kind {
    RP_N_NAME,
    RP_N_INT,
    RP_N_FLOAT,
    RP_N_STR,
    RP_N_BYTES,
    RP_N_NONE,
    RP_N_TRUE,
    RP_N_FALSE,
    RP_N_ELLIPSIS,
    RP_N_TUPLE,
    RP_N_LIST,
    RP_N_SET,
    RP_N_ATTRIBUTE, /* child . text */
    RP_N_INDEX,     /* child [child] */
    RP_N_SLICE,     /* child [child : child : child]; absent ones are NULL */
    RP_N_CALL,      /* child (children...) */
    RP_N_UNARY,     /* op child */
    RP_N_BINARY,    /* child op child */
    RP_N_COMPARE,   /* child (op child)...: the operators in `operators` */
    RP_N_AND,
    RP_N_OR,
    RP_N_NOT,
    RP_N_CHOICE, /* children: condition, then, else */
};

enum rp_op {
    RP_OP_ADD,
    RP_OP_SUB,
    RP_OP_MUL,
    RP_OP_DIV,
    RP_OP_FLOOR,
    RP_OP_MOD,
    RP_OP_POW,
    RP_OP_LSHIFT,
    RP_OP_RSHIFT,
    RP_OP_AND,
    RP_OP_OR,
    RP_OP_XOR,
    RP_OP_NEG,
    RP_OP_POS,
    RP_OP_INVERT,
    RP_OP_LT,
    RP_OP_LE,
    RP_OP_EQ,
    RP_OP_NE,
    RP_OP_GE,
    RP_OP_GT,
    RP_OP_IN,
    RP_OP_NOT_IN,
    RP_OP_IS,
    RP_OP_IS_NOT,
};

struct rp_node {
    enum rp_node_kind kind;
    enum rp_op op;
    size_t at;        /* byte in the text */
    const char *text; /* NAME, ATTRIBUTE, STR, BYTES, INT: digits without _, in `base` */
    size_t size;
    int base;
    bool is_small;   /* INT: it is `integer` */
    int64_t integer; /* INT */
    double number;   /* FLOAT */
    uint32_t name;   /* NAME: how many stand before it */
    struct rp_node **children;
    uint32_t count;
    enum rp_op *operators; /* COMPARE: one less than the children */
};

/* Memory of one tree or one evaluation, let go at once. */
struct rp_arena {
    struct rp_chunk *chunks;
    size_t used; /* in the first chunk */
    size_t total, limit;
};
/* Zeroed; NULL: no memory, or beyond the limit. */
void *rp_arena_get(struct rp_arena *arena, size_t size);
void rp_arena_free(struct rp_arena *arena);

struct rp_expression {
    struct rp_arena arena;
    char *text;
    struct rp_node *root;
};

/* ---- values on their way ---- */

enum rp_value_kind {
    RP_V_NONE,
    RP_V_BOOL,
    RP_V_INT,
    RP_V_FLOAT,
    RP_V_STR,
    RP_V_BYTES,
    RP_V_TUPLE,
    RP_V_LIST,
    RP_V_SET,  /* and frozensets */
    RP_V_DICT, /* keys and values in turn in `items` */
    RP_V_RANGE,
    RP_V_TYPE,
    RP_V_THING, /* any other recorded value */
};

struct rp_val {
    enum rp_value_kind kind;
    bool is_recorded;
    struct ctr_value recorded;
    uint32_t shape;              /* recorded: its kind, as shape.h has them */
    const struct ctr_type *type; /* recorded: its own, or NULL */
    bool truth;                  /* BOOL */
    mpz_t integer;
    struct rp_val *next_integer; /* all ints of the evaluation, to clear them */
    double number;
    const char *text; /* STR, BYTES; TYPE: module and qualified name, without `builtins.` */
    size_t size;
    bool is_cut; /* there was more than is here */
    uint64_t true_length;
    bool is_loaded; /* containers: `items` are here */
    struct rp_val **items;
    uint64_t count;
};

struct rp_eval {
    struct rp_session *session;
    struct ctr_player *player;
    const struct ctr_frame *frame; /* of the player */
    struct rp_arena arena;
    struct rp_val *integers;
    uint64_t work;
    bool as_str;          /* of a str the text is its characters, not its repr */
    unsigned nesting;     /* of values being compared */
    size_t at, failed_at; /* of the node at hand, and of the one that failed */
    int status;
    struct ct_error *error;
};

/* Fail with a message; NULL, so that callers can write `return rp_fail(...)`. */
struct rp_val *rp_fail(struct rp_eval *eval, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What the recording does not say. */
struct rp_val *rp_unknown(struct rp_eval *eval, const char *what);
/* Count some work; false: too much. */
bool rp_work(struct rp_eval *eval, uint64_t amount);

struct rp_val *rp_val_new(struct rp_eval *eval, enum rp_value_kind kind);
struct rp_val *rp_val_int(struct rp_eval *eval, int64_t number);
struct rp_val *rp_val_integer(struct rp_eval *eval); /* 0, for the caller to set */
struct rp_val *rp_val_float(struct rp_eval *eval, double number);
struct rp_val *rp_val_bool(struct rp_eval *eval, bool truth);
struct rp_val *rp_val_str(struct rp_eval *eval, enum rp_value_kind kind, const char *text,
                          size_t size);
struct rp_val *rp_val_container(struct rp_eval *eval, enum rp_value_kind kind, uint64_t count);
/* The type of a value: a TYPE. */
struct rp_val *rp_val_type_of(struct rp_eval *eval, const struct rp_val *val);
/* A recorded value. */
struct rp_val *rp_val_load(struct rp_eval *eval, struct ctr_value recorded);
/* What its class may do in its own way: a set of enum rp_methods. */
unsigned rp_val_methods(struct rp_eval *eval, const struct rp_val *val);
/* The items of a container are in `items` afterwards. */
bool rp_val_items(struct rp_eval *eval, struct rp_val *val);
/* One item of a container that has at least so many, or the key or value of a dict. */
struct rp_val *rp_val_item(struct rp_eval *eval, struct rp_val *val, uint64_t index);
/* What its type is called, for messages. */
const char *rp_val_type_name(struct rp_eval *eval, const struct rp_val *val);
/* The value of a name in the frame, its module or the built-in types. */
struct rp_val *rp_val_of_name(struct rp_eval *eval, const char *name, size_t size);

struct rp_val *rp_eval_node(struct rp_eval *eval, const struct rp_node *node);

/* As rp_evaluate, in a frame of any player; `as_str`: the text is what str() gives. */
int rp_evaluate_in(struct rp_session *session, struct ctr_player *player,
                   const struct ctr_frame *frame, const struct rp_expression *expression,
                   const struct ctr_text_options *options, bool as_str, struct rp_answer *answer,
                   size_t *at, struct ct_error *error);

/* The same where many are looked at and each may take a moment only. False: it has no value there,
 * or would take longer. */
enum { RP_BRIEF_WORK = 5000 };
bool rp_evaluate_briefly(struct rp_session *session, struct ctr_player *player,
                         const struct ctr_frame *frame, const struct rp_expression *expression,
                         const struct ctr_text_options *options, struct rp_answer *answer);

/* operators.c */
struct rp_val *rp_binary(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b);
struct rp_val *rp_unary(struct rp_eval *eval, enum rp_op op, struct rp_val *a);
bool rp_is_number(const struct rp_val *val);
/* As Python's // and %: the rest has the sign of the divisor, which is not 0. */
void rp_divide_floats(double a, double b, double *quotient, double *rest);
/* An int of a value that is one, or a bool. */
void rp_to_integer(const struct rp_val *val, mpz_t to);

/* compare.c: 1, 0; -1: failed */
int rp_compare(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b);
int rp_equal(struct rp_eval *eval, struct rp_val *a, struct rp_val *b);
int rp_truth(struct rp_eval *eval, struct rp_val *val);
/* Whether it can be in a set. */
bool rp_is_hashable(struct rp_eval *eval, struct rp_val *val);

/* builtins.c; NULL where there is no such function */
typedef struct rp_val *rp_builtin(struct rp_eval *eval, struct rp_val **arguments, uint32_t count);
rp_builtin *rp_builtin_named(const char *name, size_t size);
bool rp_is_type_name(const char *name, size_t size);
/* What len() gives; false: failed. */
bool rp_length(struct rp_eval *eval, struct rp_val *val, uint64_t *length);

/* subscript.c */
struct rp_val *rp_subscript(struct rp_eval *eval, struct rp_val *of, struct rp_val *key);
struct rp_val *rp_slice(struct rp_eval *eval, struct rp_val *of, struct rp_val *const bounds[3]);
struct rp_val *rp_attribute(struct rp_eval *eval, struct rp_val *of, const char *name, size_t size);

/* Append repr, or str, of a value. */
bool rp_val_text(struct rp_eval *eval, struct rp_val *val, const struct ctr_text_options *options,
                 bool as_str, struct ct_bytes *to);

/* Characters of WTF-8, and where the one of this number starts. */
uint64_t rp_characters(const char *text, size_t size);
size_t rp_character_at(const char *text, size_t size, uint64_t index);

#endif
