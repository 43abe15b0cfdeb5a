/* Text for formats that know nothing but UTF-8. */
#ifndef CT_EXPORT_UTF8_H
#define CT_EXPORT_UTF8_H

#include <stdbool.h>

#include "base/bytes.h"
#include "trace/reader.h"

/* Whether it is UTF-8 (a surrogate is not). */
bool export_is_utf8(struct ctr_text text);

/* The text itself when it is UTF-8, else a copy in `scratch` with a replacement character for each
 * byte that is not. */
struct ctr_text export_clean_text(struct ctr_text text, struct ct_bytes *scratch);

#endif
