/** Promises about an instance's life: what it counts, keeps ready, forgets, and does in a child. */
#include "crypto_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct chy_crypto_statistics counted(void)
{
    struct chy_crypto_statistics found = {.struct_size = sizeof found};
    must(CHY_OK, crypto->statistics(self, op, &found));
    return found;
}

START_TEST(it_is_healthy_and_says_what_it_can)
{
    struct chy_crypto_capabilities found = {.struct_size = sizeof found};
    must(CHY_OK, crypto->health(self, op));
    must(CHY_OK, crypto->capabilities(self, op, &found));
    ck_assert_uint_gt(found.key_algorithms.count, 0);
    ck_assert_uint_gt(found.digest_algorithms.count, 0);
    ck_assert(crypto->kdf != NULL || !has_feature(CHY_CRYPTO_KDF));
    ck_assert(crypto->cipher != NULL || !has_feature(CHY_CRYPTO_CIPHER));
    ck_assert(crypto->decrypt != NULL || !has_feature(CHY_CRYPTO_DECRYPT));
    ck_assert(crypto->derive != NULL || !has_feature(CHY_CRYPTO_DERIVE));
    ck_assert((crypto->seal_key != NULL && crypto->open_key != NULL) ||
              !has_feature(CHY_CRYPTO_SEAL_KEYS));
    ck_assert((crypto->load != NULL && crypto->reference != NULL) ||
              !has_feature(CHY_CRYPTO_PERSISTENT));
}
END_TEST

START_TEST(handles_are_counted)
{
    uint64_t before = counted().keys_open;
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_key *public = key_public(spki_of(key));
    ck_assert_uint_eq(counted().keys_open, before + 2);
    release(public);
    release(key);
    ck_assert_uint_eq(counted().keys_open, before);
}
END_TEST

START_TEST(two_instances_live_side_by_side)
{
    char *directory = conf_temp_dir_new();
    struct chy_instance *other =
        conf_instance_new(crypto_plugin, &crypto_arguments, "other", directory);
    ck_assert_ptr_nonnull(other);
    ck_assert_int_eq(conf_instance_up(other), CHY_OK);
    struct chy_op *other_op = conf_op_new(other);
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_key *public = NULL;
    struct chy_slice message = chy_text("message");
    struct chy_slice signature = signature_of(key, CHY_SIG_ECDSA_SHA256, message);
    must(CHY_OK, crypto->load_public(conf_instance_self(other), other_op, spki_of(key), &public));
    ck_assert_int_eq(crypto->verify(conf_instance_self(other), other_op, public,
                                    CHY_SIG_ECDSA_SHA256, message, signature),
                     CHY_OK);
    crypto->release(conf_instance_self(other), public);
    conf_op_free(other_op);
    conf_instance_down(other);
    conf_instance_free(other);
    conf_temp_dir_remove(directory);
    must(CHY_OK, crypto->verify(self, op, key, CHY_SIG_ECDSA_SHA256, message, signature));
    release(key);
}
END_TEST

START_TEST(it_starts_again)
{
    enum {
        TIMES = 5
    };
    for (size_t i = 0; i < TIMES; i++) {
        conf_op_free(op);
        conf_instance_down(crypto_instance);
        ck_assert_int_eq(conf_instance_up(crypto_instance), CHY_OK);
        self = conf_instance_self(crypto_instance);
        op = conf_op_new(crypto_instance);
        release(key_made(CHY_KEY_EC_P256, 0));
    }
}
END_TEST

/* --- a child process ---------------------------------------------------------------------------*/

START_TEST(a_child_process_draws_other_numbers)
{
    uint8_t ours[32];
    uint8_t theirs[32] = {0};
    int ends[2];
    must(CHY_OK, crypto->random(self, op, (struct chy_buffer){ours, sizeof ours})); // seeded now
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        chy_status status = crypto->random(self, op, (struct chy_buffer){ours, sizeof ours});
        ssize_t wrote = write(ends[1], ours, sizeof ours);
        _exit(status == CHY_OK && wrote == (ssize_t)sizeof ours ? 0 : 1);
    }
    int result = 1;
    must(CHY_OK, crypto->random(self, op, (struct chy_buffer){ours, sizeof ours}));
    ck_assert_int_eq(read(ends[0], theirs, sizeof theirs), (ssize_t)sizeof theirs);
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert_int_eq(result, 0);
    ck_assert_mem_ne(ours, theirs, sizeof ours);
    (void)close(ends[0]);
    (void)close(ends[1]);
}
END_TEST

/* --- forgetting --------------------------------------------------------------------------------*/

#define HIDDEN_LEN 32

/** A part of a private key, kept with every bit turned, so that no search finds it here. */
static uint8_t hidden[HIDDEN_LEN];

/** Where private bytes stand in a PKCS#8 file of ours: the seed, the scalar, or the first prime. */
static const struct {
    struct pair pair;
    uint64_t at;
} secrets[] = {
    {{CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256}, 600}, {{CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256}, 36},
    {{CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA384}, 35}, {{CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA512}, 45},
    {{CHY_KEY_ED25519, CHY_SIG_ED25519}, 16},      {{CHY_KEY_ED448, CHY_SIG_ED448}, 16},
    {{CHY_KEY_ML_DSA_44, CHY_SIG_ML_DSA_44}, 22},
};

static void use(struct chy_key *key, uint32_t algorithm)
{
    struct chy_slice message = chy_text("message");
    struct chy_slice signature = signature_of(key, algorithm, message);
    must(CHY_OK, crypto->verify(self, op, key, algorithm, message, signature));
}

/** use_and_release lives a key's whole life: made, used, exported, taken in, sealed, opened. */
static void use_and_release(const struct pair *pair, uint64_t at)
{
    struct chy_slice pkcs8;
    struct chy_key *key = key_made(pair->key, CHY_KEY_EXPORTABLE);
    use(key, pair->signature);
    must(CHY_OK, crypto->export_key(self, op, key, &pkcs8));
    ck_assert_uint_le(at + HIDDEN_LEN, pkcs8.len);
    for (size_t i = 0; i < HIDDEN_LEN; i++) {
        hidden[i] = (uint8_t)~pkcs8.ptr[at + i];
    }
    struct chy_key *taken = key_taken(pair->key, 0, pkcs8);
    use(taken, pair->signature);
    if (has_feature(CHY_CRYPTO_SEAL_KEYS)) {
        struct chy_slice sealed;
        struct chy_key *back = NULL;
        struct chy_seal_context context = context_of("leaf-key", "row");
        struct chy_key *sealing = key_made(CHY_KEY_AES_256, 0);
        must(CHY_OK, crypto->seal_key(self, op, sealing, &context, key, &sealed));
        must(CHY_OK, crypto->open_key(self, op, sealing, &context, sealed, &back));
        use(back, pair->signature);
        release(back);
        release(sealing);
    }
    release(taken);
    release(key);
}

/** find_hidden counts where `bytes` that a mapping holds read as the hidden key, forwards (as it is
 *  written) or backwards (as a number lies in memory). */
static size_t find_hidden(const uint8_t *bytes, size_t len)
{
    size_t found = 0;
    for (size_t at = 0; at + HIDDEN_LEN <= len; at++) {
        size_t same = 0;
        while (same < HIDDEN_LEN && (bytes[at + same] ^ hidden[same]) == 0xff) {
            same++;
        }
        size_t mirrored = 0;
        while (mirrored < HIDDEN_LEN &&
               (bytes[at + mirrored] ^ hidden[HIDDEN_LEN - 1 - mirrored]) == 0xff) {
            mirrored++;
        }
        found += same == HIDDEN_LEN || mirrored == HIDDEN_LEN ? 1U : 0U;
    }
    return found;
}

/** search_mapping reads a mapping of this process in windows that overlap by a key. */
static size_t search_mapping(int memory, uint64_t start, uint64_t end, uint8_t *window,
                             size_t window_len)
{
    size_t found = 0;
    while (start < end) {
        size_t want = end - start < window_len ? (size_t)(end - start) : window_len;
        ssize_t got = pread(memory, window, want, (off_t)start);
        if (got <= 0) {
            break;
        }
        // Most of a sanitizer's memory is zeros, and would take minutes to look at byte by byte.
        if (window[0] != 0 || memcmp(window, window + 1, (size_t)got - 1) != 0) {
            found += find_hidden(window, (size_t)got);
            explicit_bzero(window, (size_t)got);
        }
        uint64_t step = (uint64_t)got;
        start += step > HIDDEN_LEN && start + step < end ? step - HIDDEN_LEN : step;
    }
    return found;
}

/** search_memory looks through all writable memory, the stacks included. */
static size_t search_memory(void)
{
    enum {
        WINDOW = 1 << 16
    };
    static uint8_t window[WINDOW];
    char line[512];
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    ck_assert_ptr_nonnull(maps);
    ck_assert_int_ge(memory, 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *rest = NULL;
        uint64_t start = strtoull(line, &rest, 16);
        uint64_t end = strtoull(rest + 1, &rest, 16);
        bool writable = rest[2] == 'w';
        // A sanitizer's shadow is terabytes of nothing.
        if (writable && end - start < (UINT64_C(1) << 32)) {
            size_t here = search_mapping(memory, start, end, window, sizeof window);
            if (here > 0) {
                conf_say("the private key is in %s", line);
            }
            found += here;
        }
    }
    (void)close(memory);
    (void)fclose(maps);
    return found;
}

START_TEST(a_released_key_is_forgotten)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (!has_key(secrets[i].pair.key)) {
            continue;
        }
        use_and_release(&secrets[i].pair, secrets[i].at);
        conf_op_free(op); // with its secret arena
        size_t found = search_memory();
        op = conf_op_new(crypto_instance);
        ck_assert_msg(found == 0, "key algorithm %u is still in %zu places", secrets[i].pair.key,
                      found);
    }
}
END_TEST

/* --- the ready pool ----------------------------------------------------------------------------*/

static struct chy_key *key_ready(const char *requester)
{
    struct chy_key *key = NULL;
    struct chy_key_template template = {.struct_size = sizeof template,
                                        .algorithm = CHY_KEY_RSA_2048,
                                        .flags = CHY_KEY_READY | CHY_KEY_EXPORTABLE,
                                        .requester = chy_text(requester)};
    must(CHY_OK, crypto->generate(self, op, &template, &key));
    ck_assert_ptr_nonnull(key);
    return key;
}

static void wait_until_ready(void)
{
    for (int i = 0; i < 2000 && counted().ready_keys < counted().ready_target; i++) {
        (void)usleep(50000);
    }
    ck_assert_uint_eq(counted().ready_keys, counted().ready_target);
}

START_TEST(ready_keys_are_given_once)
{
    enum {
        MOST = 8
    };
    struct chy_key *keys[MOST];
    struct chy_slice spkis[MOST];
    uint64_t target = counted().ready_target;
    if (target == 0) {
        return; // this provider, or this configuration, makes none ahead
    }
    wait_until_ready();
    uint64_t hits = counted().ready_hits;
    size_t count = target < MOST ? (size_t)target : MOST;
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_ready("one");
        spkis[i] = spki_of(keys[i]);
        for (size_t j = 0; j < i; j++) {
            ck_assert(!chy_slice_equal(spkis[i], spkis[j]));
        }
    }
    ck_assert_uint_eq(counted().ready_hits, hits + count);
    for (size_t i = 0; i < count; i++) {
        struct chy_slice pkcs8;
        struct chy_slice message = chy_text("message");
        struct chy_slice signature = signature_of(keys[i], CHY_SIG_RSA_SHA256, message);
        must(CHY_OK, crypto->verify(self, op, keys[i], CHY_SIG_RSA_SHA256, message, signature));
        must(CHY_OK, crypto->export_key(self, op, keys[i], &pkcs8));
        release(keys[i]);
    }
}
END_TEST

TCase *crypto_life_tests(void)
{
    TCase *tcase = crypto_tcase("life");
    tcase_add_test(tcase, it_is_healthy_and_says_what_it_can);
    tcase_add_test(tcase, handles_are_counted);
    tcase_add_test(tcase, two_instances_live_side_by_side);
    tcase_add_test(tcase, it_starts_again);
    tcase_add_test(tcase, a_child_process_draws_other_numbers);
    tcase_add_test(tcase, a_released_key_is_forgotten);
    return tcase;
}

TCase *crypto_ready_tests(void)
{
    TCase *tcase = crypto_tcase("ready");
    tcase_add_test(tcase, ready_keys_are_given_once);
    return tcase;
}
