/* Source files as Python reads them: their bytes need not be UTF-8. */
#ifndef CT_TRACE_SOURCE_TEXT_H
#define CT_TRACE_SOURCE_TEXT_H

#include <stdint.h>

#include "trace/reader.h"

/* The text of a file's bytes by its byte order mark or its coding cookie (PEP 263), which columns
 * in code count in. `*buffer` is NULL where it is a part of `bytes`, and else has it: the caller
 * frees it. A byte that the encoding does not have becomes U+FFFD; of an encoding that the system's
 * iconv does not know the text is the bytes. CT_OK or CT_ENOMEM. */
int ctr_source_text(struct ctr_text bytes, struct ctr_text *text, uint8_t **buffer);

#endif
