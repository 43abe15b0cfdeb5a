/* Where an export goes: the file a path leads to, and whether that may be replaced. Only what an
 * earlier export left makes room for a new one. */
#ifndef CT_EXPORT_PLACE_H
#define CT_EXPORT_PLACE_H

#include <stdbool.h>

#include "base/status.h"

/* What a binary export begins with; one in JSON begins with its first records. */
#define EXPORT_BINARY_MAGIC "\xc0\xde\x72\xac\xe2\0\0\0"

enum export_content {
    EXPORT_TRACE,    /* in either format */
    EXPORT_METADATA, /* trace_metadata.json */
    EXPORT_PATHS,    /* trace_paths.json */
};

/* The file to write, which the caller frees: a symbolic link stays, and leads to it. CT_ESTATE:
 * something else than such an export is there. */
int export_place(const char *path, /* What a binary export begins with; one in JSON begins with its
                                      first records. */
#define EXPORT_BINARY_MAGIC "\xc0\xde\x72\xac\xe2\0\0\0"

                 enum export_content content, char **place, struct ct_error *error);

/* Whether a file is there, and is such an export. */
bool export_is_there(const char *path, /* What a binary export begins with; one in JSON begins with
                                          its first records. */
#define EXPORT_BINARY_MAGIC "\xc0\xde\x72\xac\xe2\0\0\0"

                     enum export_content content);

#endif
