/* Values that look like secrets, whatever their names: private keys, JSON web tokens, well-known
 * kinds of access tokens, card numbers with a right check digit, URLs with a password.
 *
 * Each new text is looked at once, before it is written. */
#ifndef CT_RECORDER_SECRET_H
#define CT_RECORDER_SECRET_H

#include "recorder/session.h"

/* Does a secret stand anywhere in these bytes? */
bool secret_in_bytes(const uint8_t *text, size_t size);

/* The same for a str, of which no more than `limit` characters will be written (0: all). */
bool secret_in_text(PyObject *text, uint64_t limit);

#endif
