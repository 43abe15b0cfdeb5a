/* The user's browser. */
#ifndef CT_CLI_BROWSER_H
#define CT_CLI_BROWSER_H

#include <stdbool.h>

/* The display to open it on, or NULL. */
const char *browser_display(void);

/* The program to open it with, the caller's to free: the first there is of those that $BROWSER
 * names, else xdg-open. NULL: there is none. */
char *browser_program(void);

/* Open a page in it. False: there is no display, or no such program. The browser outlives us, and
 * says nothing on our terminal. */
bool browser_open(const char *url);

#endif
