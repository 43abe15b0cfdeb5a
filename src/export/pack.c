#include "export/pack.h"

#include <stdbool.h>
#include <string.h>

enum { RUN_MAX = 255 };

static uint32_t zero_run(const uint64_t *words, uint32_t count)
{
    uint32_t run = 0;
    while (run < count && run < RUN_MAX && words[run] == 0) {
        run++;
    }
    return run;
}

static bool has_zero_byte(uint64_t word)
{
    return ((word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull) != 0;
}

/* Words that are as short unpacked: a word with one zero byte takes eight bytes either way, but
 * looking for those is not worth the time. */
static uint32_t full_run(const uint64_t *words, uint32_t count)
{
    uint32_t run = 0;
    while (run < count && run < RUN_MAX && !has_zero_byte(words[run])) {
        run++;
    }
    return run;
}

static uint8_t *pack_word(uint8_t *to, uint64_t word)
{
    uint8_t *flags = to++;
    *flags = 0;
    for (unsigned i = 0; i < 8; i++, word >>= 8) {
        uint8_t byte = (uint8_t)word;
        *to = byte;
        to += byte != 0;
        *flags |= (uint8_t)((byte != 0) << i);
    }
    return to;
}

uint8_t *export_pack(uint8_t *to, const uint64_t *words, uint32_t count)
{
    uint32_t at = 0;
    while (at < count) {
        uint64_t word = words[at++];
        to = pack_word(to, word);
        if (word == 0) {
            uint32_t run = zero_run(words + at, count - at);
            *to++ = (uint8_t)run;
            at += run;
        } else if (!has_zero_byte(word)) {
            uint32_t run = full_run(words + at, count - at);
            *to++ = (uint8_t)run;
            memcpy(to, words + at, run * sizeof *words);
            to += run * sizeof *words;
            at += run;
        }
    }
    return to;
}
