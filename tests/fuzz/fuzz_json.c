/* The JSON reader, token by token, and skipping what begins in the middle. */
#include "base/json_in.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SKIPS_EVERY = 5 };
    struct ct_json_in json;
    ct_json_in_memory(&json, data, size);
    enum ct_json_token token;
    unsigned count = 0;
    while ((token = ct_json_next(&json)) != CT_JSON_ERROR && token != CT_JSON_END) {
        int64_t number;
        ct_json_integer(&json, &number);
        ct_json_is(&json, "key");
        if (++count % SKIPS_EVERY == 0 && (token == CT_JSON_OBJECT || token == CT_JSON_ARRAY) &&
            !ct_json_skip(&json, token)) {
            break;
        }
    }
    ct_json_in_clear(&json);
    return 0;
}
