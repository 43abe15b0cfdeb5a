/* What functions, types and methods of the interpreter's own do to objects, by their names. */
#ifndef CT_RECORDER_BUILTIN_H
#define CT_RECORDER_BUILTIN_H

#include "recorder/session.h"

/* A function of this module changes none of the objects it is given; what it calls of the program's
 * (a key function, __str__) is recorded where it happens. */
bool builtin_is_pure(const char *module, const char *name);
bool builtin_is_pure_type(const PyTypeObject *type);

/* It changes what it is given first, and nothing else. */
bool builtin_changes_first(const char *module, const char *name);

/* A type written in C whose methods stay what they are. */
bool builtin_is_fixed(const PyTypeObject *type);
bool builtin_is_immutable(const PyTypeObject *type);

/* A method of such a type: all changes of dicts are reported, the others are looked for. `end`: as
 * builtin_end has it. */
enum verdict builtin_method(const PyTypeObject *type, const char *name, enum end end);

/* Is it a method of dicts that changes nothing? */
bool builtin_reads_dict(const char *name);

/* The end of a list or deque that a method of this name changes, and nothing else. */
enum end builtin_end(const char *name, uint8_t arguments);

/* `__new__`: making an instance, and nothing else. */
enum verdict builtin_new(const PyTypeObject *type);

/* What the type does for an operator, as where a class inherits from it and calls
 * `super().__init__()`: it looks at what it is given, or changes its own object. */
enum verdict builtin_operator(const PyTypeObject *type, const char *name);

#endif
