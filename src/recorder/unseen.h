/* Code that runs unseen where a line calls nothing: the special methods and properties of classes
 * that are not recorded, as those of the standard library. */
#ifndef CT_RECORDER_UNSEEN_H
#define CT_RECORDER_UNSEEN_H

#include "recorder/types.h"

/* What is done with an object, and may run code of its class. */
enum use {
    USE_ATTR = 1,
    USE_SET_ATTR = 2,
    USE_ITEM = 4,
    USE_ITERATE = 8, /* also unpack, `in` */
    USE_COMPARE = 16,
    USE_HASH = 32,
    USE_NUMBER = 64,
    USE_TRUTH = 128,
    USE_TEXT = 256,
    USE_CALL = 512,
    USE_ANY = 1023,
};

/* The uses an instruction makes of what it takes from the stack, a set of enum use. */
uint16_t unseen_uses_of_instruction(int opcode);

/* The uses of an object of this type that run code that is not recorded. */
uint16_t unseen_uses_of_type(struct session *session, PyTypeObject *type);

/* The same of one object of the type: a generator runs its code. */
uint16_t unseen_uses(struct session *session, PyObject *value, const struct type_info *type);

/* Does advancing this iterator, or what it draws from, run code that is not recorded? */
bool unseen_advances(struct session *session, PyObject *iterator);

/* May a function change something that nobody sees? Not one that is recorded, nor one of
 * collections.abc, which works by what its class has. */
bool unseen_changes(struct session *session, PyObject *function);

/* Is this function, held by the class, one that dataclass made for it? */
bool unseen_is_of_dataclass(const PyTypeObject *type, PyObject *function);

#endif
