"""The commands that need no storage: version, plugin, config, and help."""
import hashlib
import re
import shutil

import pytest

COMMANDS = [
    (),
    ("config",),
    ("config", "check"),
    ("config", "print"),
    ("plugin",),
    ("plugin", "list"),
    ("plugin", "describe"),
    ("plugin", "check"),
    ("version",),
]


@pytest.fixture(scope="session")
def probes(build):
    return build / "bin" / "tests" / "probes"


@pytest.fixture
def folder(tmp_path, probes):
    """A folder with one good plugin in it."""
    path = tmp_path / "plugins"
    path.mkdir(mode=0o755)
    copy_plugin(probes, path, "probe-good")
    return path


def copy_plugin(probes, folder, name):
    target = folder / f"{name}.so"
    shutil.copyfile(probes / f"{name}.so", target)
    target.chmod(0o755)
    return target


@pytest.fixture
def write_config(tmp_path):
    """Writes a configuration with a kek beside it."""

    def write(text, kek_mode=0o600):
        kek = tmp_path / "kek"
        kek.write_text("00112233445566778899aabbccddeeff\n")
        kek.chmod(kek_mode)
        path = tmp_path / "chancery.yaml"
        path.write_text("kek: file:kek\n" + text)
        return path

    return write


# What is good with the probes: the storage and crypto plugins are the product's own.
GOOD = """
enrollment:
  - plugin: api
pki:
  public_url: http://pki.example.com
api:
  listen: 127.0.0.1:0
plugins:
  trust_owner: true
"""


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "chancery")
def test_help_has_an_example(run, words):
    got = run(*words, "--help")
    assert got.returncode == 0
    assert got.stderr == ""
    assert got.stdout.startswith("Usage: " + " ".join(("chancery",) + words))
    assert "\nExample:\n  chancery " in got.stdout
    assert run("help", *words).stdout == got.stdout


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "chancery")
def test_the_example_is_a_call_that_parses(run, words):
    example = run(*words, "--help").stdout.split("\nExample:\n  chancery ")[1].split("\n")[0]
    goes_on_for_ever = example.split()[0] in ("dev", "serve")
    got = run(*example.split(), *(["--help"] if goes_on_for_ever else []))
    assert got.returncode != 2, got.stderr


def test_version(run):
    for words in (("version",), ("--version",)):
        got = run(*words)
        assert got.returncode == 0
        assert re.match(r"chancery \d+\.\d+\.\d+\nplugin ABI 1, ", got.stdout)


@pytest.mark.parametrize(
    "words, message",
    [
        (("plugn",), "unknown command 'plugn'; did you mean 'plugin'?"),
        (("plugin", "lst"), "unknown command 'lst'; did you mean 'list'?"),
        (("plugin", "list", "--plugin", "x"), "unknown option '--plugin'; did you mean '--plugins'?"),
        (("plugin", "list", "--plugins"), "option '--plugins' needs a value: --plugins DIR"),
        (("plugin", "describe"), "expected NAME"),
        (("plugin", "describe", "a", "b"), "unexpected word 'b'"),
        (("config", "check", "x"), "unexpected word 'x'"),
        (("--verbose",), "unknown option '--verbose'"),
    ],
)
def test_wrong_calls_are_told_and_exit_2(run, words, message):
    got = run(*words)
    assert got.returncode == 2
    assert got.stdout == ""
    assert got.stderr.startswith(f"chancery: {message}\nTry 'chancery")


def test_no_command_shows_the_help_and_exits_2(run):
    got = run()
    assert got.returncode == 2
    assert got.stderr.startswith("Usage: chancery COMMAND")


def test_plugin_list(run, folder):
    got = run("plugin", "list", "--plugins", folder)
    assert got.returncode == 0, got.stderr
    lines = got.stdout.splitlines()
    assert lines[0].split() == ["NAME", "VERSION", "INTERFACE", "LICENCE", "BUILT", "WITH"]
    assert lines[1].split() == ["probe-good", "1.2.3", "enrollment", "Apache-2.0", "nothing"]
    assert len(lines) == 2


def test_plugin_list_goes_on_after_a_bad_one(run, folder, probes):
    copy_plugin(probes, folder, "probe-major")
    (folder / "aaa.so").write_text("no plugin at all, but a text of some length\n" * 3)
    (folder / "aaa.so").chmod(0o644)
    got = run("plugin", "list", "--plugins", folder)
    assert got.returncode == 1
    assert "probe-good" in got.stdout
    assert f"plugin '{folder}/aaa.so': expected a shared object (ELF), found a text file" in got.stderr
    assert "expected a plugin for ABI 1 (symbol chancery_plugin_v1), found one for ABI 2" in got.stderr


def test_plugin_list_of_no_folder(run):
    got = run("plugin", "list", "--plugins", "/nonexistent")
    assert got.returncode == 1
    assert got.stderr == (
        "chancery: cannot list the plugin directory '/nonexistent': No such file or directory\n"
    )


def test_plugin_describe(run, folder):
    got = run("plugin", "describe", "probe-good", "--plugins", folder)
    assert got.returncode == 0, got.stderr
    digest = hashlib.sha256((folder / "probe-good.so").read_bytes()).hexdigest()
    assert re.search(rf"^SHA-256 +{digest}$", got.stdout, re.M)
    assert re.search(r"^Interfaces +enrollment 1\.0, works from 1\.0 on$", got.stdout, re.M)
    assert "  level (int, 1 to 9, reloadable) [5]\n      a number from 1 to 9\n" in got.stdout
    assert "  token (text, secret)\n" in got.stdout
    assert "  GET    /probe/{id} (anyone)\n" in got.stdout


def test_plugin_check_tells_each(run, folder, probes):
    copy_plugin(probes, folder, "probe-name")
    got = run("plugin", "check", "--plugins", folder)
    assert got.returncode == 1
    assert re.search(r"^probe-good: ok", got.stdout, re.M)
    assert "probe-name: FAILED\n" in got.stdout
    assert "expected the plugin 'probe-name', as the file is called, found 'probe-other'" in got.stderr
    got = run("plugin", "check", "probe-good", "--plugins", folder)
    assert got.returncode == 0, got.stderr


def test_plugin_check_survives_a_plugin_that_crashes(run, probes):
    got = run("plugin", "check", "probe-crash", "--plugins", probes / "crash")
    assert got.returncode == 1
    assert got.stdout == "probe-crash: FAILED\n"
    assert "loading plugin 'probe-crash' ended the program: Aborted" in got.stderr


def test_plugin_check_holds_to_the_pins_of_a_configuration(run, folder, write_config):
    digest = hashlib.sha256((folder / "probe-good.so").read_bytes()).hexdigest()
    config = write_config(f"plugins:\n  directory: plugins\n  pins:\n    probe-good: {digest}\n")
    assert run("plugin", "check", "--config", config).returncode == 0
    config = write_config(f"plugins:\n  directory: plugins\n  pins:\n    probe-good: {'0' * 64}\n")
    got = run("plugin", "check", "--config", config)
    assert got.returncode == 1
    assert f"expected the SHA-256 {'0' * 64}, found {digest}" in got.stderr


def test_config_check_of_a_good_one(run, write_config):
    config = write_config(GOOD)
    got = run("config", "check", "--config", config)
    assert got.returncode == 0, got.stderr
    assert got.stdout == f"{config}: fine\n"


def test_config_check_tells_every_problem(run, write_config):
    config = write_config("api:\n  lisen: x\n  body_max: huge\nlog:\n  level: loud\n")
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert got.stderr.splitlines() == [
        "chancery: 3 problems:",
        f"  {config}:3:3: api.lisen: unknown key; did you mean 'listen'?",
        f"  {config}:4:13: api.body_max: expected a size (64, 16k, 2m, 1g) from 1k to 64m, "
        "found 'huge'",
        f"  {config}:6:10: log.level: expected one of 'error', 'warning', 'info', 'debug', "
        "found 'loud'",
    ]


def test_config_check_checks_the_options_of_plugins(run, folder, write_config):
    config = write_config(
        GOOD.replace(
            "enrollment:\n  - plugin: api\n",
            "enrollment:\n  - plugin: probe-good\n    options:\n      levle: 3\n",
        ).replace("plugins:\n", "plugins:\n  directory: plugins\n")
    )
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert "enrollment[0].options.levle: unknown key; did you mean 'level'?" in got.stderr
    assert f"plugin '{folder}/storage-sqlite.so': cannot open it" in got.stderr


def test_config_check_wants_the_right_interface(run, folder, write_config):
    config = write_config(
        GOOD.replace("plugins:\n", "plugins:\n  directory: plugins\n")
        + "storage:\n  plugin: probe-good\n"
    )
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert (
        "'probe-good': expected a plugin with the interface storage, found 'probe-good'" in got.stderr
    )


def test_problems_come_in_the_order_of_the_file(run, write_config):
    config = write_config("pki:\n  public_url: ftp://x\nlog:\n  level: loud\napi:\n  listen: nowhere\n")
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    lines = [int(line.split(":")[1]) for line in got.stderr.splitlines()[1:]]
    assert lines == [3, 5, 7], got.stderr


def test_a_plugin_that_is_not_there_is_told_with_place_and_nearest_name(run, folder, write_config):
    config = write_config("enrollment:\n  - plugin: prob-good\nplugins:\n  directory: plugins\n")
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert (f"{config}:3:13: enrollment[0].plugin: plugin '{folder}/prob-good.so': cannot open it: "
            "No such file or directory; did you mean 'probe-good'?") in got.stderr


def test_what_serve_needs_is_told_with_the_place_of_its_section(run, write_config):
    config = write_config("log:\n  level: info\napi:\n  listen: 0.0.0.0:0\npki:\n  backdate: 1m\n"
                          "plugins:\n  trust_owner: true\n")
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert f"  {config}:5:3: api.tls_certificate: " in got.stderr
    assert f"  {config}:7:3: pki.public_url: " in got.stderr


def test_config_check_refuses_a_kek_that_others_may_read(run, write_config):
    config = write_config(GOOD, kek_mode=0o644)
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert "kek: '" in got.stderr
    assert "expected a file that only its owner may read (chmod 600), found mode 0644" in got.stderr


MAIL = """notifier:
  - plugin: notify
    options:
      smtp_host: mail.example.com
"""


def test_config_check_lets_plugins_look_at_their_options(run, write_config):
    config = write_config("data_dir: data\n" + GOOD + MAIL)
    got = run("config", "check", "--config", config)
    assert got.returncode == 1
    assert re.search(rf"{config}:\d+:\d+: notifier\[0\]\.options: smtp_from: expected an address",
                     got.stderr)
    config = write_config("data_dir: data\n" + GOOD + MAIL + "      smtp_from: pki@example.com\n")
    got = run("config", "check", "--config", config)
    assert got.returncode == 0, got.stderr
    assert not (config.parent / "data").exists(), "it changed something"


@pytest.mark.parametrize("command", [("config", "check"), ("serve",)], ids=" ".join)
def test_files_that_are_not_there_are_told_with_their_place(run, write_config, command):
    config = write_config(GOOD.replace("  listen", "  tls_certificate: no.crt\n  tls_key: no.key\n  listen")
                          + "outbound:\n  ca_file: chancery.yaml\n")  # itself, which has none
    got = run(*command, "--config", config)
    assert got.returncode == 1
    for key, what in (("api.tls_certificate", "'.*/no.crt' cannot be read: No such file"),
                      ("api.tls_key", "'.*/no.key' cannot be read: No such file"),
                      ("outbound.ca_file", "expected certificates in PEM, found none")):
        assert re.search(rf"{config}:\d+:\d+: {re.escape(key)}: {what}", got.stderr), got.stderr


def test_config_check_of_no_file(run):
    got = run("config", "check", "--config", "/nonexistent.yaml")
    assert got.returncode == 1
    assert "/nonexistent.yaml" in got.stderr


def test_config_print_shows_what_is_in_effect(run, write_config, tmp_path):
    config = write_config("data_dir: ${WHERE}/x\nlog:\n  level: debug\n")
    got = run("config", "print", "--config", config, env={"WHERE": "data"})
    assert got.returncode == 0, got.stderr
    assert re.search(rf"^data_dir: {tmp_path}/data/x$", got.stdout, re.M)
    assert re.search(r"^kek: file:kek +# secret$", got.stdout, re.M)
    assert re.search(r"^  level: debug$", got.stdout, re.M)
    assert re.search(r"^  crl_lifetime: 7d +# default$", got.stdout, re.M)
    assert "00112233445566778899aabbccddeeff" not in got.stdout


def test_config_print_masks_the_secrets_of_plugins(run, folder, write_config):
    config = write_config(
        "enrollment:\n  - plugin: probe-good\n    options:\n      token: hush\n      level: 7\n"
        "plugins:\n  directory: plugins\n"
    )
    got = run("config", "print", "--config", config)
    assert got.returncode == 0, got.stderr
    assert "hush" not in got.stdout
    assert re.search(r'^      token: "\*+" +# secret$', got.stdout, re.M)
    assert re.search(r"^      level: 7$", got.stdout, re.M)


def test_an_unset_variable_is_told(run, write_config):
    config = write_config("data_dir: ${CHANCERY_TEST_UNSET}\n")
    got = run("config", "print", "--config", config)
    assert got.returncode == 1
    assert got.stderr == (
        f"chancery: {config}:2:11: data_dir: the environment variable CHANCERY_TEST_UNSET is not set\n"
    )
