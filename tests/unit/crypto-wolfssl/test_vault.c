#include "vault.h"

#include "test_main.h"

#include <stdint.h>
#include <string.h>

static struct chy_vault vault;

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

START_TEST(blocks_are_zero_aligned_and_apart)
{
    static const size_t sizes[] = {1, 64, 256, 257, 1000, 4208, 8368, CHY_VAULT_BLOCK_MAX};
    enum {
        SIZES = sizeof sizes / sizeof sizes[0],
        ROUNDS = 20
    };
    uint8_t *blocks[SIZES * ROUNDS];
    chy_vault_init(&vault);
    for (size_t i = 0; i < SIZES * ROUNDS; i++) {
        size_t size = sizes[i % SIZES];
        blocks[i] = chy_vault_take(&vault, size);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
        ck_assert(is_zero(blocks[i], size));
        memset(blocks[i], (int)(i % 255) + 1, size);
    }
    for (size_t i = 0; i < SIZES * ROUNDS; i++) {
        size_t size = sizes[i % SIZES];
        ck_assert_uint_eq(blocks[i][0], i % 255 + 1);
        ck_assert_uint_eq(blocks[i][size - 1], i % 255 + 1);
        chy_vault_give(&vault, blocks[i], size);
    }
    for (size_t i = 0; i < SIZES * ROUNDS; i++) {
        blocks[i] = chy_vault_take(&vault, sizes[i % SIZES]);
        ck_assert(is_zero(blocks[i], sizes[i % SIZES]));
    }
    for (size_t i = 0; i < SIZES * ROUNDS; i++) {
        chy_vault_give(&vault, blocks[i], sizes[i % SIZES]);
    }
    chy_vault_fini(&vault);
}
END_TEST

START_TEST(what_is_too_large_is_not_given)
{
    chy_vault_init(&vault);
    ck_assert_ptr_null(chy_vault_take(&vault, CHY_VAULT_BLOCK_MAX + 1));
    ck_assert_ptr_null(chy_vault_take(&vault, SIZE_MAX));
    chy_vault_give(&vault, NULL, 17);
    chy_vault_fini(&vault);
}
END_TEST

TEST_MAIN("wolfssl vault", TEST(blocks_are_zero_aligned_and_apart),
          TEST(what_is_too_large_is_not_given))
