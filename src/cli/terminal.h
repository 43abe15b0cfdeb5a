/* What a terminal shows: how wide it is, whether in colour, and text cut to fit. */
#ifndef CT_CLI_TERMINAL_H
#define CT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/bytes.h"

/* Columns of the terminal `file` is; 0: it is none, and nothing needs to be cut. */
unsigned terminal_width(FILE *file);

/* Whether colours are wanted there: NO_COLOR and TERM=dumb say no. */
bool terminal_has_color(FILE *file);

enum terminal_cut { CUT_END, CUT_START };

/* Append the text, cut to at most `columns` (0: any number) with an ellipsis in place of what is
 * missing, and filled up with spaces to `columns` when it `is_padded`. */
void terminal_fit(const struct ct_bytes *text, size_t columns, enum terminal_cut cut,
                  bool is_padded, struct ct_bytes *to);

#endif
