#include "server/message.h"

#include <jansson.h>
#include <string.h>

#include "base/json_find.h"

bool sv_message_seq(const char *json, size_t size, int64_t *seq)
{
    json_t *message = json_loadb(json, size, 0, NULL);
    json_t *number = json_object_get(message, "seq");
    bool has = json_is_integer(number);
    *seq = has ? json_integer_value(number) : 0;
    json_decref(message);
    return has;
}

bool sv_message_is_response(const char *json)
{
    char type[16];
    return ct_json_find_text(json, "type", type, sizeof type) && strcmp(type, "response") == 0;
}
