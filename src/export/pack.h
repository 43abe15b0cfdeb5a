/* Cap'n Proto's packing: each word is a byte of flags and the bytes that are not zero. Packed
 * pieces can stand one behind the other. */
#ifndef CT_EXPORT_PACK_H
#define CT_EXPORT_PACK_H

#include <stdint.h>

enum { EXPORT_PACK_WORDS = 4096 };

/* Bytes that `words` words can take, and the few more that are written past them. */
#define EXPORT_PACKED_MAX(words) ((uint64_t)(words)*10 + 16)

/* Pack; returns the end. */
uint8_t *export_pack(uint8_t *to, const uint64_t *words, uint32_t count);

#endif
