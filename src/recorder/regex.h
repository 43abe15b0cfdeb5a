/* Patterns and matches of `re`, read where C keeps them. */
#ifndef CT_RECORDER_REGEX_H
#define CT_RECORDER_REGEX_H

#include "recorder/types.h"

/* Where instances of re.Pattern or re.Match keep their parts; false when they are not laid out as
 * known. */
bool regex_learn(struct type_info *type);

uint64_t regex_hash_pattern(struct session *session, PyObject *pattern,
                            const struct type_info *type);
uint8_t *regex_put_pattern(struct session *session, uint8_t *at, PyObject *pattern,
                           const struct type_info *type, int depth);

uint64_t regex_hash_match(struct session *session, PyObject *match, const struct type_info *type);
uint8_t *regex_put_match(struct session *session, uint8_t *at, PyObject *match,
                         const struct type_info *type, int depth);

#endif
