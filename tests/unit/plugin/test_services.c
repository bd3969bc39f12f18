#include "plugin/services.h"

#include "base/op.h"
#include "fakes.h"
#include "plugin/values.h"
#include "test_main.h"

/** Services over a fake storage and two fake providers, and an operation of an instance. */
struct fixture {
    struct chy_services services;
    struct chy_metrics *metrics;
    struct chy_operation operation;
    struct chy_op *op;
    struct fake_storage fake_storage;
    struct fake_crypto fake_crypto[2];
    struct chy_loaded_plugin storage_plugin;
    struct chy_loaded_plugin crypto_plugin[2];
    struct chy_loaded_plugin web_plugin;
    struct chy_instance storage_instance;
    struct chy_instance crypto_instance[2];
    struct chy_instance web;
};

static const struct chy_instance_collection web_collections[] = {{CHY_TEXT_INIT("plain"), PLAIN}};

static void open_crypto(struct fixture *f, size_t i, const char *name, uint32_t digest)
{
    struct chy_crypto *crypto = NULL;
    f->fake_crypto[i].digests[0] = digest;
    f->fake_crypto[i].digest_count = 1;
    fake_crypto_ops(&f->crypto_plugin[i].crypto);
    fake_instance(&f->crypto_instance[i], &f->crypto_plugin[i], &f->services.host, name,
                  CHY_INTERFACE_CRYPTO, &f->fake_crypto[i]);
    const struct chy_crypto_config config = {.instance = &f->crypto_instance[i]};
    ck_assert_int_eq(chy_crypto_open(f->op, &config, &crypto), CHY_OK);
    chy_services_add_crypto(&f->services, crypto);
}

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->metrics = chy_metrics_new();
    chy_services_init(&f->services, NULL, NULL, f->metrics);
    const struct chy_operation_config config = {.host = &f->services.host};
    ck_assert_int_eq(chy_operation_init(&f->operation, &config), CHY_OK);
    f->op = &f->operation.op;
    fake_storage_ops(&f->storage_plugin.storage);
    fake_instance(&f->storage_instance, &f->storage_plugin, &f->services.host, "main",
                  CHY_INTERFACE_STORAGE, &f->fake_storage);
    const struct chy_storage_config storage_config = {
        .instance = &f->storage_instance,
        .schema = &fake_schema,
        .epoch = {CHY_NO_COLLECTION, 0, {NULL, 0}},
    };
    ck_assert_int_eq(chy_storage_open(f->op, &storage_config, &f->services.storage), CHY_OK);
    open_crypto(f, 0, "first", CHY_DIGEST_SHA256);
    open_crypto(f, 1, "second", CHY_DIGEST_SHA512);
    fake_instance(&f->web, &f->web_plugin, &f->services.host, "web", CHY_INTERFACE_ENROLLMENT,
                  NULL);
    f->web.collections = web_collections;
    f->web.collection_count = 1;
    f->operation.instance = &f->web;
}

static void close_fixture(struct fixture *f)
{
    chy_storage_close(f->services.storage);
    chy_crypto_close(f->services.crypto[0]);
    chy_crypto_close(f->services.crypto[1]);
    chy_operation_fini(&f->operation);
    chy_metrics_free(f->metrics);
}

START_TEST(an_instance_reaches_its_own_collections_only)
{
    struct fixture f;
    struct chy_storage_row row;
    struct chy_storage_page page;
    struct chy_storage_outcome outcome;
    uint32_t number = 0;
    open_fixture(&f);
    const struct chy_host *host = f.op->host;
    ck_assert_int_eq(host->collection(&f.web, chy_text("plain"), &number), CHY_OK);
    ck_assert_uint_eq(number, PLAIN);
    ck_assert_int_eq(host->collection(&f.web, chy_text("rows"), &number), CHY_NOT_FOUND);
    struct chy_storage_get get = {
        .struct_size = sizeof get, .collection = PLAIN, .key = CHY_KEY(chy_value_int(1))};
    struct chy_storage_find find = {
        .struct_size = sizeof find, .collection = PLAIN, .limit = 1, .scan_limit = 1};
    struct chy_storage_write writes[2];
    memset(writes, 0, sizeof writes);
    writes[0].kind = CHY_WRITE_DELETE;
    writes[0].collection = PLAIN;
    writes[0].key = CHY_KEY(chy_value_int(1));
    writes[1] = writes[0];
    writes[1].collection = EPOCH;
    writes[1].key = CHY_KEY(chy_value_text(chy_text("x")));
    struct chy_storage_batch batch = {sizeof batch, 0, chy_view_of(writes, 1, sizeof writes[0])};
    ck_assert_int_eq(host->storage_get(f.op, &get, &row), CHY_OK);
    ck_assert_int_eq(host->storage_find(f.op, &find, &page), CHY_OK);
    ck_assert_int_eq(host->storage_write(f.op, &batch, &outcome), CHY_OK);
    f.fake_storage.calls = 0;
    get.collection = ROWS;
    find.collection = ROWS;
    batch.writes.count = 2;
    ck_assert_int_eq(host->storage_get(f.op, &get, &row), CHY_DENIED);
    ck_assert_int_eq(host->storage_find(f.op, &find, &page), CHY_DENIED);
    ck_assert_int_eq(host->storage_write(f.op, &batch, &outcome), CHY_DENIED);
    f.operation.instance = NULL;
    get.collection = PLAIN;
    ck_assert_int_eq(host->storage_get(f.op, &get, &row), CHY_DENIED);
    ck_assert_uint_eq(f.fake_storage.calls, 0);
    close_fixture(&f);
}
END_TEST

START_TEST(a_primitive_comes_from_the_first_provider_that_has_it)
{
    struct fixture f;
    struct chy_slice out = {NULL, 0};
    uint8_t noise[4] = {0};
    open_fixture(&f);
    const struct chy_host *host = f.op->host;
    ck_assert_int_eq(host->digest(f.op, CHY_DIGEST_SHA256, chy_text("m"), &out), CHY_OK);
    ck_assert_str_eq(f.fake_crypto[0].last_call, "digest");
    ck_assert_int_eq(host->digest(f.op, CHY_DIGEST_SHA512, chy_text("m"), &out), CHY_OK);
    ck_assert_str_eq(f.fake_crypto[1].last_call, "digest");
    ck_assert_int_eq(host->digest(f.op, CHY_DIGEST_SHA384, chy_text("m"), &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(host->hmac(f.op, CHY_DIGEST_SHA512, chy_text("key"), chy_text("m"), &out),
                     CHY_OK);
    ck_assert_str_eq(f.fake_crypto[1].last_call, "hmac raw");
    ck_assert_int_eq(host->random(f.op, (struct chy_buffer){noise, sizeof noise}), CHY_OK);
    ck_assert_uint_eq(noise[3], 0x5a);
    ck_assert_int_eq(host->verify(f.op, chy_text("spki"), CHY_SIG_ECDSA_SHA256, chy_text("m"),
                                  chy_text("bytes")),
                     CHY_OK);
    ck_assert_int_eq(
        host->verify(f.op, chy_text("spki"), CHY_SIG_ED25519, chy_text("m"), chy_text("bytes")),
        CHY_UNSUPPORTED);
    close_fixture(&f);
}
END_TEST

static struct chy_crypto_key sealing_key;

static chy_status find_sealing_key(struct chy_op *op, const struct chy_uuid *id,
                                   struct chy_uuid *out_id, struct chy_crypto_key *out_key)
{
    static const struct chy_uuid only = {{7}};
    if (id != NULL && chy_uuid_compare(id, &only) != 0) {
        return chy_fail(op, CHY_BROKEN, 0, "no such data key");
    }
    *out_id = only;
    *out_key = sealing_key;
    return CHY_OK;
}

START_TEST(a_plugins_secret_is_bound_to_its_instance)
{
    struct fixture f;
    struct chy_slice sealed = {NULL, 0};
    struct chy_slice out = {NULL, 0};
    const struct chy_key_template aes = {.struct_size = sizeof aes, .algorithm = CHY_KEY_AES_256};
    open_fixture(&f);
    const struct chy_host *host = f.op->host;
    ck_assert_int_eq(host->seal(f.op, chy_text("row"), chy_text("s"), &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_generate(f.services.crypto[0], f.op, &aes, &sealing_key), CHY_OK);
    f.services.sealing_key = find_sealing_key;
    ck_assert_int_eq(host->seal(f.op, chy_text("row"), chy_text("s"), &sealed), CHY_OK);
    ck_assert_str_eq(f.fake_crypto[0].last_purpose, "plugin-secret");
    ck_assert_str_eq(f.fake_crypto[0].last_aad, "\003webrow");
    ck_assert_int_eq(sealed.ptr[0], 7); // names the key that sealed it
    ck_assert_int_eq(host->open(f.op, chy_text("row"), sealed, &out), CHY_OK);
    ck_assert_str_eq(f.fake_crypto[0].last_call, "open");
    ck_assert_str_eq(f.fake_crypto[0].last_aad, "\003webrow");
    ck_assert_int_eq(host->open(f.op, chy_text("row"), chy_slice_of(sealed.ptr, 16), &out),
                     CHY_BAD_INPUT);
    ck_assert_int_eq(host->open(f.op, chy_text("row"), chy_text("of another data key"), &out),
                     CHY_BROKEN);
    f.operation.instance = NULL;
    ck_assert_int_eq(host->seal(f.op, chy_text("row"), chy_text("s"), &out), CHY_DENIED);
    chy_crypto_key_release(&sealing_key);
    close_fixture(&f);
}
END_TEST

START_TEST(a_plugins_thread_gets_an_operation_of_its_instance)
{
    struct fixture f;
    open_fixture(&f);
    struct chy_op *op = f.services.host.op_begin(&f.web, chy_text("sweep"), CHY_NO_DEADLINE);
    ck_assert_ptr_nonnull(op);
    ck_assert_ptr_eq(chy_operation_of(op)->instance, &f.web);
    ck_assert_uint_eq(op->flags & CHY_OP_JOB, CHY_OP_JOB);
    ck_assert_ptr_eq(op->host, &f.services.host);
    op->host->op_end(op);
    close_fixture(&f);
}
END_TEST

START_TEST(a_plugins_metrics_carry_its_name)
{
    struct fixture f;
    struct chy_buf text;
    open_fixture(&f);
    f.services.host.count(&f.web, chy_text("web_logins"), chy_text("result=\"ok\""), 2);
    f.services.host.gauge(&f.web, chy_text("web_sessions"), chy_slice_of(NULL, 0), 7);
    chy_buf_init(&text, f.op, 1 << 20);
    chy_metrics_write(f.metrics, &text);
    chy_buf_add_u8(&text, 0);
    ck_assert(chy_buf_ok(&text));
    const char *written = (const char *)text.ptr;
    ck_assert_ptr_nonnull(
        strstr(written, "chancery_web_logins_total{instance=\"web\",result=\"ok\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(written, "chancery_web_sessions{instance=\"web\"} 7\n"));
    close_fixture(&f);
}
END_TEST

START_TEST(what_command_has_to_fill_is_empty)
{
    struct chy_services services;
    chy_services_init(&services, NULL, NULL, NULL);
    ck_assert_uint_eq(services.host.struct_size, sizeof(struct chy_host));
    ck_assert(services.host.enroll == NULL);
    ck_assert(services.host.resource == NULL);
    ck_assert(services.host.authenticate == NULL);
    ck_assert(services.host.alloc != NULL);
}
END_TEST

TEST_MAIN("plugin_services", TEST(an_instance_reaches_its_own_collections_only),
          TEST(a_primitive_comes_from_the_first_provider_that_has_it),
          TEST(a_plugins_secret_is_bound_to_its_instance),
          TEST(a_plugins_thread_gets_an_operation_of_its_instance),
          TEST(a_plugins_metrics_carry_its_name), TEST(what_command_has_to_fill_is_empty))
