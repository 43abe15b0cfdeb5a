/* Where the paths of a line lead now: from a variable over attributes and items to an object,
 * without running code of the program's. All objects are borrowed. */
#ifndef CT_RECORDER_REACH_PATH_H
#define CT_RECORDER_REACH_PATH_H

#include "recorder/frame.h"
#include "recorder/session.h"

/* What a variable of the frame's holds; NULL: nothing. */
PyObject *path_slot(const struct shadow_frame *frame, compat_frame *real, unsigned slot);

/* What a path leads to; NULL when that cannot be told, and then `*reached` is what could be. */
PyObject *path_follow_until(struct shadow_frame *frame, compat_frame *real,
                            struct object_path *path, PyObject **reached);
PyObject *path_follow(struct shadow_frame *frame, compat_frame *real, struct object_path *path);

/* The next step alone; NULL: it cannot be told, or there is none. */
PyObject *path_attribute(PyObject *owner, PyObject *name);
PyObject *path_item(struct shadow_frame *frame, compat_frame *real, PyObject *container,
                    const struct path_step *step);

/* The place in a list that a step means; false: it means none. */
bool path_index(struct shadow_frame *frame, compat_frame *real, const struct path_step *step,
                int64_t *index);

/* The object that a step means as a key; NULL: it stands nowhere. */
const PyObject *path_key(struct shadow_frame *frame, compat_frame *real,
                         const struct path_step *step);

/* A number that is another one as soon as the step means another item, but for int keys that may
 * be like an address; 0: it cannot be told. */
uint64_t path_place(struct shadow_frame *frame, compat_frame *real, const struct path_step *step);

#endif
