/* What an object holds right now, laid out for comparing and writing. Reads memory only. */
#ifndef CT_RECORDER_GATHER_H
#define CT_RECORDER_GATHER_H

#include "recorder/filter.h"
#include "recorder/session.h"
#include "recorder/types.h"

struct attribute {
    PyObject *name; /* borrowed; NULL: `text` is the name */
    const char *text;
    PyObject *value; /* borrowed; NULL: unbound */
    uint8_t action;  /* enum ctr_variable_action, where its `name` does not say it */
};

/* Borrowed from the session's scratch memory until the next gather_*. */
struct gathered {
    PyObject *const *items;
    Py_ssize_t item_count;
    struct attribute *attributes;
    uint32_t count;
    const void *shape; /* the shared keys, for an instance that has no dict */
};

/* Items of a list, set, frozenset or deque; of a deque or set no more than are recorded, though
 * item_count says how many there are. */
void gather_items(struct session *session, PyObject *value, const struct type_info *type,
                  struct gathered *gathered);

/* What becomes of an attribute. */
static inline uint8_t attribute_action(struct session *session, const struct type_info *type,
                                       const struct attribute *attribute)
{
    return attribute->action != CTR_KEEP || attribute->name == NULL
               ? attribute->action
               : filter_name(session, type->policy, FILTER_ATTRIBUTE, attribute->name);
}

/* Attributes in slots, shared keys or a dict; an exception's own fields first. */
void gather_attributes(struct session *session, PyObject *value, const struct type_info *type,
                       struct gathered *gathered);

/* The instance's attribute of this name, where it keeps its attributes without slots; borrowed. */
PyObject *gather_attribute(PyObject *value, const char *name);

/* What becomes of the value of this member of an enum, by the member's name; else CTR_KEEP. */
uint8_t gather_member_action(struct session *session, PyObject *value,
                             const struct type_info *type);

/* A dict's pairs in the program's order. */
struct gather_pairs {
    struct compat_dict_walk walk;
    const struct compat_ordered_node *node; /* of an OrderedDict */
    bool ordered;
};

struct gather_pairs gather_pairs(PyObject *dict, const struct type_info *type);
bool gather_next_pair(struct gather_pairs *pairs, PyObject **key, PyObject **value);

/* A hash of the first `count` names. */
uint64_t gather_names(const struct gathered *gathered, uint32_t count);

/* Changes whenever a bytearray's or buffer's content, a generator's state or the order of an
 * OrderedDict does; 0 for others. */
uint64_t gather_fingerprint(struct session *session, PyObject *value, const struct type_info *type);

int gather_init(struct session *session);
void gather_free(struct session *session);

#endif
