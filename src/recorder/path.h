/* The text of a pathlib path, read from its slots: str() would run the library's Python code. */
#ifndef CT_RECORDER_PATH_H
#define CT_RECORDER_PATH_H

#include "recorder/types.h"

enum { PATH_TEXT_MAX = 4096 };

/* Where a path class keeps its parts; false when it is not laid out as known. */
bool path_learn(struct type_info *type);

/* Write what str(path) gives, cut to PATH_TEXT_MAX bytes; returns its size. */
size_t path_text(PyObject *path, const struct type_info *type, char to[PATH_TEXT_MAX]);

#endif
