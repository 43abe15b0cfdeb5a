/* What the reach_*.c files share while a code object is learned: reach_walk.c finds what its
 * instructions do to objects, reach_order.c what of it gets in the way of the rest, reach_learn.c
 * gives the lines their part of it. */
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
    int line;
};

struct findings {
    struct finding *items; /* in the order of the code; the caller frees it */
    size_t count, capacity;
};

/* The line may change anything. */
static inline void reach__give_up(struct line_info *line)
{
    line->flags |= LINE_VAGUE;
    line->vague_at = UINT32_MAX;
}

/* Are the first steps of a route, or all of them, those of another? */
bool reach__begins_with(const struct route *route, const struct route *start);

/* Give up the lines that lead their own paths elsewhere. False: no memory. */
bool reach__heed_order(struct plan *plan, struct findings *findings);

/* Also counts the lines' loops and what makes them LINE_VAGUE. False: no memory. */
bool reach__walk(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines, struct findings *findings);

#endif
