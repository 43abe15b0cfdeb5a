/* Reads one Cap'n Proto message without trusting it: every pointer is checked, and what pointers
 * that lead to one place again and again could cost is limited. */
#ifndef CT_IMPORT_CAPNP_H
#define CT_IMPORT_CAPNP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct capnp_segment {
    uint64_t start; /* word of the message */
    uint32_t size;  /* in words */
};

struct capnp {
    uint64_t *words; /* mapped */
    size_t bytes;
    struct capnp_segment *segments;
    uint32_t segment_count;
    uint64_t work;     /* words that may still be visited */
    const char *error; /* of the last call that failed */
};

/* Unpack the message behind the first `skip` bytes of `path`, into a nameless file in `scratch`,
 * where `least` bytes are to stay free. */
int capnp_open(struct capnp *message, const char *path, size_t skip, const char *scratch,
               uint64_t least, struct ct_error *error);
void capnp_close(struct capnp *message);

/* A struct, or one element of a list of structs. What it does not have reads as zero. */
struct capnp_struct {
    uint32_t segment;
    uint64_t data; /* words of the message */
    uint32_t data_words, pointers;
};

struct capnp_list {
    uint32_t segment;
    uint64_t first; /* word of the message */
    uint32_t count;
    uint32_t data_words, pointers; /* of an element, where they are structs */
    bool has_structs;
};

/* All return false and set `error` where the message is not what it should be. An absent pointer
 * is an empty struct, list or text. */
bool capnp_root(struct capnp *message, struct capnp_struct *root);
bool capnp_get_struct(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                      struct capnp_struct *to);
bool capnp_get_list(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                    struct capnp_list *to);
bool capnp_get_bytes(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                     const void **bytes, size_t *size);
/* Bytes without the NUL behind them. */
bool capnp_get_text(struct capnp *message, const struct capnp_struct *from, uint32_t pointer,
                    const char **text, size_t *size);
struct capnp_struct capnp_element(const struct capnp_list *list, uint32_t index);

static inline uint64_t capnp_word(const struct capnp *message, const struct capnp_struct *from,
                                  uint32_t word)
{
    return word < from->data_words ? message->words[from->data + word] : 0;
}

#endif
