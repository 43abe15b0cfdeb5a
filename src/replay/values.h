/* Values as trees: each is text and counts of children, and its children are asked for by range. */
#ifndef CT_REPLAY_VALUES_H
#define CT_REPLAY_VALUES_H

#include "base/bytes.h"
#include "replay/session.h"
#include "trace/text.h"

/* At which of its moments a session is asked: where it stands, or at the step before of the frame
 * last asked for by rp_variables (state.h). */
enum rp_when { RP_NOW, RP_BEFORE };

struct rp_value_info {
    const char *kind; /* "int", "list", "dataclass", "redacted": as `ct print` names them */
    uint64_t named;   /* children with names: attributes, fields */
    uint64_t indexed; /* children with places or keys: items, pairs */
    uint64_t length;  /* what len() gave, where it has one; more than the children when cut */
    bool has_length;
    bool is_cut;     /* a limit of the recording cut it */
    bool is_object;  /* it has an identity, and */
    uint64_t object; /* this number */
    bool is_late;    /* it may have changed since step `verified` */
    uint64_t verified;
};

void rp_value_info(struct rp_session *session, enum rp_when when, struct ctr_value value,
                   struct rp_value_info *info);

/* Append the value's text, as trace/text.h writes it, and the name of its type. */
void rp_value_text(struct rp_session *session, enum rp_when when, struct ctr_value value,
                   const struct ctr_text_options *options, struct ct_bytes *to);
void rp_value_type(struct rp_session *session, enum rp_when when, struct ctr_value value,
                   struct ct_bytes *to);

enum rp_section { RP_NAMED, RP_INDEXED };

struct rp_child {
    size_t name, name_size; /* in the list's texts: "x", "0", "'key'" */
    struct ctr_value key;   /* of a dict's pair or an attribute; else unbound */
    struct ctr_value value;
    struct ctr_value before; /* variables: what it was at the frame's step before, and */
    bool is_changed;         /* whether that is something else, or the object in it changed */
    bool is_new;             /* there was none */
    uint8_t kind;            /* variables: enum ctr_variable_kind */
};

struct rp_list { /* start from `{0}`; rp_list_clear */
    struct rp_child *children;
    size_t count, capacity;
    uint64_t total; /* there are, of which those asked for are here */
    struct ct_bytes names;
};

static inline struct ctr_text rp_name(const struct rp_list *list, const struct rp_child *child)
{
    return (struct ctr_text){(const char *)list->names.data + child->name, child->name_size};
}

void rp_list_clear(struct rp_list *list);

/* Append a key of a dict: the characters of a str, the repr of anything else. */
void rp_key_text(struct rp_session *session, struct ctr_value key, struct ct_bytes *to);

/* Children `first` to `first` + `count` - 1 of a section replace what is in the list. */
int rp_children(struct rp_session *session, enum rp_when when, struct ctr_value value,
                enum rp_section section, uint64_t first, uint64_t count, struct rp_list *list,
                struct ct_error *error);

/* A number for a value, good until the session moves: for protocols that know values by number.
 * rp_referred: CT_EUSAGE for a number of another moment. Numbers start at 1 and are never used
 * again. CT_ELIMIT: too many of one moment. */
int rp_refer(struct rp_session *session, struct ctr_value value, uint64_t *reference,
             struct ct_error *error);
int rp_referred(struct rp_session *session, uint64_t reference, struct ctr_value *value,
                struct ct_error *error);

#endif
