#include "recorder/inject.h"

#ifdef CT_INJECT_FAILURES

#include <stdlib.h>
#include <string.h>

#define VARIABLE "CODETRACER_TEST_INJECT_FAILURE"

#define AT(stage)                                                              \
    {                                                                          \
        "Internal", "ERR_TRACE_INCOMPLETE", "test-injected failure at " stage, \
        {                                                                      \
            {                                                                  \
                "injection_stage", stage                                       \
            }                                                                  \
        }                                                                      \
    }
#define OF_FRAME(code, why)                \
    {                                      \
        "Environment", code, why,          \
        {                                  \
            {                              \
                "details", "test-injected" \
            }                              \
        }                                  \
    }

/* The first name of each is the one its message has. */
static const struct injected {
    const char *names; /* between spaces */
    enum inject_stage stage;
    struct failure failure;
} known[] = {
    {" py_start py-start ", INJECT_START, AT("py_start")},
    {" line ", INJECT_LINE, AT("line")},
    {" finish ", INJECT_FINISH, AT("finish")},
    {" target target-args target_args ",
     INJECT_START,
     {"Target",
      "ERR_TRACE_INCOMPLETE",
      "test-injected target error from capture_call_arguments",
      {{0}}}},
    {" panic panic-callback panic_callback ",
     INJECT_LINE,
     {"Internal", "ERR_UNKNOWN", "panic in callback_line: test-injected panic in on_line", {{0}}}},
    {" frame ", INJECT_START,
     OF_FRAME("ERR_FRAME_INTROSPECTION_FAILED", "failed to capture call arguments")},
    {" globals ", INJECT_START,
     OF_FRAME("ERR_GLOBALS_INTROSPECTION_FAILED", "failed to read the frame's globals")},
    {" positional-argument ",
     INJECT_START,
     {"Usage", "ERR_MISSING_POSITIONAL_ARG", "an argument is missing in the frame", {{0}}}},
    {" keyword-argument ",
     INJECT_START,
     {"Usage", "ERR_MISSING_KEYWORD_ARG", "an argument is missing in the frame", {{0}}}},
};

static const struct injected *ordered; /* and not delivered yet */
static bool hides_events;

static bool has_name(const char *names, const char *name)
{
    char word[64];
    int size = snprintf(word, sizeof word, " %s ", name);
    return size < (int)sizeof word && strstr(names, word) != NULL;
}

void inject_start(void)
{
    const char *order = getenv(VARIABLE);
    ordered = NULL;
    hides_events = order != NULL && has_name(" suppress-events suppress_events suppress ", order);
    for (size_t i = 0; order != NULL && i < sizeof known / sizeof known[0]; i++) {
        ordered = has_name(known[i].names, order) ? &known[i] : ordered;
    }
}

bool inject_awaits(enum inject_stage stage)
{
    return ordered != NULL && ordered->stage == stage;
}

const struct failure *inject_take(enum inject_stage stage)
{
    if (!inject_awaits(stage)) {
        return NULL;
    }
    const struct failure *failure = &ordered->failure;
    ordered = NULL;
    return failure;
}

bool inject_hides_events(void)
{
    return hides_events;
}

#endif
