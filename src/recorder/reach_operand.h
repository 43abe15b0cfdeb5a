/* What stands on the evaluation stack while the instructions of a code object are walked through,
 * and what the walk finds there: reach_walk.c has the instructions, reach_call.c the calls. */
#ifndef CT_RECORDER_REACH_OPERAND_H
#define CT_RECORDER_REACH_OPERAND_H

#include "recorder/reach_internal.h"

enum known {
    UNKNOWN,
    NAMED,    /* the value of a receiver */
    METHOD,   /* `name` looked up on the receiver */
    KEY,      /* a constant, or what is computed of ints: `key` */
    RESULT,   /* of working in place on what `route` leads to; `index` is that finding's */
    REWORKED, /* the same of an item that cannot be told */
    NOTHING,  /* the NULL or self beside a callable */
    HARMLESS, /* a method of a constant: it changes nothing */
};

struct operand {
    uint8_t known;
    bool is_inside; /* NAMED, METHOD: not what the path leads to, but something in it */
    bool crossed;   /* other code ran since it was put there */
    bool movable;   /* KEY: other code can make it another */
    int32_t index;
    uint32_t unit; /* of the instruction that put it there */
    PyObject *name;
    struct route route; /* NAMED, METHOD, RESULT */
    struct path_step key;
};

enum { STACK_MAX = 64 };

struct walk {
    struct plan *plan;
    PyCodeObject *code;
    struct operand stack[STACK_MAX];
    int depth;
    int line;
    uint32_t unit; /* of the instruction, with what extends its argument; and without: */
    uint32_t at;
    PyObject *keywords; /* names of the next CALL's, on 3.12: a tuple */
    struct findings *findings;
    bool failed;
    bool watches; /* calls can be watched in this code */
    bool shifted; /* places on the stack are not what they were: it was too long */
};

/* How arguments are given. */
struct given {
    unsigned count;
    PyObject *keywords; /* names of the last ones: a tuple; NULL: they have none */
    bool is_spread;     /* from a tuple */
};

/* ---- the stack: what is not there is UNKNOWN, and the oldest goes when it is full
 * -------------------- */

struct operand operand_pop(struct walk *walk);
void operand_push(struct walk *walk, struct operand operand);
void operand_push_unknown(struct walk *walk);
struct operand operand_peek(const struct walk *walk, unsigned depth);

/* ---- findings of the line
 * ---------------------------------------------------------------------------- */

struct line_info *walk_line(struct walk *walk);

/* It may change anything. */
void walk_vague(struct walk *walk);
void walk_find(struct walk *walk, struct finding finding);

/* The line calls what nothing names: what that is, is asked when it does. */
void walk_watch(struct walk *walk, uint8_t arguments, bool has_keywords);

/* A line that may change anything is looked at along the paths it goes. */
void walk_mention(struct walk *walk, const struct operand *operand);

/* What is about to run may change where the paths lead of all that stands on the stack. */
void walk_cross(struct walk *walk);

/* A store or call through `on`; vague when nothing names it. */
void walk_act(struct walk *walk, struct operand on, struct finding finding);
void walk_act_alone(struct walk *walk, enum action action, struct operand on);

/* ---- operands
 * ---------------------------------------------------------------------------------------- */

/* Does anything name this, or what it is in? */
bool operand_is_named(const struct operand *operand);

/* A variable, a global; UNKNOWN: there is none. */
struct operand operand_of_slot(unsigned slot);
struct operand operand_of_global(struct walk *walk, unsigned index);

/* One step further along a path; when that cannot be told, or it has steps enough, what follows is
 * somewhere in there. */
struct operand operand_follow(struct operand from, struct path_step step);

/* Can other code make it another key, and did some run since it was put there? */
bool operand_is_key_movable(const struct walk *walk, const struct operand *key);
bool operand_is_key_crossed(const struct walk *walk, const struct operand *key);

/* The step that takes what `key` says out of a container; STEP_NONE: that cannot be told. */
struct path_step operand_step(struct walk *walk, const struct operand *key);

/* `i + 1`, `(x + dx) % width`: a place in a list. */
struct operand operand_computed(struct walk *walk, struct operand left, struct operand right,
                                unsigned operation);

/* A name that an instruction means; NULL: there is none. */
PyObject *walk_name(struct walk *walk, unsigned index);

/* ---- calls
 * ------------------------------------------------------------------------------------------- */

/* What a call does to objects, and what it leaves. */
void walk_call(struct walk *walk, const struct given *given);

#endif
