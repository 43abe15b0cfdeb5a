/* Which recording a command is about, as its user names it. */
#ifndef CT_CLI_RECORDING_CHOOSE_H
#define CT_CLI_RECORDING_CHOOSE_H

#include <stdbool.h>

struct recording_asked {
    const char *pattern; /* operand: a directory, or the end of a program's name; or NULL */
    const char *id;      /* --id: number, identifier or its beginning */
    const char *folder;  /* --trace-folder */
    bool is_interactive; /* --interactive: let the user choose */
};

/* The directory (absolute; the caller frees) of the one that is meant: the most recent when nothing
 * is said. NULL: none, which was said. */
char *recording_choose(const struct recording_asked *asked);

/* What an operand names: a path; or, where there is nothing of that name, the directory of a
 * recording by its number, identifier or beginning of one. The caller frees. NULL: none, which was
 * said; a path that leads nowhere is left to whoever opens it. */
char *recording_resolve(const char *name);

#endif
