/* The folder of this product among the user's data, and what lies in it.
 *
 *     $XDG_DATA_HOME/codetracer-python-recorder     (~/.local/share without the variable)
 */
#ifndef CT_BASE_DATA_H
#define CT_BASE_DATA_H

#include "base/status.h"

/* Recordings that nobody has put into the list yet: a folder with a small file for each directory
 * that holds one, which is named by a hash of that directory's path and contains the path. */
#define CT_DATA_NEW "new"

/* Where something of that name is, or would be; the caller frees. NULL: no memory, or nobody's home
 * is known. */
char *ct_data_path(const char *name);

/* Make the folder itself; nobody else may look into it. */
int ct_data_make(struct ct_error *error);

#endif
