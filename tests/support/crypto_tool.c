/**
 * Lets other implementations look at what a crypto plugin writes, and the plugin at what they
 * write:
 *
 *     crypto_tool <plugin.so> make FOLDER     writes <key>.p8, <key>.spki and <key>.<scheme>.sig
 *                                             over FOLDER/message, for all that the plugin claims
 *     crypto_tool <plugin.so> check FOLDER    takes <key>.p8 in where it is there, writes what it
 *                                             finds to <key>.spki.found, and checks each signature
 *                                             with <key>.spki; says one line for each
 */
#include "host.h"

#include <chancery/crypto.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1 << 20)

static const struct {
    const char *name;
    uint32_t algorithm;
} keys[] = {
    {"rsa2048", CHY_KEY_RSA_2048},  {"rsa3072", CHY_KEY_RSA_3072},  {"rsa4096", CHY_KEY_RSA_4096},
    {"p256", CHY_KEY_EC_P256},      {"p384", CHY_KEY_EC_P384},      {"p521", CHY_KEY_EC_P521},
    {"ed25519", CHY_KEY_ED25519},   {"ed448", CHY_KEY_ED448},       {"mldsa44", CHY_KEY_ML_DSA_44},
    {"mldsa65", CHY_KEY_ML_DSA_65}, {"mldsa87", CHY_KEY_ML_DSA_87},
};

static const struct {
    const char *name;
    uint32_t algorithm;
    const char *key; /**< what the key's name begins with */
} schemes[] = {
    {"sha256", CHY_SIG_RSA_SHA256, "rsa"},
    {"sha384", CHY_SIG_RSA_SHA384, "rsa"},
    {"sha512", CHY_SIG_RSA_SHA512, "rsa"},
    {"pss-sha256", CHY_SIG_RSA_PSS_SHA256, "rsa"},
    {"pss-sha384", CHY_SIG_RSA_PSS_SHA384, "rsa"},
    {"pss-sha512", CHY_SIG_RSA_PSS_SHA512, "rsa"},
    {"sha256", CHY_SIG_ECDSA_SHA256, "p"},
    {"sha384", CHY_SIG_ECDSA_SHA384, "p"},
    {"sha512", CHY_SIG_ECDSA_SHA512, "p"},
    {"pure", CHY_SIG_ED25519, "ed25519"},
    {"pure", CHY_SIG_ED448, "ed448"},
    {"pure", CHY_SIG_ML_DSA_44, "mldsa44"},
    {"pure", CHY_SIG_ML_DSA_65, "mldsa65"},
    {"pure", CHY_SIG_ML_DSA_87, "mldsa87"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct chy_crypto_ops *crypto;
static void *self;
static struct chy_op *op;
static const char *folder;

static void must(chy_status status, const char *what)
{
    if (status != CHY_OK) {
        conf_say("%s: status %d: %s", what, status, conf_op_message(op));
        exit(1);
    }
}

static FILE *open_file(const char *name, const char *suffix, const char *mode)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    return fopen(path, mode);
}

static void write_file(const char *name, const char *suffix, struct chy_slice bytes)
{
    FILE *file = open_file(name, suffix, "wbe");
    if (file == NULL || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        conf_say("cannot write %s%s", name, suffix);
        exit(1);
    }
}

/** read_file reads a file into the operation; false: it is not there. */
static bool read_file(const char *name, const char *suffix, struct chy_slice *out_bytes)
{
    FILE *file = open_file(name, suffix, "rbe");
    if (file == NULL) {
        return false;
    }
    uint8_t *bytes = chy_alloc(op, FILE_MAX);
    *out_bytes = chy_slice_of(bytes, fread(bytes, 1, FILE_MAX, file));
    (void)fclose(file);
    return true;
}

static bool is_for(size_t scheme, size_t key)
{
    const char *start = schemes[scheme].key;
    return strncmp(keys[key].name, start, strlen(start)) == 0;
}

static void sign_all(size_t i, struct chy_key *key, struct chy_slice message)
{
    for (size_t n = 0; n < COUNT(schemes); n++) {
        struct chy_slice signature;
        char suffix[32];
        if (is_for(n, i)) {
            must(crypto->sign(self, op, key, schemes[n].algorithm, message, &signature), "sign");
            (void)snprintf(suffix, sizeof suffix, ".%s.sig", schemes[n].name);
            write_file(keys[i].name, suffix, signature);
        }
    }
}

static void make(size_t i, struct chy_slice message)
{
    struct chy_key_template template = {.struct_size = sizeof template,
                                        .algorithm = keys[i].algorithm,
                                        .flags = CHY_KEY_EXPORTABLE};
    struct chy_key *key = NULL;
    struct chy_slice pkcs8;
    struct chy_slice spki;
    chy_status status = crypto->generate(self, op, &template, &key);
    if (status == CHY_UNSUPPORTED) {
        return;
    }
    must(status, "generate");
    must(crypto->export_key(self, op, key, &pkcs8), "export");
    must(crypto->public_key(self, op, key, &spki), "public_key");
    write_file(keys[i].name, ".p8", pkcs8);
    write_file(keys[i].name, ".spki", spki);
    sign_all(i, key, message);
    crypto->release(self, key);
}

static void check_private(size_t i, struct chy_slice pkcs8)
{
    struct chy_key_template template = {.struct_size = sizeof template};
    struct chy_key *key = NULL;
    struct chy_slice spki;
    chy_status status = crypto->import_key(self, op, &template, pkcs8, &key);
    (void)printf("%s key %d\n", keys[i].name, status);
    if (status == CHY_OK) {
        must(crypto->public_key(self, op, key, &spki), "public_key");
        write_file(keys[i].name, ".spki.found", spki);
    }
    crypto->release(self, key);
}

static void check_signatures(size_t i, struct chy_slice spki, struct chy_slice message)
{
    struct chy_key *key = NULL;
    must(crypto->load_public(self, op, spki, &key), "load_public");
    for (size_t n = 0; n < COUNT(schemes); n++) {
        char suffix[32];
        struct chy_slice signature;
        (void)snprintf(suffix, sizeof suffix, ".%s.sig", schemes[n].name);
        if (is_for(n, i) && read_file(keys[i].name, suffix, &signature)) {
            (void)printf("%s %s %d\n", keys[i].name, schemes[n].name,
                         crypto->verify(self, op, key, schemes[n].algorithm, message, signature));
        }
    }
    crypto->release(self, key);
}

static void run(const char *command)
{
    struct chy_slice message;
    if (!read_file("message", "", &message)) {
        conf_say("there is no message in %s", folder);
        exit(2);
    }
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct chy_slice file;
        if (strcmp(command, "make") == 0) {
            make(i, message);
            continue;
        }
        if (read_file(keys[i].name, ".p8", &file)) {
            check_private(i, file);
        }
        if (read_file(keys[i].name, ".spki", &file)) {
            check_signatures(i, file, message);
        }
    }
}

int main(int argc, char **argv)
{
    struct conf_arguments arguments;
    if (!conf_arguments_parse(&arguments, argc, argv) || arguments.rest_count != 2) {
        conf_say("crypto_tool <plugin.so> make|check FOLDER");
        return 2;
    }
    folder = arguments.rest[1];
    struct conf_plugin *plugin = conf_plugin_load(arguments.plugin);
    crypto = plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_CRYPTO);
    struct chy_instance *instance =
        crypto == NULL ? NULL : conf_instance_new(plugin, &arguments, "tool", folder);
    if (instance == NULL || conf_instance_up(instance) != CHY_OK) {
        return 2;
    }
    self = conf_instance_self(instance);
    op = conf_op_new(instance);
    run(arguments.rest[0]);
    conf_op_free(op);
    conf_instance_down(instance);
    conf_instance_free(instance);
    conf_plugin_free(plugin);
    return 0;
}
