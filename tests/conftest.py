"""Fixtures of the tests that run a real daemon: integration, interop and fault.

Most tests share one daemon for each backend and have a project of their own; what stops a daemon or
looks into its files makes one with `new_daemon` or `new_sqlite_daemon`.  A test fails if its daemon ends by itself, if a
sanitizer speaks, or if any answer is a 5xx (api.py).
"""
import itertools
import pathlib

import pytest

import artefacts
import daemon as daemons
from api import Api
from postgres import Cluster
from world import World


@pytest.fixture(scope="session", autouse=True)
def collected_artefacts():
    """What the daemons sign is linted by the last test (interop/test_pkilint.py)."""
    with artefacts.collect():
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    # By the function: a name has its parameters behind it.
    items.sort(key=lambda item: getattr(item, "originalname", "") == "test_everything_seen")


@pytest.fixture(scope="session")
def chancery():
    """The program, as a path."""
    assert daemons.PROGRAM.exists(), f"{daemons.PROGRAM} is missing: ./dev build makes it"
    return daemons.PROGRAM


@pytest.fixture(scope="session")
def shared():
    """The folder beside the repository whose examples must pass verbatim."""
    folder = daemons.SHARED / "examples"
    assert folder.is_dir(), f"{folder} is missing: the published requests are read from there"
    return folder


@pytest.fixture(scope="session")
def postgres():
    with Cluster() as cluster:
        artefacts.clusters.append(cluster)
        yield cluster
        artefacts.clusters.remove(cluster)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def storage(request):
    return request.param


@pytest.fixture(scope="session")
def database(request):
    """A function that makes what `--conninfo` needs: a database of its own for each daemon."""
    numbers = itertools.count()

    def make(storage):
        if storage == "sqlite":
            return None
        return request.getfixturevalue("postgres").create_database(f"daemon{next(numbers)}")

    return make


@pytest.fixture(scope="session")
def daemon(chancery, storage, database, tmp_path_factory):
    """The daemon that tests share."""
    folder = tmp_path_factory.mktemp(f"shared-{storage}")
    one = daemons.Daemon(folder, storage, database(storage))
    try:
        one.start()
        one.log_everything()
        one.configure(daemons.CHEAP_PASSWORDS)
        yield one.restart()
        one.stop()
    finally:
        one.kill()


@pytest.fixture
def start_daemon(chancery, database, tmp_path):
    """A function that starts a daemon for this test alone, on the storage named."""
    made = []

    def start(storage):
        folder = pathlib.Path(tmp_path) / f"daemon{len(made)}"
        one = daemons.Daemon(folder, storage, database(storage))
        made.append(one)
        return one.start()

    yield start
    try:
        for one in made:
            if one.is_running:
                one.stop()
    finally:
        for one in made:
            one.kill()


@pytest.fixture
def new_daemon(start_daemon, storage):
    """start_daemon() on each storage in turn."""
    return lambda: start_daemon(storage)


@pytest.fixture
def new_sqlite_daemon(start_daemon):
    """start_daemon() for tests that are about SQLite's file, or not about storage at all."""
    return lambda: start_daemon("sqlite")


@pytest.fixture(scope="session")
def admin(daemon):
    return Api(daemon.ready.url, daemon.ready.token)


@pytest.fixture(scope="session")
def anonymous(daemon):
    return Api(daemon.ready.url)


@pytest.fixture(scope="module")
def world(admin):
    return World(admin)


@pytest.fixture(scope="module")
def other_world(admin):
    """A project that `world` has nothing to do with."""
    return World(admin)


@pytest.fixture(autouse=True)
def watch(request):
    """Holds the shared daemon to its duties after each test."""
    if "daemon" not in request.fixturenames:
        yield
        return
    one = request.getfixturevalue("daemon")
    request.node.stash[LOG_START] = one.log_size()
    one.check()
    yield
    one.check()


LOG_START = pytest.StashKey[int]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    one = getattr(item, "funcargs", {}).get("daemon")
    if report.failed and one is not None:
        log = one.log(item.stash.get(LOG_START, 0))
        report.sections.append(("daemon log", log[-8000:]))
