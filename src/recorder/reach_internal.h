/* What the reach_*.c files share while a code object is learned: reach_walk.c finds what its
 * instructions do to objects, reach_learn.c gives the lines their part of it. */
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

/* Also counts the lines' loops and what makes them LINE_VAGUE. False: no memory. */
bool reach__walk(struct plan *plan, PyCodeObject *code, const uint8_t *bytes, Py_ssize_t units,
                 const int *lines, struct findings *findings);

#endif
