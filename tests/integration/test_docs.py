"""The documents are true: what they show is run, what they list is compared with the program.

A fenced block that begins with ```sh run is run.  All of a page's blocks are one bash session, in
order, in an empty directory, with `chancery` on the path and, in variables, URL, PUBLIC_URL, TOKEN and
PROFILE of a new `chancery dev`, the prefix of the installed SDK and the folder PLUGINS.  Each command
of a block must succeed.  A block ```json answer after it shows what the block before wrote to its standard output:
the same members with the same values, where "…" stands for anything.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from api import Api, ok
from daemon import BUILD, PROGRAM, ROOT, Daemon, environment, run

FENCE = re.compile(r"^ *```(?P<kind>[^\n]*)\n(?P<text>.*?)^ *```$", re.M | re.S)
PAGES = ["README.md", "docs/access.md", "docs/api.md", "docs/cli.md", "docs/operating.md",
         "docs/plugin-guide.md"]
SESSION_PATIENCE = 300


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


class Block:
    """One block that is run, and the answer that the page shows for it."""

    def __init__(self, number, line, text):
        self.number = number
        self.line = line
        self.text = text
        self.answer = None


def blocks(name):
    found = []
    text = page(name)
    for fence in FENCE.finditer(text):
        kind = fence["kind"].strip()
        line = text.count("\n", 0, fence.start()) + 1
        if kind == "sh run":
            found.append(Block(len(found), line, fence["text"]))
        elif kind == "json answer":
            assert found and found[-1].answer is None, f"{name}:{line}: an answer to nothing"
            found[-1].answer = json.loads(fence["text"])
        else:
            assert not {"run", "answer"} & set(kind.split()), f"{name}:{line}: '{kind}'"
    return found


def script(page_blocks):
    """Each block's output goes to a file of its own; `done.N` says that it came to its end."""
    parts = ["set -euo pipefail"]
    for block in page_blocks:
        parts.append(f"exec >out.{block.number} 2>err.{block.number}\n{block.text}\n"
                     f"true >done.{block.number}")
    return "\n".join(parts) + "\n"


def holds(found, shown, where="the answer"):
    """What the page shows is what came."""
    if shown == "…":
        return
    assert type(found) is type(shown), f"{where}: {found!r}, the page shows {shown!r}"
    if isinstance(shown, dict):
        assert set(found) == set(shown), f"{where}: members {sorted(set(found) ^ set(shown))}"
        for key in shown:
            holds(found[key], shown[key], f"{where}.{key}")
    elif isinstance(shown, list):
        assert len(found) == len(shown), f"{where}: {found!r}"
        for i, (one, other) in enumerate(zip(found, shown)):
            holds(one, other, f"{where}[{i}]")
    elif isinstance(shown, str) and "…" in shown:
        pattern = ".*".join(map(re.escape, shown.split("…")))
        assert re.fullmatch(pattern, found, re.S), f"{where}: {found!r}, the page shows {shown!r}"
    else:
        assert found == shown, f"{where}: {found!r}, the page shows {shown!r}"


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """The prefix of an installed SDK."""
    prefix = tmp_path_factory.mktemp("sdk")
    subprocess.run(["cmake", "--install", BUILD, "--component", "sdk", "--prefix", prefix],
                   check=True, capture_output=True)
    return prefix


@pytest.fixture(scope="module", params=PAGES)
def session(request, sdk, tmp_path_factory):
    """A page's name and the directory in which its blocks were run."""
    folder = tmp_path_factory.mktemp("page")
    one = Daemon(folder / "daemon")
    try:
        one.start()
        ready = one.ready
        directory = folder / "work"
        directory.mkdir()
        (directory / "session").write_text(script(blocks(request.param)), encoding="utf-8")
        variables = environment(
            URL=ready.url, PUBLIC_URL=ready.publicUrl, TOKEN=ready.token,
            PROFILE=ready.profileId, XDG_CONFIG_HOME=str(directory / "config"),
            SDK=str(sdk), PLUGINS=str(BUILD / "lib/chancery/plugins"),
            PATH=f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}")
        subprocess.run(["bash", "session"], cwd=directory, env=variables, check=False,
                       stdin=subprocess.DEVNULL, timeout=SESSION_PATIENCE)
        one.check()
        yield request.param, directory
        one.stop()
    finally:
        one.kill()


def test_blocks_run(session):
    name, directory = session
    for block in blocks(name):
        number = block.number
        written = "".join((directory / f"{kind}.{number}").read_text(encoding="utf-8")
                          for kind in ("out", "err"))
        assert (directory / f"done.{number}").exists(), \
            f"{name}:{block.line} failed:\n{block.text}\n{written}"


def test_answers_are_as_shown(session):
    name, directory = session
    for block in blocks(name):
        if block.answer is not None:
            found = (directory / f"out.{block.number}").read_text(encoding="utf-8")
            assert found, f"{name}:{block.line} wrote nothing"
            holds(json.loads(found), block.answer, f"{name}:{block.line}")


def test_pages_have_blocks():
    """Nothing of the above holds because nothing was looked for."""
    for name in PAGES:
        assert blocks(name), name
    assert sum(block.answer is not None for block in blocks("docs/api.md")) > 10


def enroll_by_template(ready, method, folder):
    admin = Api(ready.url, ready.token)
    made = ok(admin.create_profile(
        projectId=ready.projectId, caId=ready.ecCaId, certificatePolicyId=ready.policyId,
        slug=f"by-{method}", enrollmentType=method, defaults={"ttlDays": 30},
        **{f"{method}Config": {}}))
    path = f"/{method}/profiles/{made['certificateProfile']['id']}/certificates"
    csr = folder / "own.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "own.key",
                    "-out", csr, "-subj", "/CN=own.example.com"],
                   check=True, capture_output=True)
    answer = admin.call("POST", path, data=csr.read_bytes(),
                        headers={"Content-Type": "application/pkcs10"})
    assert answer.status_code == 200, answer.text
    chain = re.findall(r"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n",
                       answer.text, re.S)
    assert "".join(chain) == answer.text and len(chain) == 2  # the root is left out
    shown = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=chain[0],
                           text=True, check=True, capture_output=True).stdout
    assert "own.example.com" in shown
    other = admin.call("POST", path, data=b"{}", headers={"Content-Type": "application/json"})
    assert other.status_code == 415


def build_template(sdk, folder, name):
    """The template, made somebody's own as the plugin guide says."""
    shutil.copytree(sdk / "share/chancery/template", folder)
    for file, what in (("CMakeLists.txt", "set(name {})"), ("template.c", '#define NAME "{}"'),
                       ("template.c", '#define METHOD "{}"')):
        text = (folder / file).read_text(encoding="utf-8")
        assert what.format("template") in text
        (folder / file).write_text(text.replace(what.format("template"), what.format(name)),
                                   encoding="utf-8")
    for words in (["-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={sdk}"],
                  ["--build", folder / "build"]):
        subprocess.run(["cmake", *words], check=True, capture_output=True)
    return folder / "build" / f"{name}.so"


def test_the_template_enrolls(sdk, tmp_path):
    """What the plugin guide promises of the template: a CSR in, a certificate and its chain out,
    and a plugin of another name made of it serves beside it."""
    plugins = tmp_path / "plugins"
    plugins.mkdir(mode=0o755)
    for file in [*(BUILD / "lib/chancery/plugins").glob("*.so"),
                 build_template(sdk, tmp_path / "hello", "template"),
                 build_template(sdk, tmp_path / "other", "mine")]:
        shutil.copy(file, plugins)
    one = Daemon(tmp_path / "daemon")
    try:
        one.start()
        one.stop()
        (file,) = one.data.glob("*.yaml")
        text = file.read_text(encoding="utf-8")
        assert "\n    plugin: api\n" in text
        text = text.replace("\n    plugin: api\n", "\n    plugin: api\n  - name: hello\n"
                            "    plugin: template\n  - plugin: mine\n")
        file.write_text(f"{text}plugins:\n  directory: {plugins}\n", encoding="utf-8")
        one.start()
        for method in ("template", "mine"):
            enroll_by_template(one.ready, method, tmp_path)
        one.stop()
    finally:
        one.kill()


# --- configuration ---------------------------------------------------------------------------------


def rows(text, columns):
    """The rows of the tables in `text` that have as many columns, without their heads."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == columns:
            found.append(cells)
    return found


def code(cell):
    match = re.fullmatch(r"`([^`]*)`", cell)
    return match.group(1) if match else ""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """`chancery config print` of the least configuration: {"api.listen": ":8443"}."""
    folder = tmp_path_factory.mktemp("config")
    kek = folder / "kek"
    kek.write_text("0" * 64 + "\n", encoding="utf-8")
    kek.chmod(0o600)
    file = folder / "chancery.yaml"
    file.write_text("kek: file:kek\nstorage:\n  plugin: storage-sqlite\n"
                    "crypto:\n  - name: wolfssl\n    plugin: crypto-wolfssl\n", encoding="utf-8")
    text = run("config", "print", "--config", file).stdout
    assert text, "nothing was printed"
    # A key without a value is printed as a comment.
    text = re.sub(r"^( *)# (\w+): +# not set$", r"\1\2: ''", text, flags=re.M)
    keys = {}
    for name, value in yaml.load(text, yaml.BaseLoader).items():
        if isinstance(value, dict):
            keys.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            keys[name] = value
    return {key: value for key, value in keys.items()
            if not key.startswith(("storage.", "crypto", "enrollment", "notifier"))}


def section(text, title):
    """What stands below a heading of the second level."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_configuration_key_is_documented(printed):
    table = rows(section(page("docs/operating.md"), "Configuration"), 3)
    documented = {code(name): code(default) for name, default, _ in table}
    assert len(documented) == len(table)
    assert set(documented) == set(printed)
    for name, value in printed.items():
        in_words = name == "kek" or name.startswith("roles.")
        assert in_words or documented[name] == (value if isinstance(value, str) else "[]"), name


def test_every_option_of_a_plugin_is_documented():
    for plugin in ("storage-sqlite", "storage-postgres", "crypto-wolfssl", "notify"):
        described = run("plugin", "describe", plugin).stdout
        own = described.split("\nOptions:\n")[1].split("\nChannels ")[0]
        options = set(re.findall(r"^  (\w+) \(", own, re.M))
        assert options, described
        told = "".join(path.read_text(encoding="utf-8")
                       for path in (ROOT / "plugins").glob(f"**/{plugin.split('-')[-1]}/README.md"))
        told += "".join(path.read_text(encoding="utf-8")
                        for path in (ROOT / "plugins").glob(f"{plugin}/README.md"))
        told += page("docs/operating.md")
        missing = {name for name in options if f"`{name}`" not in told}
        assert not missing, f"{plugin}: {sorted(missing)}"


def test_every_subcommand_is_in_the_manual():
    text = page("docs/operating.md") + page("docs/cli.md")
    top = re.findall(r"^  (\w+) {2,}", run("--help").stdout, re.M)
    assert "serve" in top
    for command in top:
        inner = re.findall(r"^  (\w+) {2,}", run(command, "--help").stdout, re.M)
        for words in [f"{command} {word}" for word in inner] or [command]:
            assert f"chancery {words}" in text, words


# --- routes ----------------------------------------------------------------------------------------


def test_every_route_is_in_the_guide():
    described = run("plugin", "describe", "api").stdout
    routes = set(re.findall(r"^  (GET|POST|PUT|PATCH|DELETE) +(\S+)", described, re.M))
    assert len(routes) > 40
    text = page("docs/api.md")
    listed = set()
    for path, methods, _ in rows(text, 3):
        if code(path).startswith("/api/"):
            listed.update((method, code(path)) for method in methods.split())
    assert routes - listed == set()
    assert listed - routes == set(), "routes that are not the API's"
