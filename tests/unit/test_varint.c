/* Numbers of every length survive; what is no number is refused and stays refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/varint.h"

static void numbers_survive(void **state)
{
    (void)state;
    for (int bits = 0; bits <= 64; bits++) {
        for (int change = -1; change <= 1; change++) {
            uint64_t value = (bits == 64 ? 0 : 1ull << bits) + (uint64_t)(int64_t)change;
            uint8_t bytes[CT_VARINT_MAX];
            uint8_t *end = ct_varint_put(bytes, value);
            struct ct_cursor cursor = {bytes, end, false};
            assert_true(end - bytes <= CT_VARINT_MAX);
            assert_true(ct_get_varint(&cursor) == value);
            assert_false(cursor.failed);
            assert_ptr_equal(cursor.at, end);
        }
    }
}

static void signs_survive(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, -1, 1, -2, 63, -64, 64, INT32_MIN, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_true(ct_unzigzag(ct_zigzag(numbers[i])) == numbers[i]);
    }
    assert_int_equal(ct_zigzag(-1), 1);
    assert_int_equal(ct_zigzag(1), 2);
}

static void every_cut_fails(void **state)
{
    (void)state;
    uint8_t bytes[CT_VARINT_MAX];
    uint8_t *end = ct_varint_put(bytes, UINT64_MAX);
    for (const uint8_t *cut = bytes; cut < end; cut++) {
        struct ct_cursor cursor = {bytes, cut, false};
        assert_int_equal(ct_get_varint(&cursor), 0);
        assert_true(cursor.failed);
    }
}

static void more_than_64_bits_fail(void **state)
{
    (void)state;
    uint8_t bytes[11];
    memset(bytes, 0xff, sizeof bytes);
    bytes[9] = 0x02;
    struct ct_cursor cursor = {bytes, bytes + sizeof bytes, false};
    ct_get_varint(&cursor);
    assert_true(cursor.failed);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    uint8_t bytes[4] = {1, 2, 3, 4};
    struct ct_cursor cursor = {bytes, bytes + 4, false};
    assert_ptr_equal(ct_get_bytes(&cursor, 4), bytes);
    assert_ptr_equal(ct_get_bytes(&cursor, 0), bytes + 4);
    assert_null(ct_get_bytes(&cursor, 1));
    assert_true(cursor.failed);
    cursor = (struct ct_cursor){bytes, bytes + 4, false};
    assert_null(ct_get_bytes(&cursor, UINT64_MAX));
    assert_int_equal(ct_get_byte(&(struct ct_cursor){bytes, bytes, false}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_survive),   cmocka_unit_test(signs_survive),
        cmocka_unit_test(every_cut_fails),   cmocka_unit_test(more_than_64_bits_fail),
        cmocka_unit_test(bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
