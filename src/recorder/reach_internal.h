/* What the reach_*.c files share while a code object is learned: reach_walk.c finds what its
 * instructions do to objects (reach_operand.c keeps what they work on, reach_call.c has the calls),
 * reach_order.c what of it gets in the way of the rest, reach_learn.c gives the lines their part of
 * it. */
#ifndef CT_RECORDER_REACH_INTERNAL_H
#define CT_RECORDER_REACH_INTERNAL_H

#include "recorder/session.h"

/* An object_path with room for its steps. */
struct route {
    uint8_t base;
    uint8_t slot;
    uint8_t count;
    PyObject *name;
    struct path_step steps[PATH_STEPS];
};

struct finding {
    struct effect effect; /* without its path */
    struct route route;
    struct path_step key; /* of the item stored */
    bool gives;           /* a call that takes an item out, and leaves the others where they are */
    int line;
};

/* A term before it is the plan's. */
struct found_term {
    struct term term; /* without its path */
    struct route route;
};

struct findings {
    struct finding *items; /* in the order of the code; the caller frees all of it */
    size_t count, capacity;
    struct found_term *terms;
    size_t term_count, term_capacity;
    struct site *sites;
    size_t site_count, site_capacity;
};

/* The line may change anything. */
static inline void reach__give_up(struct line_info *line)
{
    line->flags |= LINE_VAGUE;
    line->vague_at = UINT32_MAX;
}

/* Are the first steps of a route, or all of them, those of another? */
bool reach__begins_with(const struct findings *all, const struct route *route,
                        const struct route *start);

/* Does the test hold for a path of the finding, or for one that its items are found by? */
typedef bool reach__test(const struct findings *all, const struct route *route, const void *with);
bool reach__any_in_step(const struct findings *all, const struct path_step *step, reach__test *test,
                        const void *with);
bool reach__any_route(const struct findings *all, const struct finding *found, reach__test *test,
                      const void *with);

/* Give up the lines that lead their own paths elsewhere. False: no memory. */
bool reach__heed_order(struct plan *plan, struct findings *findings);

/* Also counts the lines' loops and what makes them LINE_VAGUE. False: no memory. */
bool reach__walk(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines, struct findings *findings);

#endif
