/* The user's browser. */
#ifndef CT_CLI_BROWSER_H
#define CT_CLI_BROWSER_H

#include <stdbool.h>

/* Open a page in it: the programs that $BROWSER names, else xdg-open. False: there is no display to
 * open it on, or no such program. The browser outlives us, and says nothing on our terminal. */
bool browser_open(const char *url);

#endif
