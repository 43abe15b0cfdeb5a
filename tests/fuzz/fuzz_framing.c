/* The base protocol under DAP. The first byte says in which pieces the others arrive. */
#include "fuzz.h"
#include "server/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct sv_framing framing = {0};
    struct ct_error error;
    const char *json = NULL;
    size_t length, piece = data[0] + 1u;
    int status = CT_OK;
    for (size_t at = 1; at < size && status == CT_OK; at += piece) {
        sv_framing_add(&framing, data + at, size - at < piece ? size - at : piece);
        do {
            status = sv_framing_next(&framing, &json, &length, &error);
        } while (status == CT_OK && json != NULL);
        sv_framing_is_partial(&framing);
    }
    sv_framing_clear(&framing);
    return 0;
}
