/* Exception breakpoints: DAP's filters with types, and its paths of names. */
#include <string.h>

#include "base/bytes.h"
#include "dap/dap_internal.h"
#include "replay/exceptions.h"

enum { RULES_MAX = 100 };

static const struct {
    const char *filter, *label, *description;
    enum rp_fate at_least;
} filters[] = {
    {"raised", "Raised Exceptions", "Stop where an exception is raised", RP_RAISED},
    {"leavesFunction", "Exceptions That Leave Their Function",
     "Stop where an exception is raised that the function it is raised in does not handle",
     RP_LEAVES_CALL},
    {"userUnhandled", "Exceptions That Leave Recorded Code",
     "Stop where an exception is raised that no recorded code handles: a library does, or nobody",
     RP_LEAVES_RECORDED},
    {"uncaught", "Uncaught Exceptions",
     "Stop where an exception is raised that ends the program or its thread", RP_UNCAUGHT},
};

enum { FILTERS = sizeof filters / sizeof filters[0] };

void dap_put_exception_filters(struct ct_json_out *json)
{
    dap_put_array(json, "exceptionBreakpointFilters");
    for (size_t i = 0; i < FILTERS; i++) {
        ct_json_begin_object(json);
        ct_json_put_text(json, "filter", filters[i].filter);
        ct_json_put_text(json, "label", filters[i].label);
        ct_json_put_text(json, "description", filters[i].description);
        ct_json_put_bool(json, "default", false);
        ct_json_put_bool(json, "supportsCondition", true);
        ct_json_put_text(json, "conditionDescription", "Types: ValueError, app.Error, !KeyError");
        ct_json_end_object(json);
    }
    ct_json_end_array(json);
}

/* ---- one of them ---- */

static void put_answer(struct dap_request *request, bool is_verified, const char *message)
{
    ct_json_begin_object(&request->body);
    ct_json_put_bool(&request->body, "verified", is_verified);
    if (message[0] != '\0') {
        ct_json_put_text(&request->body, "message", message);
    }
    ct_json_end_object(&request->body);
}

/* Give it to the engine, and say what became of it. Only lack of memory fails. */
static int add(struct dap_request *request, const struct rp_exception_rule *rule)
{
    struct ct_error error = {0};
    bool has_any = false;
    size_t at;
    int status = rp_exceptions_add(request->session->replay, rule, &has_any, &at, &error);
    if (status == CT_EUSAGE) {
        dap_error_at(&error, rule->types, at);
    } else if (status != CT_OK) {
        return ct_fail(&request->error, status, "%s", error.message);
    }
    bool is_idle = status == CT_OK && !has_any;
    put_answer(request, status == CT_OK && has_any,
               is_idle ? "No exception of such a type was recorded" : error.message);
    return CT_OK;
}

static int add_filter(struct dap_request *request, const char *filter, const char *types)
{
    for (size_t i = 0; filter != NULL && i < FILTERS; i++) {
        if (strcmp(filter, filters[i].filter) == 0) {
            struct rp_exception_rule rule = {filters[i].at_least, false, types};
            return add(request, &rule);
        }
    }
    put_answer(request, false,
               "There is no such filter: raised, leavesFunction, userUnhandled, uncaught");
    return CT_OK;
}

/* ---- exceptionOptions ---- */

/* The names of the last part of a path; in front of others the first one is the language's. */
static bool read_path(struct dap_request *request, const json_t *option, struct ct_bytes *types)
{
    const json_t *path = dap_array(request, option, "path");
    size_t parts = json_array_size(path), at;
    const json_t *last = parts > 0 ? json_array_get(path, parts - 1) : NULL, *name;
    if (parts > 0 && !json_is_object(last)) {
        dap_refuse(request, "path has an item that is not an object");
    }
    bool is_negated = dap_bool(request, last, "negate", false);
    json_array_foreach(dap_array(request, last, "names"), at, name)
    {
        const char *text = json_string_value(name);
        if (text == NULL) {
            dap_refuse(request, "names has an item that is not a text");
        } else if (parts > 1 || strcmp(text, "Python Exceptions") != 0) {
            ct_bytes_add_format(types, "%s%s%s", types->size > 0 ? ", " : "", is_negated ? "!" : "",
                                text);
        }
    }
    ct_bytes_add(types, "", 1);
    return request->status == CT_OK && !types->failed;
}

static int add_option(struct dap_request *request, const json_t *option)
{
    static const struct {
        const char *mode;
        enum rp_fate at_least;
        bool is_never;
    } modes[] = {
        {"always", RP_RAISED, false},
        {"unhandled", RP_UNCAUGHT, false},
        {"userUnhandled", RP_LEAVES_RECORDED, false},
        {"never", RP_RAISED, true},
    };
    const char *mode = dap_text(request, option, "breakMode", "");
    struct ct_bytes types = {0};
    int status = CT_OK;
    size_t i = 0;
    while (i < 4 && strcmp(mode, modes[i].mode) != 0) {
        i++;
    }
    if (i == 4) {
        put_answer(request, false, "breakMode is none of never, always, unhandled, userUnhandled");
    } else if (read_path(request, option, &types)) {
        const char *names = (const char *)types.data;
        struct rp_exception_rule rule = {modes[i].at_least, modes[i].is_never, names};
        status = add(request, &rule);
    }
    ct_bytes_free(&types);
    return status;
}

/* ---- setExceptionBreakpoints ---- */

static int add_all(struct dap_request *request, const json_t *wanted, const json_t *with_types,
                   const json_t *options)
{
    int status = CT_OK;
    size_t at;
    const json_t *item;
    json_array_foreach(wanted, at, item)
    {
        status = status == CT_OK ? add_filter(request, json_string_value(item), NULL) : status;
    }
    json_array_foreach(with_types, at, item)
    {
        const char *types = dap_text(request, item, "condition", NULL);
        const char *filter = json_string_value(json_object_get(item, "filterId"));
        status = status == CT_OK ? add_filter(request, filter, types) : status;
    }
    json_array_foreach(options, at, item)
    {
        status = status == CT_OK ? add_option(request, item) : status;
    }
    return status;
}

int dap_set_exception_breakpoints(struct dap_request *request)
{
    const json_t *wanted = dap_array(request, request->arguments, "filters");
    const json_t *with_types = dap_array(request, request->arguments, "filterOptions");
    const json_t *options = dap_array(request, request->arguments, "exceptionOptions");
    size_t count = json_array_size(wanted) + json_array_size(with_types) + json_array_size(options);
    if (count > RULES_MAX) {
        dap_refuse(request, "more than %d filters at once", RULES_MAX);
    }
    if (request->status != CT_OK) {
        return request->status;
    }
    rp_exceptions_clear(request->session->replay);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "breakpoints");
    int status = add_all(request, wanted, with_types, options);
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status;
}
