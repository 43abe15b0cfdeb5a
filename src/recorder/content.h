/* Objects that hold one piece of bytes or characters, and change it: bytearray, BytesIO, StringIO.
 */
#ifndef CT_RECORDER_CONTENT_H
#define CT_RECORDER_CONTENT_H

#include "recorder/types.h"

/* Changes whenever what is recorded of it does. */
uint64_t content_fingerprint(const struct session *session, PyObject *value,
                             const struct type_info *type);

/* Write the section ITEMS: the content is the only item, of a stream that was closed there is none.
 */
uint8_t *content_put(struct session *session, uint8_t *at, PyObject *value,
                     const struct type_info *type);

#endif
