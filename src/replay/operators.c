/* Arithmetic: ints of any size, floats, and what + and * do with texts and sequences. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "replay/expression_internal.h"

static struct rp_val *type_error(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    return rp_fail(eval, CT_ESTATE, "TypeError: unsupported operand type: %s%s%s",
                   rp_val_type_name(eval, a), b != NULL ? " and " : "",
                   b != NULL ? rp_val_type_name(eval, b) : "");
}

bool rp_is_number(const struct rp_val *val)
{
    return val->kind == RP_V_BOOL || val->kind == RP_V_INT || val->kind == RP_V_FLOAT;
}

static bool is_whole(const struct rp_val *val)
{
    return val->kind == RP_V_BOOL || val->kind == RP_V_INT;
}

void rp_to_integer(const struct rp_val *val, mpz_t to)
{
    if (val->kind == RP_V_BOOL) {
        mpz_set_ui(to, val->truth);
    } else {
        mpz_set(to, val->integer);
    }
}

/* ---- ints as floats ---- */

/* The float nearest to a / b, ties to even, as Python divides; b is not 0. False: too large. */
static bool nearest(const mpz_t a, const mpz_t b, double *result)
{
    mpz_t x, y, quotient, rest;
    mpz_inits(x, y, quotient, rest, NULL);
    mpz_abs(x, a);
    mpz_abs(y, b);
    long shift = 64 + (long)mpz_sizeinbase(y, 2) - (long)mpz_sizeinbase(x, 2);
    if (mpz_sgn(x) == 0) {
        shift = 0;
    }
    shift = shift > 1074 + 2 ? 1074 + 2 : shift; /* no bits beyond the least float's and two */
    if (shift > 0) {
        mpz_mul_2exp(x, x, (unsigned long)shift);
    } else {
        mpz_mul_2exp(y, y, (unsigned long)-shift);
    }
    mpz_tdiv_qr(quotient, rest, x, y);
    /* 64 or 65 bits, of which 53 count (fewer near the least float); the rest rounds. */
    long bits = (long)mpz_sizeinbase(quotient, 2);
    long extra = bits - DBL_MANT_DIG;
    long least = shift - 1074; /* bits below the least float */
    extra = extra < least ? least : extra;
    bool sticky = mpz_sgn(rest) != 0;
    if (extra > 0) {
        bool half = mpz_tstbit(quotient, (mp_bitcnt_t)extra - 1);
        sticky |= mpz_scan1(quotient, 0) < (mp_bitcnt_t)extra - 1;
        mpz_tdiv_q_2exp(quotient, quotient, (mp_bitcnt_t)extra);
        if (half && (sticky || mpz_odd_p(quotient))) {
            mpz_add_ui(quotient, quotient, 1);
        }
        shift -= extra;
    }
    *result = ldexp(mpz_get_d(quotient), (int)-shift);
    *result = (mpz_sgn(a) < 0) != (mpz_sgn(b) < 0) ? -*result : *result;
    mpz_clears(x, y, quotient, rest, NULL);
    return isfinite(*result);
}

/* As float() does; false: too large. */
static bool to_float(struct rp_eval *eval, const struct rp_val *val, double *number)
{
    if (val->kind == RP_V_FLOAT) {
        *number = val->number;
        return true;
    }
    mpz_t one, integer;
    mpz_inits(one, integer, NULL);
    mpz_set_ui(one, 1);
    rp_to_integer(val, integer);
    bool fits = nearest(integer, one, number);
    mpz_clears(one, integer, NULL);
    return fits || rp_fail(eval, CT_ESTATE, "OverflowError: int too large to convert to float");
}

/* ---- floats ---- */

static struct rp_val *zero_division(struct rp_eval *eval)
{
    return rp_fail(eval, CT_ESTATE, "ZeroDivisionError: division by zero");
}

void rp_divide_floats(double a, double b, double *quotient, double *rest)
{
    double mod = fmod(a, b), div = (a - mod) / b;
    if (mod != 0) {
        if ((b < 0) != (mod < 0)) {
            mod += b;
            div -= 1;
        }
    } else {
        mod = copysign(0.0, b);
    }
    double floored = floor(div);
    if (div != 0) {
        *quotient = div - floored > 0.5 ? floored + 1 : floored;
    } else {
        *quotient = copysign(0.0, a / b);
    }
    *rest = mod;
}

static struct rp_val *power_of_floats(struct rp_eval *eval, double a, double b)
{
    if (a == 0 && b < 0) {
        return zero_division(eval);
    }
    if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b)) {
        return rp_fail(eval, CT_ESTATE, "complex numbers are not computed with here");
    }
    double result = pow(a, b);
    if (isinf(result) && isfinite(a) && isfinite(b)) {
        return rp_fail(eval, CT_ESTATE, "OverflowError: the result is too large");
    }
    return rp_val_float(eval, result);
}

static struct rp_val *with_floats(struct rp_eval *eval, enum rp_op op, struct rp_val *left,
                                  struct rp_val *right)
{
    double a, b, quotient, rest;
    if (!to_float(eval, left, &a) || !to_float(eval, right, &b)) {
        return NULL;
    }
    switch (op) {
    case RP_OP_ADD:
        return rp_val_float(eval, a + b);
    case RP_OP_SUB:
        return rp_val_float(eval, a - b);
    case RP_OP_MUL:
        return rp_val_float(eval, a * b);
    case RP_OP_DIV:
        return b == 0 ? zero_division(eval) : rp_val_float(eval, a / b);
    case RP_OP_FLOOR:
    case RP_OP_MOD:
        if (b == 0) {
            return zero_division(eval);
        }
        rp_divide_floats(a, b, &quotient, &rest);
        return rp_val_float(eval, op == RP_OP_MOD ? rest : quotient);
    case RP_OP_POW:
        return power_of_floats(eval, a, b);
    default:
        return type_error(eval, left, right);
    }
}

/* ---- ints ---- */

static struct rp_val *too_large(struct rp_eval *eval)
{
    return rp_fail(eval, CT_ELIMIT, "the int would be too large");
}

static struct rp_val *power_of_ints(struct rp_eval *eval, const mpz_t a, const mpz_t b,
                                    struct rp_val *result)
{
    if (mpz_cmpabs_ui(a, 1) <= 0) {
        unsigned long exponent = mpz_sgn(b) == 0 ? 0 : mpz_odd_p(b) ? 1 : 2;
        mpz_pow_ui(result->integer, a, exponent);
        return result;
    }
    if (!mpz_fits_ulong_p(b) || mpz_get_ui(b) > RP_EXPRESSION_INT_BITS / mpz_sizeinbase(a, 2)) {
        return too_large(eval);
    }
    mpz_pow_ui(result->integer, a, mpz_get_ui(b));
    return result;
}

static struct rp_val *shift_ints(struct rp_eval *eval, enum rp_op op, const mpz_t a, const mpz_t b,
                                 struct rp_val *result)
{
    if (mpz_sgn(b) < 0) {
        return rp_fail(eval, CT_ESTATE, "ValueError: negative shift count");
    }
    if (op == RP_OP_RSHIFT) {
        unsigned long bits = mpz_fits_ulong_p(b) ? mpz_get_ui(b) : ~0ul;
        mpz_fdiv_q_2exp(result->integer, a, bits);
        return result;
    }
    if (mpz_sgn(a) == 0) {
        return result;
    }
    if (!mpz_fits_ulong_p(b) || mpz_get_ui(b) > RP_EXPRESSION_INT_BITS) {
        return too_large(eval);
    }
    mpz_mul_2exp(result->integer, a, mpz_get_ui(b));
    return result;
}

static struct rp_val *compute(struct rp_eval *eval, enum rp_op op, const mpz_t a, const mpz_t b,
                              struct rp_val *result)
{
    double number;
    bool divides = op == RP_OP_DIV || op == RP_OP_FLOOR || op == RP_OP_MOD;
    if (divides && mpz_sgn(b) == 0) {
        return zero_division(eval);
    }
    switch (op) {
    case RP_OP_ADD:
        mpz_add(result->integer, a, b);
        return result;
    case RP_OP_SUB:
        mpz_sub(result->integer, a, b);
        return result;
    case RP_OP_MUL:
        if (mpz_sizeinbase(a, 2) + mpz_sizeinbase(b, 2) > RP_EXPRESSION_INT_BITS) {
            return too_large(eval);
        }
        mpz_mul(result->integer, a, b);
        return result;
    case RP_OP_DIV:
        return nearest(a, b, &number)
                   ? rp_val_float(eval, number)
                   : rp_fail(eval, CT_ESTATE, "OverflowError: the result is too large");
    case RP_OP_FLOOR:
        mpz_fdiv_q(result->integer, a, b);
        return result;
    case RP_OP_MOD:
        mpz_fdiv_r(result->integer, a, b);
        return result;
    case RP_OP_POW:
        return power_of_ints(eval, a, b, result);
    case RP_OP_AND:
        mpz_and(result->integer, a, b);
        return result;
    case RP_OP_OR:
        mpz_ior(result->integer, a, b);
        return result;
    case RP_OP_XOR:
        mpz_xor(result->integer, a, b);
        return result;
    default:
        return shift_ints(eval, op, a, b, result);
    }
}

static struct rp_val *with_ints(struct rp_eval *eval, enum rp_op op, struct rp_val *left,
                                struct rp_val *right)
{
    bool is_logic = op == RP_OP_AND || op == RP_OP_OR || op == RP_OP_XOR;
    if (is_logic && left->kind == RP_V_BOOL && right->kind == RP_V_BOOL) {
        bool a = left->truth, b = right->truth;
        return rp_val_bool(eval, op == RP_OP_AND ? a && b : op == RP_OP_OR ? a || b : a != b);
    }
    struct rp_val *result = rp_val_integer(eval);
    if (result == NULL) {
        return NULL;
    }
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    rp_to_integer(left, a);
    rp_to_integer(right, b);
    rp_work(eval, (mpz_size(a) + mpz_size(b)) / 8);
    bool as_floats = op == RP_OP_POW && mpz_sgn(b) < 0;
    result = as_floats ? with_floats(eval, op, left, right) : compute(eval, op, a, b, result);
    mpz_clears(a, b, NULL);
    return result;
}

/* ---- texts and sequences ---- */

static bool is_sequence(const struct rp_val *val)
{
    bool is_deque = val->is_recorded && val->shape == CTR_F_DEQUE;
    return val->kind == RP_V_TUPLE || (val->kind == RP_V_LIST && !is_deque);
}

static bool is_text(const struct rp_val *val)
{
    return val->kind == RP_V_STR || val->kind == RP_V_BYTES;
}

static struct rp_val *add_texts(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    if (a->is_cut || b->is_cut) {
        return rp_unknown(eval, "the whole text");
    }
    char *joined = rp_arena_get(&eval->arena, a->size + b->size + 1);
    if (joined == NULL) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory");
    }
    memcpy(joined, a->text, a->size);
    memcpy(joined + a->size, b->text, b->size);
    struct rp_val *result = rp_val_new(eval, a->kind);
    if (result != NULL) {
        result->text = joined;
        result->size = a->size + b->size;
    }
    return result;
}

static bool is_whole_sequence(struct rp_eval *eval, struct rp_val *val)
{
    return val->is_cut ? rp_unknown(eval, "all that is in it") != NULL : rp_val_items(eval, val);
}

static struct rp_val *add_sequences(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    if (!is_whole_sequence(eval, a) || !is_whole_sequence(eval, b)) {
        return NULL;
    }
    struct rp_val *result = rp_val_container(eval, a->kind, a->count + b->count);
    if (result != NULL) {
        memcpy(result->items, a->items, a->count * sizeof(void *));
        memcpy(result->items + a->count, b->items, b->count * sizeof(void *));
    }
    return result;
}

/* How often to repeat something of so many bytes or items. False: failed. */
static bool repetitions(struct rp_eval *eval, struct rp_val *times, uint64_t size, uint64_t *count)
{
    mpz_t number;
    mpz_init(number);
    rp_to_integer(times, number);
    bool is_large = !mpz_fits_slong_p(number);
    *count = mpz_sgn(number) <= 0 || size == 0 ? 0 : mpz_get_ui(number);
    mpz_clear(number);
    if (is_large || (size > 0 && *count > RP_EXPRESSION_MEMORY / size)) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory") != NULL;
    }
    return true;
}

static struct rp_val *repeat(struct rp_eval *eval, struct rp_val *val, struct rp_val *times)
{
    uint64_t count;
    if (val->is_cut) {
        return rp_unknown(eval, "all that is in it");
    }
    uint64_t size = is_text(val) ? val->size : val->count;
    if (!repetitions(eval, times, size, &count) || !rp_work(eval, size * count / 16)) {
        return NULL;
    }
    if (is_text(val)) {
        struct rp_val *result = rp_val_new(eval, val->kind);
        char *text = rp_arena_get(&eval->arena, size * count + 1);
        if (result == NULL || text == NULL) {
            return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory");
        }
        for (uint64_t i = 0; i < count; i++) {
            memcpy(text + i * size, val->text, size);
        }
        result->text = text;
        result->size = size * count;
        return result;
    }
    struct rp_val *result =
        rp_val_items(eval, val) ? rp_val_container(eval, val->kind, size * count) : NULL;
    for (uint64_t i = 0; result != NULL && i < count; i++) {
        memcpy(result->items + i * size, val->items, size * sizeof(void *));
    }
    return result;
}

static bool class_may_compute(struct rp_eval *eval, const struct rp_val *val)
{
    return (rp_val_methods(eval, val) & RP_M_NUMBER) != 0;
}

struct rp_val *rp_binary(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b)
{
    if (class_may_compute(eval, a) || class_may_compute(eval, b)) {
        return rp_unknown(eval, "what this gives: a class may say");
    }
    if (is_whole(a) && is_whole(b)) {
        return with_ints(eval, op, a, b);
    }
    if (rp_is_number(a) && rp_is_number(b)) {
        return with_floats(eval, op, a, b);
    }
    if (op == RP_OP_ADD && is_text(a) && a->kind == b->kind) {
        return add_texts(eval, a, b);
    }
    if (op == RP_OP_ADD && is_sequence(a) && is_sequence(b) && a->kind == b->kind) {
        return add_sequences(eval, a, b);
    }
    if (op == RP_OP_MUL && (is_sequence(a) || is_text(a)) && is_whole(b)) {
        return repeat(eval, a, b);
    }
    if (op == RP_OP_MUL && (is_sequence(b) || is_text(b)) && is_whole(a)) {
        return repeat(eval, b, a);
    }
    return type_error(eval, a, b);
}

struct rp_val *rp_unary(struct rp_eval *eval, enum rp_op op, struct rp_val *a)
{
    if (class_may_compute(eval, a)) {
        return rp_unknown(eval, "what this gives: a class may say");
    }
    if (a->kind == RP_V_FLOAT && op != RP_OP_INVERT) {
        return rp_val_float(eval, op == RP_OP_NEG ? -a->number : a->number);
    }
    if (!is_whole(a)) {
        return type_error(eval, a, NULL);
    }
    struct rp_val *result = rp_val_integer(eval);
    if (result != NULL) {
        rp_to_integer(a, result->integer);
        if (op == RP_OP_NEG) {
            mpz_neg(result->integer, result->integer);
        } else if (op == RP_OP_INVERT) {
            mpz_com(result->integer, result->integer);
        }
    }
    return result;
}
