#include "server/keys.h"

const char *sv_keys_make(struct sv_keys *keys, time_t now)
{
    unsigned at = keys->next++ % SV_MAX_KEYS;
    struct ct_error error;
    if (sv_token_make(keys->all[at].text, &error) != CT_OK) {
        keys->all[at].text[0] = '\0';
        return NULL;
    }
    keys->all[at].until = now + SV_KEY_SECONDS;
    return keys->all[at].text;
}

bool sv_keys_take(struct sv_keys *keys, const char *key, time_t now)
{
    for (unsigned i = 0; i < SV_MAX_KEYS; i++) {
        bool is_it = keys->all[i].text[0] != '\0' && sv_token_is(keys->all[i].text, key);
        if (is_it) {
            keys->all[i].text[0] = '\0';
            return now <= keys->all[i].until;
        }
    }
    return false;
}
