#include "recorder/reach_operand.h"

/* `get` and `setdefault` of dicts give the item that has the first argument as its key. */
static bool gives_item(const struct operand *callee, unsigned arguments)
{
    PyObject *name = callee->known == METHOD ? callee->name : NULL;
    return name != NULL && arguments != 0 &&
           (PyUnicode_CompareWithASCIIString(name, "get") == 0 ||
            PyUnicode_CompareWithASCIIString(name, "setdefault") == 0);
}

/* Builtins that change nothing themselves, but call what they are given as `key`. */
static bool calls_key(const struct operand *callee)
{
    static const char *const names[] = {"max", "min", "sorted"};
    const struct route *route = &callee->route;
    bool is_global = callee->known == NAMED && route->base == BASE_GLOBAL && route->count == 0;
    for (size_t i = 0; is_global && i < sizeof names / sizeof names[0]; i++) {
        if (PyUnicode_CompareWithASCIIString(route->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Functions written in C that change what they are given first, and nothing else. */
static const struct {
    const char *name;
    enum end end;
} changers[] = {
    {"heappush", END_HEAP},     {"heappop", END_HEAP},      {"heapreplace", END_HEAP},
    {"heappushpop", END_HEAP},  {"heapify", END_NONE},      {"insort", END_NONE},
    {"insort_left", END_NONE},  {"insort_right", END_NONE}, {"next", END_NEXT},
    {"setattr", END_ATTRIBUTE}, {"delattr", END_ATTRIBUTE},
};

/* What a function is called like: by its own name, or as an attribute. */
static PyObject *callee_name(const struct operand *callee)
{
    const struct route *route = &callee->route;
    if (callee->known != NAMED || callee->is_inside) {
        return callee->known == METHOD ? callee->name : NULL;
    }
    return route->count != 0 ? route->steps[route->count - 1].name : route->name;
}

/* Look at what such a function is given first. False: it is none, or that has no name. */
static bool changes_argument(struct walk *walk, const struct operand *callee,
                             const struct operand *argument)
{
    PyObject *name = callee_name(callee);
    for (size_t i = 0;
         name != NULL && PyUnicode_Check(name) && i < sizeof changers / sizeof changers[0]; i++) {
        if (PyUnicode_CompareWithASCIIString(name, changers[i].name) == 0) {
            bool is_found = argument->known == NAMED && !argument->is_inside;
            if (is_found) {
                walk_act(walk, *argument,
                         (struct finding){.effect.action = ACTION_ARGUMENT,
                                          .effect.end = (uint8_t)changers[i].end});
            }
            return is_found;
        }
    }
    return false;
}

static unsigned keyword_count(PyObject *names)
{
    return names != NULL && PyTuple_Check(names) ? (unsigned)PyTuple_GET_SIZE(names) : 0;
}

/* Beside the callable is NULL or what a method is of. */
static struct operand callee_of(const struct walk *walk, unsigned arguments)
{
    struct operand first = operand_peek(walk, arguments + 1);
    return operand_is_named(&first) || first.known == HARMLESS ? first
                                                               : operand_peek(walk, arguments);
}

void walk_call(struct walk *walk, const struct given *given)
{
    unsigned arguments = given->count;
    PyObject *keywords = given->keywords;
    bool in_order = keywords == NULL && !given->is_spread;
    uint8_t counted = given->is_spread || arguments > UINT8_MAX ? UINT8_MAX : (uint8_t)arguments;
    struct operand callee = callee_of(walk, arguments), first_argument = {0}, result = {0};
    unsigned called = calls_key(&callee) ? keyword_count(keywords) : 0;
    for (unsigned i = 0; i < arguments; i++) {
        first_argument = operand_pop(walk);
        walk_mention(walk, &first_argument);
        if (i < called && first_argument.known == NAMED && !first_argument.is_inside) {
            walk_act_alone(walk, ACTION_CALL, first_argument);
        }
    }
    operand_pop(walk);
    operand_pop(walk);
    walk_cross(walk);
    bool gives = in_order && gives_item(&callee, arguments);
    if (gives) {
        struct path_step step = operand_step(walk, &first_argument);
        step.is_given = true;
        result = callee;
        result.known = NAMED;
        result = operand_follow(result, step);
        result.crossed = result.crossed || operand_is_key_crossed(walk, &first_argument);
    }
    operand_push(walk, result);
    walk->keywords = NULL;
    if (callee.known == HARMLESS) {
        return;
    }
    bool is_told = walk->watches && !given->is_spread; /* by an event */
    if (is_told && (!operand_is_named(&callee) || callee.is_inside)) {
        walk_mention(walk, &callee);
        walk_watch(walk, counted, keywords != NULL);
        return;
    }
    bool on_argument = in_order && changes_argument(walk, &callee, &first_argument);
    walk_act(walk, callee,
             (struct finding){.effect.action = callee.known == METHOD ? ACTION_METHOD : ACTION_CALL,
                              .gives = gives,
                              .effect.has_keywords = keywords != NULL,
                              .effect.on_argument = on_argument,
                              .effect.watchable = is_told && counted != UINT8_MAX,
                              .effect.arguments = counted});
}
