#include "replay/class_methods.h"

#include <stdlib.h>
#include <string.h>

#include "trace/exception_type.h"
#include "trace/facts.h"

enum {
    CODE_OF_FUNCTION = 0x03, /* co_flags: optimised, new locals; class bodies have neither */
    BASES_MAX = 16,          /* of one class */
    CLASSES_MAX = 256, /* looked at for one type: bases may be many, or go round in a circle */
    ASKED = 0x100,
};

struct rp_classes {
    const struct ctr_trace *trace;
    uint32_t type_count;
    uint16_t known[]; /* methods of each type, and ASKED */
};

struct rp_classes *rp_classes_new(const struct ctr_trace *trace)
{
    uint32_t count = ctr_info(trace)->type_count;
    struct rp_classes *classes = calloc(1, sizeof *classes + (count + 1ull) * sizeof(uint16_t));
    if (classes != NULL) {
        classes->trace = trace;
        classes->type_count = count;
    }
    return classes;
}

void rp_classes_free(struct rp_classes *classes)
{
    free(classes);
}

/* ---- Python's own ---- */

struct named {
    const char *name;
    unsigned methods;
};

/* The methods of what has the name; RP_M_ANY: nothing has. */
static unsigned look_up(const struct named *list, struct ctr_text name)
{
    for (; list->name != NULL; list++) {
        if (ctr_text_is(name, list->name)) {
            return list->methods;
        }
    }
    return RP_M_ANY;
}

static const struct named methods[] = {
    {"bool", RP_M_TRUTH},     {"len", RP_M_LENGTH},
    {"eq", RP_M_EQUAL},       {"ne", RP_M_EQUAL},
    {"lt", RP_M_ORDER},       {"le", RP_M_ORDER},
    {"gt", RP_M_ORDER},       {"ge", RP_M_ORDER},
    {"contains", RP_M_ITEMS}, {"getitem", RP_M_ITEMS},
    {"missing", RP_M_ITEMS},  {"iter", RP_M_ITEMS},
    {"str", RP_M_TEXT},       {"repr", RP_M_TEXT},
    {"neg", RP_M_NUMBER},     {"pos", RP_M_NUMBER},
    {"invert", RP_M_NUMBER},  {"abs", RP_M_NUMBER},
    {"index", RP_M_NUMBER},   {NULL, 0},
};

/* Operators of two, also as "radd". */
static const struct named operators[] = {
    {"add", RP_M_NUMBER},     {"sub", RP_M_NUMBER},
    {"mul", RP_M_NUMBER},     {"matmul", RP_M_NUMBER},
    {"truediv", RP_M_NUMBER}, {"floordiv", RP_M_NUMBER},
    {"mod", RP_M_NUMBER},     {"pow", RP_M_NUMBER},
    {"lshift", RP_M_NUMBER},  {"rshift", RP_M_NUMBER},
    {"and", RP_M_NUMBER},     {"or", RP_M_NUMBER},
    {"xor", RP_M_NUMBER},     {NULL, 0},
};

/* Bases of Python: what values of built-in types do is known, whatever is derived from them. */
static const struct named bases[] = {
    {"object", 0},
    {"int", 0},
    {"float", 0},
    {"complex", 0},
    {"str", 0},
    {"bytes", 0},
    {"list", 0},
    {"tuple", 0},
    {"set", 0},
    {"frozenset", 0},
    {"dict", 0},
    {"type", 0},
    {"ABC", 0},
    {"ABCMeta", 0},
    {"Generic", 0},
    {"Protocol", 0},
    {".generic_base", 0},
    {"Enum", 0},
    {"IntEnum", 0},
    {"StrEnum", 0},
    {"NamedTuple", 0},
    {"namedtuple", 0},
    {"defaultdict", 0},
    {"deque", 0},
    {"Thread", 0},
    {"local", 0},
    {"OrderedDict", RP_M_ALIKE},
    {"Counter", RP_M_ALIKE | RP_M_ORDER | RP_M_NUMBER},
    {NULL, 0},
};

/* Decorators that leave a class what it is, or say in which way they do not. */
static const struct named decorators[] = {
    {"dataclass", RP_M_ALIKE},
    {"total_ordering", RP_M_ORDER},
    {"unique", 0},
    {"final", 0},
    {"runtime_checkable", 0},
    {NULL, 0},
};

/* Of values that the recorder stores as what they are (dates, paths, named tuples ...). */
static const struct named kinds_of_library[] = {
    {"abc", 0},       {"collections", 0}, {"datetime", 0}, {"decimal", 0}, {"enum", 0},
    {"fractions", 0}, {"numpy", 0},       {"pathlib", 0},  {"re", 0},      {"types", 0},
    {"uuid", 0},      {"array", 0},       {"os", 0},       {"time", 0},    {"sys", 0},
    {"posix", 0},     {"http", 0},        {"signal", 0},   {"socket", 0},  {NULL, 0},
};

/* Modules of the standard library whose classes (but for enums and tuples) are all true, and equal
 * to nothing but themselves. */
enum { TRUE_ALWAYS = RP_M_ANY & ~(RP_M_TRUTH | RP_M_LENGTH | RP_M_EQUAL | RP_M_ALIKE) };
static const struct named modules_of_library[] = {
    {"asyncio.exceptions", TRUE_ALWAYS},
    {"_asyncio", TRUE_ALWAYS},
    {"_csv", TRUE_ALWAYS},
    {"_hashlib", TRUE_ALWAYS},
    {"_io", TRUE_ALWAYS},
    {"_queue", TRUE_ALWAYS},
    {"_random", TRUE_ALWAYS},
    {"_socket", TRUE_ALWAYS},
    {"_thread", TRUE_ALWAYS},
    {"asyncio.futures", TRUE_ALWAYS},
    {"asyncio.locks", TRUE_ALWAYS},
    {"asyncio.queues", TRUE_ALWAYS},
    {"asyncio.streams", TRUE_ALWAYS},
    {"asyncio.taskgroups", TRUE_ALWAYS},
    {"asyncio.tasks", TRUE_ALWAYS},
    {"asyncio.transports", TRUE_ALWAYS},
    {"asyncio.unix_events", TRUE_ALWAYS},
    {"concurrent.futures._base", TRUE_ALWAYS},
    {"concurrent.futures.thread", TRUE_ALWAYS},
    {"contextlib", TRUE_ALWAYS},
    {"csv", TRUE_ALWAYS},
    {"io", TRUE_ALWAYS},
    {"itertools", TRUE_ALWAYS},
    {"logging", TRUE_ALWAYS},
    {"queue", TRUE_ALWAYS},
    {"random", TRUE_ALWAYS},
    {"socket", TRUE_ALWAYS},
    {"subprocess", TRUE_ALWAYS},
    {"threading", TRUE_ALWAYS},
    {NULL, 0},
};

/* One search on its way. */
struct search {
    const struct ctr_trace *trace;
    unsigned left; /* classes to look at */
};

static bool starts_with(struct ctr_text text, const char *start)
{
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.bytes, start, size) == 0;
}

/* Iterators and the like; what dict.keys() gives has a length. */
static unsigned of_builtin(const struct ctr_type *type)
{
    bool is_view = starts_with(type->name, "dict_") || starts_with(type->name, "odict_");
    return type->family != CTR_F_OBJECT ? 0 : is_view ? RP_M_ANY : TRUE_ALWAYS;
}

static unsigned of_library(const struct ctr_type *type)
{
    if (ctr_type_is_builtin(type)) {
        return of_builtin(type);
    }
    if (type->family == CTR_F_OBJECT || type->family == CTR_F_EXCEPTION ||
        type->family == CTR_F_STREAM) {
        return look_up(modules_of_library, type->module);
    }
    if (ctr_text_is(type->module, "collections")) {
        return look_up(bases, type->name);
    }
    bool is_path = starts_with(type->module, "pathlib.");
    return is_path ? 0 : look_up(kinds_of_library, type->module);
}

/* ---- class statements ---- */

static bool is_class_body(const struct ctr_plan *plan)
{
    return (plan->flags & CODE_OF_FUNCTION) == 0 && !ctr_text_is(plan->name, "<module>");
}

/* What the name of a method that a class body binds may be about: other ones have no say here. */
static unsigned of_method(struct ctr_text name)
{
    if (name.size <= 4 || memcmp(name.bytes, "__", 2) != 0 ||
        memcmp(name.bytes + name.size - 2, "__", 2) != 0) {
        return 0;
    }
    struct ctr_text stem = {name.bytes + 2, name.size - 4};
    struct ctr_text reflected = {stem.bytes + 1, stem.size - 1};
    unsigned found = look_up(methods, stem);
    if (found == RP_M_ANY) {
        found = look_up(operators, stem);
    }
    if (found == RP_M_ANY && stem.bytes[0] == 'r') {
        found = look_up(operators, reflected);
    }
    return found != RP_M_ANY ? found : 0;
}

static unsigned of_body(const struct ctr_facts *facts)
{
    unsigned found = facts->is_cut ? RP_M_ANY : 0;
    for (uint32_t i = 0; i < facts->use_count; i++) {
        enum ctr_use use = facts->uses[i].use;
        if (use == CTR_USE_WRITE || use == CTR_USE_WRITE_NAME) {
            found |= of_method(facts->uses[i].name);
        }
    }
    return found;
}

static bool begins_as(const struct ctr_use_fact *a, const struct ctr_use_fact *b)
{
    return a->place.has_columns && b->place.has_columns && a->place.line == b->place.line &&
           a->place.column == b->place.column;
}

struct bases {
    const struct ctr_use_fact *names[BASES_MAX];
    uint32_t count;
};

/* A use in the brackets behind the name of a class: a base, or what is done with one. False: it is
 * more than names, attributes, `Base[T]` and namedtuple(). */
static bool add_base(struct bases *found, const struct ctr_use_fact *use)
{
    uint32_t at = 0;
    if (use->use == CTR_USE_READ || use->use == CTR_USE_READ_NAME) {
        if (found->count == BASES_MAX) {
            return false;
        }
        found->names[found->count++] = use;
        return true;
    }
    while (at < found->count && !begins_as(found->names[at], use)) {
        at++;
    }
    if (at == found->count) {
        return false;
    }
    found->count = at + 1; /* what follows stands in its brackets */
    if (use->use == CTR_USE_READ_ATTRIBUTE) {
        found->names[at] = use;
    }
    return use->use == CTR_USE_READ_ATTRIBUTE || use->use == CTR_USE_READ_ITEM ||
           (use->use == CTR_USE_CALL && ctr_text_is(found->names[at]->name, "namedtuple"));
}

/* What a decorator does, whose call is use number `call`: its name stands before the class. */
static unsigned of_decorator(const struct ctr_facts *facts, uint32_t call, uint32_t class)
{
    struct ctr_text name = {NULL, 0};
    for (uint32_t i = 0; i < class; i++) {
        const struct ctr_use_fact *use = &facts->uses[i];
        bool is_name = use->use == CTR_USE_READ || use->use == CTR_USE_READ_NAME ||
                       use->use == CTR_USE_READ_ATTRIBUTE;
        if (is_name && begins_as(use, &facts->uses[call])) {
            name = use->name;
        }
    }
    return look_up(decorators, name);
}

static unsigned of_base(struct search *search, const struct ctr_plan *from, struct ctr_text name);

/* What a class gets from the statement that makes its code, use number `code`. */
static unsigned of_statement(struct search *search, const struct ctr_plan *plan,
                             const struct ctr_facts *around, uint32_t code)
{
    struct bases found = {.count = 0};
    unsigned all = 0;
    uint32_t at = code + 1;
    for (; at < around->use_count; at++) {
        const struct ctr_use_fact *use = &around->uses[at];
        if (use->use == CTR_USE_CALL && begins_as(use, &around->uses[code])) {
            break;
        }
        if (!add_base(&found, use)) {
            return RP_M_ANY;
        }
    }
    if (at == around->use_count) {
        return RP_M_ANY;
    }
    for (at++; at < around->use_count && around->uses[at].use == CTR_USE_CALL; at++) {
        all |= of_decorator(around, at, code);
    }
    for (uint32_t i = 0; i < found.count && all != RP_M_ANY; i++) {
        all |= of_base(search, plan, found.names[i]->name);
    }
    return all;
}

/* Whether code stands right around a class of a qualified name: "f" around "f.<locals>.C", what
 * makes the parameters of a generic class around it. */
static bool is_around(const struct ctr_plan *outer, const struct ctr_plan *plan)
{
    static const char generic[] = "<generic parameters of ";
    size_t size = plan->qualname.size, own = plan->name.size, outer_size = outer->qualname.size;
    if (outer->path != plan->path || size < own) {
        return false;
    }
    if (starts_with(outer->name, generic)) {
        return outer->name.size == sizeof generic - 1 + own + 1 &&
               memcmp(outer->name.bytes + sizeof generic - 1, plan->name.bytes, own) == 0;
    }
    if (size == own) {
        return ctr_text_is(outer->name, "<module>");
    }
    return outer_size < size && plan->qualname.bytes[outer_size] == '.' &&
           memcmp(plan->qualname.bytes, outer->qualname.bytes, outer_size) == 0;
}

/* Of the class whose body a plan is: all that its own code, and that around it, says of it. */
static unsigned of_class(struct search *search, uint32_t number)
{
    const struct ctr_trace *trace = search->trace;
    const struct ctr_plan *plan = ctr_plan(trace, number);
    struct ctr_facts facts;
    unsigned all = RP_M_ANY;
    bool is_made = false;
    if (search->left-- == 0) {
        search->left = 0;
        return RP_M_ANY;
    }
    if (ctr_facts_read(trace, number, &facts, NULL) == CT_OK) {
        all = of_body(&facts);
    }
    ctr_facts_clear(&facts);
    for (uint32_t i = 0; i < ctr_info(trace)->plan_count && all != RP_M_ANY; i++) {
        if (!is_around(ctr_plan(trace, i), plan)) {
            continue;
        }
        ctr_facts_read(trace, i, &facts, NULL);
        for (uint32_t j = 0; j < facts.use_count && all != RP_M_ANY; j++) {
            const struct ctr_use_fact *use = &facts.uses[j];
            if (use->use == CTR_USE_CODE &&
                ctr_text_same(facts.codes[use->index].qualname, plan->qualname) &&
                facts.codes[use->index].first_line == plan->first_line) {
                is_made = true;
                all |= of_statement(search, plan, &facts, j);
            }
        }
        ctr_facts_clear(&facts);
    }
    return is_made ? all : RP_M_ANY;
}

/* Of all classes with a name: those of one module, if it has any, else of all. */
static unsigned of_base(struct search *search, const struct ctr_plan *from, struct ctr_text name)
{
    const struct ctr_trace *trace = search->trace;
    unsigned here = 0, elsewhere = 0;
    bool is_here = false, is_elsewhere = false;
    for (uint32_t i = 0; i < ctr_info(trace)->plan_count; i++) {
        const struct ctr_plan *plan = ctr_plan(trace, i);
        if (!ctr_text_same(plan->name, name) || !is_class_body(plan) || plan == from) {
            continue;
        }
        bool *is_there = ctr_text_same(plan->module, from->module) ? &is_here : &is_elsewhere;
        *is_there = true;
        *(is_there == &is_here ? &here : &elsewhere) |= of_class(search, i);
    }
    if (is_here || is_elsewhere) {
        return is_here ? here : elsewhere;
    }
    return ctr_is_python_exception(name) ? 0 : look_up(bases, name);
}

static unsigned of_type(const struct ctr_trace *trace, const struct ctr_type *type)
{
    struct search search = {trace, CLASSES_MAX};
    unsigned all = type->family == CTR_F_DATACLASS ? RP_M_ALIKE : 0;
    bool is_recorded = false;
    for (uint32_t i = 0; i < ctr_info(trace)->plan_count; i++) {
        const struct ctr_plan *plan = ctr_plan(trace, i);
        if (ctr_text_same(plan->qualname, type->name) &&
            ctr_text_same(plan->module, type->module) && is_class_body(plan)) {
            is_recorded = true;
            all |= of_class(&search, i);
        }
    }
    bool is_made_by_call = !is_recorded && type->family == CTR_F_NAMEDTUPLE;
    return is_recorded ? all : is_made_by_call ? 0 : of_library(type);
}

unsigned rp_methods_of(struct rp_classes *classes, const struct ctr_type *type)
{
    if (type == NULL) {
        return 0;
    }
    size_t number = (size_t)(type - ctr_type(classes->trace, 0));
    if (number >= classes->type_count) {
        return RP_M_ANY;
    }
    if (classes->known[number] == 0) {
        classes->known[number] = (uint16_t)(ASKED | of_type(classes->trace, type));
    }
    return classes->known[number] & RP_M_ANY;
}
