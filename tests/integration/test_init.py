"""`chancery init`: what it leaves when it fails, and what it makes of a configuration that is there."""
import re
import sqlite3

import pytest

import daemon as daemons
from api import Api, ok

URL = ("--public-url", "http://pki.example.com")


def init(*words):
    return daemons.run("init", *words)


def fails(*words):
    ended = init(*words)
    assert ended.returncode == 1 and re.search("^chancery: ", ended.stderr, re.M), ended.stderr
    assert "chy_" not in ended.stdout
    return ended.stderr


def works(*words):
    ended = init(*words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def written(tmp_path):
    """A configuration by hand, its KEK beside it, for a daemon on loopback."""
    api, public = daemons.free_ports(2)
    (tmp_path / "kek").write_text("5a" * 32 + "\n", encoding="ascii")
    (tmp_path / "kek").chmod(0o600)
    config = tmp_path / "mine.yaml"
    config.write_text(f"data_dir: data\nkek: file:kek\napi:\n  listen: 127.0.0.1:{api}\n"
                      f"public:\n  listen: 127.0.0.1:{public}\n"
                      f"pki:\n  public_url: http://127.0.0.1:{public}\n", encoding="utf-8")
    return config, f"http://127.0.0.1:{api}"


def test_a_database_that_is_not_there_leaves_nothing(chancery, tmp_path):
    (port,) = daemons.free_ports(1)
    folder = tmp_path / "deep" / "pki"
    said = fails("--dir", folder, *URL, "--storage", "postgres",
                 "--conninfo", f"host=127.0.0.1 port={port} dbname=x user=x")
    assert "connect" in said.lower(), said
    assert names(tmp_path) == []
    works("--dir", folder, *URL)


def test_a_postgres_without_conninfo_leaves_nothing(chancery, tmp_path):
    assert "--conninfo" in fails("--dir", tmp_path / "pki", *URL, "--storage", "postgres")
    assert names(tmp_path) == []


def test_a_kek_that_others_may_read_is_kept_and_nothing_else(chancery, tmp_path):
    folder = tmp_path / "pki"
    folder.mkdir()
    (folder / "kek").write_text("5a" * 32 + "\n", encoding="ascii")
    (folder / "kek").chmod(0o644)
    assert "0644" in fails("--dir", folder, *URL)
    assert names(folder) == ["kek"]
    (folder / "kek").chmod(0o600)
    works("--dir", folder, *URL)


def test_a_database_of_another_kek_leaves_no_kek(chancery, postgres, tmp_path):
    conninfo = postgres.create_database(f"init_{tmp_path.name[-8:].strip('_').lower()}")
    of_it = ("--storage", "postgres", "--conninfo", conninfo, *URL)
    works("--dir", tmp_path / "one", *of_it)
    assert "wrong master key" in fails("--dir", tmp_path / "two", *of_it)
    assert names(tmp_path) == ["one"]


def test_the_token_file_is_looked_at_first(chancery, tmp_path):
    folder = tmp_path / "pki"
    assert "nowhere" in fails("--dir", folder, *URL, "--token-file", tmp_path / "nowhere" / "token")
    (tmp_path / "token").write_text("keep", encoding="ascii")
    assert "exists" in fails("--dir", folder, *URL, "--token-file", tmp_path / "token").lower()
    assert names(tmp_path) == ["token"]
    assert (tmp_path / "token").read_text(encoding="ascii") == "keep"
    works("--dir", folder, *URL, "--token-file", tmp_path / "new")
    assert (tmp_path / "new").read_text(encoding="ascii").startswith("chy_")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_a_database_that_is_made_keeps_its_kek(chancery, tmp_path):
    """Once its check value is written the KEK is the only one that fits."""
    folder = tmp_path / "pki"
    works("--dir", folder, *URL)
    kek = (folder / "kek").read_text(encoding="ascii")
    (database,) = (folder / "data").rglob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON access_tokens BEGIN "
                           "SELECT RAISE(ABORT, 'no'); END")
    connection.close()
    config = folder / "chancery.yaml"
    said = fails("--config", config, "--token-file", tmp_path / "token")
    assert f"run 'chancery init --config {config}'" in said
    assert (folder / "kek").read_text(encoding="ascii") == kek and config.exists()
    assert not (tmp_path / "token").exists()
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TRIGGER no")
    connection.close()
    works("--config", config, "--token-file", tmp_path / "token")


def test_a_configuration_by_hand_comes_to_life_as_the_messages_say(chancery, written, tmp_path):
    config, url = written
    ended = daemons.run("serve", "--config", config)
    assert ended.returncode == 1
    assert "is empty" in ended.stderr and "chancery init --config" in ended.stderr, ended.stderr
    assert daemons.run("storage", "upgrade", "--config", config).returncode == 0
    ended = daemons.run("serve", "--config", config)
    assert ended.returncode == 1
    assert "no master key" in ended.stderr and "chancery init --config" in ended.stderr, ended.stderr
    text = config.read_bytes()
    token = re.search(r"chy_[\w-]{20,}", works("--config", config))[0]
    assert config.read_bytes() == text
    one = daemons.Process(tmp_path / "serve", ["serve", "--config", config])
    try:
        one.launch()
        one.wait_until(lambda: answers(url))
        ok(Api(url, token).list_projects())
        # A token that was lost: another one.
        again = re.search(r"chy_[\w-]{20,}", works("--config", config))[0]
        assert again != token
        ok(Api(url, again).list_projects())
        one.stop()
    finally:
        one.kill()


def answers(url):
    try:
        return Api(url).status().status_code == 200
    except OSError:
        return False


def test_config_stands_alone(chancery, written):
    config, _ = written
    for word in (("--dir", "x"), URL, ("--storage", "sqlite")):
        assert "stands in the configuration" in fails("--config", config, *word)


def test_init_says_what_is_next(chancery, tmp_path):
    said = works("--dir", tmp_path / "one")
    config = tmp_path / "one" / "chancery.yaml"
    assert "pki.public_url" in said and "api.tls_certificate" in said
    assert f"chancery serve --config {config}\n" in said
    assert "/etc/chancery" not in config.read_text(encoding="utf-8")
    assert "pki.public_url" not in works("--dir", tmp_path / "two", *URL)
