/* Headers and blocks survive; any changed byte of them is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "trace/block.h"

static const struct ctr_header header = {
    .version = CTR_VERSION, .pid = 1234, .id = {1, 2, 3}, .start_ns = 1700000000000000000ull};

static void header_survives(void **state)
{
    (void)state;
    uint8_t bytes[CTR_HEADER_BYTES];
    struct ctr_header read;
    struct ct_error error;
    ctr_put_header(bytes, &header);
    assert_int_equal(ctr_get_header(bytes, sizeof bytes, &read, &error), CT_OK);
    assert_int_equal(read.pid, header.pid);
    assert_int_equal(read.start_ns, header.start_ns);
    assert_memory_equal(read.id, header.id, 16);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 0x10;
        assert_int_not_equal(ctr_get_header(bytes, sizeof bytes, &read, &error), CT_OK);
        bytes[i] ^= 0x10;
        assert_int_equal(ctr_get_header(bytes, i, &read, &error), CT_EFORMAT);
    }
}

static void newer_version_is_named(void **state)
{
    (void)state;
    uint8_t bytes[CTR_HEADER_BYTES];
    struct ctr_header newer = header, read;
    struct ct_error error;
    newer.version = CTR_VERSION + 7;
    ctr_put_header(bytes, &newer);
    assert_int_equal(ctr_get_header(bytes, sizeof bytes, &read, &error), CT_EVERSION);
    assert_non_null(strstr(error.message, "version 7"));
}

static void block_header_survives(void **state)
{
    (void)state;
    struct ctr_block_info info = {CTR_DEFS, CTR_ZSTD, 17, 1000, 500, 0x1122334455667788ull}, read;
    uint8_t bytes[CTR_BLOCK_HEADER_BYTES];
    struct ct_error error;
    ctr_put_block_header(bytes, &info);
    assert_int_equal(ctr_get_block_header(bytes, &read, &error), CT_OK);
    assert_int_equal(read.kind, info.kind);
    assert_int_equal(read.number, info.number);
    assert_int_equal(read.raw_size, info.raw_size);
    assert_int_equal(read.stored_size, info.stored_size);
    assert_true(read.checksum == info.checksum);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_int_equal(ctr_get_block_header(bytes, &read, &error), CT_EFORMAT);
        bytes[i] ^= 1;
    }
}

/* A header that is whole but says what no block has. */
static void impossible_blocks_are_refused(void **state)
{
    (void)state;
    const struct ctr_block_info impossible[] = {
        {.kind = 0, .codec = CTR_ZSTD},
        {.kind = CTR_END + 1, .codec = CTR_ZSTD},
        {.kind = CTR_EVENTS, .codec = CTR_ZSTD + 1},
        {.kind = CTR_EVENTS, .codec = CTR_ZSTD, .raw_size = CTR_BLOCK_MAX_BYTES + 1},
        {.kind = CTR_INDEX, .codec = CTR_STORED, .raw_size = 10, .stored_size = 11},
    };
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        uint8_t bytes[CTR_BLOCK_HEADER_BYTES];
        struct ctr_block_info read;
        ctr_put_block_header(bytes, &impossible[i]);
        assert_int_equal(ctr_get_block_header(bytes, &read, NULL), CT_EFORMAT);
    }
}

static void check_packing(const uint8_t *raw, size_t size, enum ctr_codec codec)
{
    size_t bound = ctr_pack_bound(size);
    uint8_t *room = malloc(bound + 1), *back = malloc(size + 1);
    struct ctr_block_info info = {.kind = CTR_EVENTS};
    struct ct_error error;
    assert_non_null(room);
    assert_non_null(back);
    const uint8_t *stored = ctr_pack(NULL, raw, size, room, bound, &info);
    assert_int_equal(info.codec, codec);
    assert_int_equal(ctr_unpack(&info, stored, back, &error), CT_OK);
    assert_memory_equal(back, raw, size);
    uint8_t *copy = malloc(info.stored_size + 1);
    assert_non_null(copy);
    memcpy(copy, stored, info.stored_size);
    for (size_t i = 0; i < info.stored_size; i++) {
        copy[i] ^= 0x80;
        assert_int_equal(ctr_unpack(&info, copy, back, &error), CT_EFORMAT);
        copy[i] ^= 0x80;
    }
    if (codec == CTR_ZSTD) { /* a lie about the size, with everything else right */
        info.raw_size--;
        assert_int_equal(ctr_unpack(&info, copy, back, &error), CT_EFORMAT);
    }
    free(copy);
    free(room);
    free(back);
}

static void blocks_survive(void **state)
{
    (void)state;
    uint8_t same[5000], mixed[64];
    memset(same, 7, sizeof same);
    for (size_t i = 0; i < sizeof mixed; i++) {
        mixed[i] = (uint8_t)(i * 167 + (i * i) % 13);
    }
    check_packing(same, sizeof same, CTR_ZSTD);
    check_packing(mixed, sizeof mixed, CTR_STORED);
    check_packing(mixed, 1, CTR_STORED);
}

static void trailer_survives(void **state)
{
    (void)state;
    uint8_t bytes[CTR_TRAILER_BYTES];
    uint64_t offset;
    ctr_put_trailer(bytes, 123456789);
    assert_int_equal(ctr_get_trailer(bytes, &offset), CT_OK);
    assert_int_equal(offset, 123456789);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 4;
        assert_int_equal(ctr_get_trailer(bytes, &offset), CT_EFORMAT);
        bytes[i] ^= 4;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_survives),       cmocka_unit_test(newer_version_is_named),
        cmocka_unit_test(block_header_survives), cmocka_unit_test(impossible_blocks_are_refused),
        cmocka_unit_test(blocks_survive),        cmocka_unit_test(trailer_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
