/* What the classes of recorded values may do in their own way: no code of the program runs here, so
 * where a class has a method of its own, nobody knows what it would say.
 *
 * The trace has the code of the class statements that ran: the names their bodies bind, and the
 * names of the bases. A class whose statement was recorded has the methods that it and its bases
 * define; bases are found by name, among recorded classes and Python's own. A class without a
 * recorded statement (a library's), or with a base or a decorator that is neither, may have any
 * method. What is set on a class later is not seen. */
#ifndef CT_REPLAY_CLASS_METHODS_H
#define CT_REPLAY_CLASS_METHODS_H

#include "trace/reader.h"

enum rp_methods {
    RP_M_TRUTH = 0x01,  /* __bool__ */
    RP_M_LENGTH = 0x02, /* __len__ */
    RP_M_EQUAL = 0x04,  /* __eq__, __ne__ */
    RP_M_ALIKE = 0x08,  /* an __eq__ that is about values of its own class only (dataclasses) */
    RP_M_ORDER = 0x10,  /* __lt__ and the like */
    RP_M_ITEMS = 0x20,  /* __getitem__, __contains__, __iter__ ... */
    RP_M_NUMBER = 0x40, /* __add__ and all other operators */
    RP_M_TEXT = 0x80,   /* __str__, __repr__ */
    RP_M_ANY = 0xff,
};

struct rp_classes; /* of one trace, for one thread; remembers what it found */

/* NULL: no memory. */
struct rp_classes *rp_classes_new(const struct ctr_trace *trace);
void rp_classes_free(struct rp_classes *classes);

/* A set of enum rp_methods: 0 for built-in types, and NULL, what has none. */
unsigned rp_methods_of(struct rp_classes *classes, const struct ctr_type *type);

#endif
