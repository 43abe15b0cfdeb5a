/* Numbers as Python's repr writes them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace/text.h"

enum {
    SHORTEST_DIGITS_MAX = 17, /* always enough for a double */
    SAFE_DIGITS = 15,         /* a decimal this short survives the way through a normal double */
    BIG_DECIMAL_MAX = 65536,  /* bytes; a larger number reads in hexadecimal, which takes no time
                                 that grows with the square of its length */
    LIMB_DIGITS = 9,
};
static const uint32_t limb_base = 1000000000;

void ctr_text_int(int64_t value, struct ct_bytes *to)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (value < 0) {
        *--at = '-';
    }
    ct_bytes_add(to, at, (size_t)(digits + sizeof digits - at));
}

/* ---- float ---- */

/* The significant digits of a positive finite number: 0.DIGITS * 10 ** point. */
struct decimal {
    char digits[SHORTEST_DIGITS_MAX + 1];
    int count;
    int point;
};

/* Split printf's "d.ddde+xx". The character between the first two digits is the locale's. */
static void parse_decimal(const char *text, struct decimal *decimal)
{
    decimal->count = 0;
    while (*text != 'e') {
        if (*text >= '0' && *text <= '9' && decimal->count < SHORTEST_DIGITS_MAX) {
            decimal->digits[decimal->count++] = *text;
        }
        text++;
    }
    decimal->point = atoi(text + 1) + 1;
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0') {
        decimal->count--;
    }
}

static bool decimal_is(const struct decimal *decimal, double value)
{
    char text[SHORTEST_DIGITS_MAX + 16];
    snprintf(text, sizeof text, "%.*se%d", decimal->count, decimal->digits,
             decimal->point - decimal->count);
    return strtod(text, NULL) == value;
}

static void round_to(double value, int digits, struct decimal *decimal)
{
    char text[48];
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    parse_decimal(text, decimal);
}

/* One more in the last of `digits` places. */
static void step_up(struct decimal *decimal, int digits)
{
    while (decimal->count < digits) {
        decimal->digits[decimal->count++] = '0';
    }
    int at = digits - 1;
    while (at >= 0 && decimal->digits[at] == '9') {
        at--;
    }
    if (at < 0) {
        decimal->digits[0] = '1';
        decimal->count = 1;
        decimal->point++;
        return;
    }
    decimal->digits[at]++;
    decimal->count = at + 1;
}

/* The shortest digits that read back as `value`; of several the nearest. Below a power of two the
 * doubles stand twice as close as above it, so there the nearest decimal may fail where the one
 * above it holds. */
static void shortest(double value, struct decimal *decimal)
{
    int digits = value < 2.2250738585072014e-308 ? 1 : SAFE_DIGITS;
    for (; digits < SHORTEST_DIGITS_MAX; digits++) {
        round_to(value, digits, decimal);
        if (decimal_is(decimal, value)) {
            return;
        }
        int exponent;
        if (digits > SAFE_DIGITS && frexp(value, &exponent) == 0.5) {
            step_up(decimal, digits);
            if (decimal_is(decimal, value)) {
                return;
            }
        }
    }
    round_to(value, SHORTEST_DIGITS_MAX, decimal);
}

static void add_zeros(struct ct_bytes *to, int count)
{
    for (int i = 0; i < count; i++) {
        ct_bytes_add_byte(to, '0');
    }
}

static void add_exponent_form(const struct decimal *decimal, struct ct_bytes *to)
{
    ct_bytes_add(to, decimal->digits, 1);
    if (decimal->count > 1) {
        ct_bytes_add_byte(to, '.');
        ct_bytes_add(to, decimal->digits + 1, (size_t)decimal->count - 1);
    }
    ct_bytes_add_format(to, "e%+03d", decimal->point - 1);
}

static void add_plain_form(const struct decimal *decimal, struct ct_bytes *to, bool with_point)
{
    int whole = decimal->point < decimal->count ? decimal->point : decimal->count;
    if (whole <= 0) {
        ct_bytes_add_text(to, "0.");
        add_zeros(to, -decimal->point);
        ct_bytes_add(to, decimal->digits, (size_t)decimal->count);
        return;
    }
    ct_bytes_add(to, decimal->digits, (size_t)whole);
    add_zeros(to, decimal->point - whole);
    if (whole < decimal->count) {
        ct_bytes_add_byte(to, '.');
        ct_bytes_add(to, decimal->digits + whole, (size_t)(decimal->count - whole));
    } else if (with_point) {
        ct_bytes_add_text(to, ".0");
    }
}

/* `with_point`: a whole number ends in ".0". */
static void add_float(double value, bool with_point, struct ct_bytes *to)
{
    if (isnan(value)) {
        ct_bytes_add_text(to, "nan");
        return;
    }
    if (signbit(value)) {
        ct_bytes_add_byte(to, '-');
        value = -value;
    }
    if (isinf(value)) {
        ct_bytes_add_text(to, "inf");
        return;
    }
    if (value < 1e15 && value == (double)(int64_t)value) {
        ctr_text_int((int64_t)value, to);
        ct_bytes_add_text(to, with_point ? ".0" : "");
        return;
    }
    struct decimal decimal;
    shortest(value, &decimal);
    if (decimal.point > 16 || decimal.point < -3) {
        add_exponent_form(&decimal, to);
    } else {
        add_plain_form(&decimal, to, with_point);
    }
}

void ctr_text_float(double value, struct ct_bytes *to)
{
    add_float(value, true, to);
}

void ctr_text_complex(double real, double imaginary, struct ct_bytes *to)
{
    bool is_pure = real == 0 && !signbit(real);
    if (!is_pure) {
        ct_bytes_add_byte(to, '(');
        add_float(real, false, to);
        if (isnan(imaginary) || !signbit(imaginary)) {
            ct_bytes_add_byte(to, '+');
        }
    }
    add_float(imaginary, false, to);
    ct_bytes_add_text(to, is_pure ? "j" : "j)");
}

/* ---- int of any size ---- */

static void add_hexadecimal(const uint8_t *magnitude, size_t size, struct ct_bytes *to)
{
    ct_bytes_add_format(to, "0x%x", magnitude[size - 1]);
    uint8_t *text = ct_bytes_reserve(to, 2 * (size - 1));
    if (text == NULL) {
        return;
    }
    static const char hex[] = "0123456789abcdef";
    for (size_t i = size - 1; i-- > 0;) {
        *text++ = (uint8_t)hex[magnitude[i] >> 4];
        *text++ = (uint8_t)hex[magnitude[i] & 15];
    }
    to->size += 2 * (size - 1);
}

/* Divide the little-endian limbs in place; the remainder is the next nine digits. */
static uint32_t divide(uint32_t *limbs, size_t count)
{
    uint64_t rest = 0;
    for (size_t i = count; i-- > 0;) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / limb_base);
        rest %= limb_base;
    }
    return (uint32_t)rest;
}

/* Digits from the last to the first, into the end of `text`; returns the first. */
static char *write_decimal(uint32_t *limbs, size_t count, char *end)
{
    char *at = end;
    while (count > 0 && limbs[count - 1] == 0) {
        count--;
    }
    while (count > 0) {
        uint32_t part = divide(limbs, count);
        for (int i = 0; i < LIMB_DIGITS; i++) {
            *--at = (char)('0' + part % 10);
            part /= 10;
        }
        while (count > 0 && limbs[count - 1] == 0) {
            count--;
        }
    }
    while (at < end - 1 && *at == '0') {
        at++;
    }
    return at;
}

void ctr_text_big(const uint8_t *magnitude, size_t size, bool negative, struct ct_bytes *to)
{
    while (size > 0 && magnitude[size - 1] == 0) {
        size--;
    }
    if (size == 0) {
        ct_bytes_add_byte(to, '0');
        return;
    }
    if (negative) {
        ct_bytes_add_byte(to, '-');
    }
    if (size > BIG_DECIMAL_MAX) {
        add_hexadecimal(magnitude, size, to);
        return;
    }
    size_t count = (size + 3) / 4;
    size_t text_size = (size * 8 * 302 / 1000 / LIMB_DIGITS + 2) * LIMB_DIGITS;
    uint32_t *limbs = calloc(count, sizeof *limbs);
    char *text = malloc(text_size);
    if (limbs == NULL || text == NULL) {
        to->failed = true;
    } else {
        memcpy(limbs, magnitude, size);
        char *at = write_decimal(limbs, count, text + text_size);
        ct_bytes_add(to, at, (size_t)(text + text_size - at));
    }
    free(limbs);
    free(text);
}
