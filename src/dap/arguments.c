/* Reading the arguments of a request: every type and range is checked here. */
#include <math.h>
#include <string.h>

#include "dap/dap_internal.h"

static const json_t *member(const json_t *from, const char *name)
{
    const json_t *found = json_object_get(from, name);
    return json_is_null(found) ? NULL : found;
}

bool dap_has(const json_t *from, const char *name)
{
    return member(from, name) != NULL;
}

void dap_need(struct dap_request *request, const json_t *from, const char *name)
{
    if (!dap_has(from, name)) {
        dap_refuse(request, "%s is missing", name);
    }
}

/* A whole number, also one that was written with a point, as some clients do. */
static bool whole(const json_t *value, uint64_t *number)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *number = (uint64_t)json_integer_value(value);
        return true;
    }
    double real = json_is_real(value) ? json_real_value(value) : -1;
    if (real >= 0 && real <= (double)DAP_INTEGER_MAX && real == floor(real)) {
        *number = (uint64_t)real;
        return true;
    }
    return false;
}

uint64_t dap_uint_up_to(struct dap_request *request, const json_t *from, const char *name,
                        uint64_t otherwise, uint64_t most)
{
    const json_t *value = member(from, name);
    uint64_t number;
    if (value == NULL) {
        return otherwise;
    }
    if (!whole(value, &number) || number > most) {
        dap_refuse(request, "%s is not a whole number from 0 to %llu", name,
                   (unsigned long long)most);
        return otherwise;
    }
    return number;
}

uint64_t dap_uint(struct dap_request *request, const json_t *from, const char *name,
                  uint64_t otherwise)
{
    return dap_uint_up_to(request, from, name, otherwise, DAP_INTEGER_MAX);
}

bool dap_bool(struct dap_request *request, const json_t *from, const char *name, bool otherwise)
{
    const json_t *value = member(from, name);
    if (value == NULL) {
        return otherwise;
    }
    if (!json_is_boolean(value)) {
        dap_refuse(request, "%s is neither true nor false", name);
    }
    return json_is_true(value);
}

const char *dap_text(struct dap_request *request, const json_t *from, const char *name,
                     const char *otherwise)
{
    const json_t *value = member(from, name);
    if (value == NULL) {
        return otherwise;
    }
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) != json_string_length(value)) {
        dap_refuse(request, text == NULL ? "%s is not a text" : "%s has a NUL inside", name);
        return otherwise;
    }
    return text;
}

json_t *dap_object(struct dap_request *request, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    if (value != NULL && !json_is_null(value) && !json_is_object(value)) {
        dap_refuse(request, "%s is not an object", name);
    }
    return json_is_object(value) ? value : NULL;
}

json_t *dap_array(struct dap_request *request, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    if (value != NULL && !json_is_null(value) && !json_is_array(value)) {
        dap_refuse(request, "%s is not a list", name);
    }
    return json_is_array(value) ? value : NULL;
}

uint32_t dap_line(struct dap_request *request, const json_t *from, const char *name,
                  uint32_t otherwise)
{
    bool from_0 = request->session->lines_from_0;
    if (!dap_has(from, name)) {
        return otherwise;
    }
    return (uint32_t)dap_uint_up_to(request, from, name, 0, INT32_MAX) + from_0;
}

uint32_t dap_count(struct dap_request *request, const json_t *from, const char *name)
{
    uint64_t count = dap_uint(request, from, name, 0);
    return count == 0 || count > DAP_LIST_MAX ? DAP_LIST_MAX : (uint32_t)count;
}

/* Threads are counted from 1 for clients, of which some take 0 for none. */
uint32_t dap_thread(struct dap_request *request, const json_t *from, const char *name,
                    uint32_t otherwise)
{
    if (!dap_has(from, name)) {
        return otherwise;
    }
    uint32_t thread = (uint32_t)dap_uint_up_to(request, from, name, 0, UINT32_MAX - 1) - 1;
    if (request->status == CT_OK && !dap_has_thread(request->session, thread)) {
        dap_refuse(request, "there is no thread %u", thread + 1);
    }
    return thread;
}

struct dap_frame dap_frame_of(struct dap_request *request, const json_t *from)
{
    struct dap_frame frame = {rp_now(request->session->replay)->thread, 0};
    if (!dap_has(from, "frameId")) {
        return frame;
    }
    uint64_t id = dap_uint(request, from, "frameId", 0);
    if (request->status == CT_OK && !dap_frame_find(request->session, id, &frame)) {
        dap_refuse(request, "there is no frame number %llu at this moment", (unsigned long long)id);
    }
    return frame;
}

struct ctr_place dap_place(struct dap_request *request, const json_t *from, const char *name,
                           struct ctr_place otherwise)
{
    const json_t *place = dap_object(request, from, name);
    if (place == NULL) {
        return otherwise;
    }
    dap_need(request, place, "block");
    dap_need(request, place, "at");
    return (struct ctr_place){
        (uint32_t)dap_uint_up_to(request, place, "block", 0, UINT32_MAX),
        (uint32_t)dap_uint_up_to(request, place, "at", 0, UINT32_MAX),
    };
}
