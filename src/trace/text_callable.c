/* How functions, methods, classes and modules read. */
#include "trace/text_internal.h"

/* The parts around the last dot of the qualified name: "list", "append". */
static void split_name(const struct ct_bytes *name, struct ctr_text *owner, struct ctr_text *last)
{
    const char *text = (const char *)name->data;
    const char *dot = name->size == 0 ? NULL : memrchr(text, '.', name->size);
    size_t owner_size = dot == NULL ? 0 : (size_t)(dot - text);
    size_t skipped = dot == NULL ? 0 : owner_size + 1;
    *owner = (struct ctr_text){text, owner_size};
    *last = (struct ctr_text){name->size == 0 ? text : text + skipped, name->size - skipped};
}

/* Built-in functions of each type: %1 the name, %2 its owner, %3 the address; the second form is
 * for names without an owner. */
static const struct callable {
    const char *type;
    const char *with_owner;
    const char *without_owner;
} callables[] = {
    {"builtin_function_or_method", "<built-in method %1 of %2 object at %3>",
     "<built-in function %1>"},
    {"method_descriptor", "<method '%1' of '%2' objects>", "<method '%1'>"},
    {"classmethod_descriptor", "<method '%1' of '%2' objects>", "<method '%1'>"},
    {"wrapper_descriptor", "<slot wrapper '%1' of '%2' objects>", "<slot wrapper '%1'>"},
    {"method-wrapper", "<method-wrapper '%1' of %2 object at %3>", "<method-wrapper '%1' at %3>"},
    {"getset_descriptor", "<attribute '%1' of '%2' objects>", "<attribute '%1'>"},
    {"member_descriptor", "<member '%1' of '%2' objects>", "<member '%1'>"},
};

static void add_filled(struct ctr_text_writer *writer, const char *form, struct ctr_text name,
                       struct ctr_text owner, uint64_t address)
{
    for (; *form != '\0'; form++) {
        if (*form != '%') {
            ct_bytes_add_byte(writer->to, (uint8_t)*form);
            continue;
        }
        form++;
        if (*form == '1') {
            ctr_text__add_text(writer, name);
        } else if (*form == '2') {
            ctr_text__add_text(writer, owner);
        } else {
            ct_bytes_add_format(writer->to, "0x%llx", (unsigned long long)address);
        }
    }
}

void ctr_text__function(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ct_bytes qualified = {0};
    ctr_shape_add_text(writer->player, shape->content, &qualified);
    struct ctr_text owner;
    struct ctr_text name;
    split_name(&qualified, &owner, &name);
    struct ctr_text type = ctr_shape_type_name(shape);
    const struct callable *found = NULL;
    for (size_t i = 0; i < sizeof callables / sizeof callables[0]; i++) {
        if (strlen(callables[i].type) == type.size &&
            memcmp(callables[i].type, type.bytes, type.size) == 0) {
            found = &callables[i];
        }
    }
    if (found != NULL) {
        add_filled(writer, owner.size > 0 ? found->with_owner : found->without_owner, name, owner,
                   shape->address);
    } else {
        ctr_text__add(writer, "<");
        ctr_text__add_text(writer, type);
        ctr_text__add(writer, " ");
        ct_bytes_add(writer->to, qualified.data, qualified.size);
        ct_bytes_add_format(writer->to, " at 0x%llx>", (unsigned long long)shape->address);
    }
    ct_bytes_free(&qualified);
}

void ctr_text__method(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value parts[2];
    if (ctr_text__fields(shape, parts, 2) != 2) {
        ctr_text__function(writer, shape);
        return;
    }
    ctr_text__add(writer, "<bound method ");
    ctr_text__plain(writer, parts[0]);
    ctr_text__add(writer, " of ");
    ctr_text__value(writer, parts[1]);
    ctr_text__add(writer, ">");
}

void ctr_text__class(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ct_bytes qualified = {0};
    ctr_shape_add_text(writer->player, shape->content, &qualified);
    bool is_enum = ctr_text__type_is(shape, "enum", "EnumType");
    struct ctr_text owner;
    struct ctr_text name = {(const char *)qualified.data, qualified.size};
    if (is_enum) {
        split_name(&qualified, &owner, &name);
    }
    ctr_text__add(writer, is_enum ? "<enum '" : "<class '");
    ctr_text__add_text(writer, name);
    ctr_text__add(writer, "'>");
    ct_bytes_free(&qualified);
}

void ctr_text__module(struct ctr_text_writer *writer, struct ctr_shape *shape)
{
    struct ctr_value parts[2] = {shape->content, {0}};
    uint32_t count = ctr_text__fields(shape, parts, 2);
    ctr_text__add(writer, "<module ");
    if (count == 0) {
        ctr_text__content(writer, shape);
    } else {
        ctr_text__value(writer, parts[0]);
    }
    if (count == 2 && parts[1].tag != CTR_V_NONE) {
        bool is_kind = ctr_shape_text_is(writer->player, parts[1], "built-in") ||
                       ctr_shape_text_is(writer->player, parts[1], "frozen");
        ctr_text__add(writer, is_kind ? " (" : " from ");
        if (is_kind) {
            ctr_text__plain(writer, parts[1]);
            ctr_text__add(writer, ")");
        } else {
            ctr_text__value(writer, parts[1]);
        }
    }
    ctr_text__add(writer, ">");
}
