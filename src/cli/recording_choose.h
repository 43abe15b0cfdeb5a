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

#endif
