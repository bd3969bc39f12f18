"""A year of automatic renewal, by a clock that the test moves."""
import datetime
import re
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

import daemon as daemons
import pki
from api import Api, ok
from clock import Clock
from database import execute
from world import Member, World

SHORT = {"keyAlgorithm": "EC_prime256v1"}


class Year:
    """Daemons under a clock of their own, over one storage."""

    def __init__(self, folder, storage, conninfo):
        self.folder = folder
        self.clock = Clock(folder / "clock")
        self.daemon = daemons.Daemon(folder / "daemon", storage, conninfo,
                                     env=self.clock.environment)
        self.nodes = []

    def start(self):
        self.daemon.start()
        self.nodes.append(daemons.measured(self.daemon))
        self.admin = Api(self.daemon.ready.url, self.daemon.ready.token)
        self.world = World(self.admin)
        return self

    def start_second(self):
        self.nodes.append(daemons.second_node(self.daemon, self.folder))

    def stop(self):
        for node in self.nodes:
            node.process.stop()

    def kill(self):
        self.daemon.kill()
        for node in self.nodes:
            node.process.kill()

    def metric(self, series):
        return sum(node.metric(series) for node in self.nodes)

    def advance(self, **duration):
        """Lets time pass until a node has looked at what is due by then."""
        self.clock.advance(**duration)
        then = int(self.clock.now.timestamp())
        until = time.monotonic() + 30
        while max(node.metric('job_last_seen_seconds{job="job.renew"}')
                  for node in self.nodes) < then:
            assert time.monotonic() < until, self.daemon.log()[-3000:]
            time.sleep(0.005)

    def row(self, certificate_id):
        return ok(self.admin.get_certificate(certificate_id))["certificate"]

    def line(self, certificate_id):
        """A certificate and all that came after it, each naming the next and the one before."""
        rows = [self.row(certificate_id)]
        while rows[-1]["renewedByCertificateId"]:
            rows.append(self.row(rows[-1]["renewedByCertificateId"]))
            assert rows[-1]["renewedFromCertificateId"] == rows[-2]["id"]
        return rows

    def new(self, ttl, **config):
        profile = self.world.new_profile(apiConfig={"autoRenew": True, **config})
        return self.world.issue(profile, ttl=ttl, **SHORT)["certificateId"]


def plain(uuid):
    return uuid.replace("-", "")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture
def make_year(chancery, database, tmp_path):
    made = []

    def make(storage):
        made.append(Year(tmp_path, storage, database(storage)))
        return made[-1].start()

    yield make
    try:
        for year in made:
            year.stop()
    finally:
        for year in made:
            year.kill()


def check_line(rows, count):
    """One successor for each period, made when it was due and while the old one was valid."""
    assert len(rows) == count, [(row["notBefore"], row["notAfter"], row["renewalError"])
                                for row in rows]
    names = {(row["commonName"], row["altNames"], row["profileId"]) for row in rows}
    assert len(names) == 1
    assert len({row["serialNumber"] for row in rows}) == count
    for old, new in zip(rows, rows[1:]):
        assert moment(new["notBefore"]) < moment(old["notAfter"])
        assert old["renewalError"] is None and old["renewAt"] is None
        life = moment(old["notAfter"]) - moment(old["notBefore"])
        assert abs(moment(new["notAfter"]) - moment(new["notBefore"]) - life) < datetime.timedelta(
            minutes=2)


# What a year leaves as it was; and what a renewal changes of the certificate that it is about.
LASTING = ["projects", "authorities", "generations", "authority_certificates", "policies", "profiles",
           "blocked_keys", "data_keys", "identities", "memberships", "universal_auth",
           "client_secrets", "applications", "requests", "serials", "certificates"]
ROW_ONLY = {"$revision"}
OF_A_RENEWAL = {"renewed_by_id", "latest_renewal_id", "renew_at", "updated_at"}


class Rows:
    """The rows of a database, to be compared with those of a year later."""

    def __init__(self, daemon):
        self.tables = {}
        for table in LASTING:
            names = [row[1] for row in execute(daemon, f"PRAGMA table_info({table})")]
            rows = execute(daemon, f"SELECT * FROM {table}")
            key = names.index("id") if "id" in names else slice(0, 3)
            self.tables[table] = {str(row[key]): dict(zip(names, row)) for row in rows}

    def changed(self, later):
        """By certificate, what of it is another; of every other table nothing may be."""
        changes = {}
        for table, rows in self.tables.items():
            for key, row in rows.items():
                assert key in later.tables[table], f"{table}: {row} is gone"
                now = later.tables[table][key]
                names = {name for name in row if row[name] != now[name] and name not in ROW_ONLY}
                assert table == "certificates" or not names, f"{table} {key}: {names}"
                if names:
                    changes[key] = names
        return changes


class Responder:
    """Asks for the status of one certificate, and keeps who signed the answers."""

    def __init__(self, year, issued):
        self.year = year
        self.cert = pki.certificate(issued["certificate"])
        self.issuer = pki.certificate(issued["issuingCaCertificate"])
        self.request = (ocsp.OCSPRequestBuilder()
                        .add_certificate(self.cert, self.issuer, hashes.SHA256()).build()
                        .public_bytes(serialization.Encoding.DER))
        self.signers = {}
        self.session = requests.Session()

    def ask(self):
        """Each answer is of now, by somebody whom the CA lets sign now."""
        got = self.session.post(pki.ocsp_url(self.cert), data=self.request, timeout=30,
                                headers={"Content-Type": "application/ocsp-request"})
        answer = ocsp.load_der_ocsp_response(got.content)
        assert answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
        (signer,), now = answer.certificates, self.year.clock.now
        assert signer.not_valid_before_utc <= now < signer.not_valid_after_utc
        assert answer.this_update_utc <= now < answer.next_update_utc
        signer.verify_directly_issued_by(self.issuer)
        signer.public_key().verify(answer.signature, answer.tbs_response_bytes,
                                   ec.ECDSA(answer.signature_hash_algorithm))
        self.signers[signer.serial_number] = signer


def test_a_year(make_year):
    """On SQLite, as it takes its time; two nodes on PostgreSQL are below."""
    year = make_year("sqlite")
    ask = year.admin
    lines = {
        "hours": year.new("2h", renewBefore="30m"),
        "day": year.new("1d", renewBefore="6h"),
        "month": year.new("30d", renewBeforeDays=10),
        "quarter": year.new("90d", renewBeforeDays=30),
    }
    silent = year.world.issue(ttl="800d", **SHORT)
    alone = {
        "silent": silent["certificateId"],
        "revoked": year.new("30d", renewBeforeDays=10),
        "disabled": year.new("30d", renewBeforeDays=10),
        "csr": year.world.issue(year.world.new_profile(apiConfig={
            "autoRenew": True, "renewBeforeDays": 10}), ttl="30d",
            csr=pki.csr(commonName="csr.example.com"))["certificateId"],
    }
    ok(ask.revoke(alone["revoked"], revocationReason="SUPERSEDED"))
    ok(ask.configure_renewal(alone["disabled"], enableAutoRenewal=False))
    responder = Responder(year, silent)
    responder.ask()
    rows = Rows(year.daemon)

    def stop(name):
        last = year.line(lines[name])[-1]
        ok(ask.configure_renewal(last["id"], enableAutoRenewal=False))

    for _ in range(12 * 6):  # twelve hours: a renewal each hour and a half
        year.advance(minutes=10)
    check_line(year.line(lines["hours"]), 1 + 8)
    stop("hours")
    for _ in range(2 * 24):  # to two days and a half: a renewal every eighteen hours
        year.advance(hours=1)
    check_line(year.line(lines["day"]), 1 + 3)
    stop("day")
    for _ in range(362):  # and to the end of the year
        year.advance(days=1)
        responder.ask()
    check_line(year.line(lines["hours"]), 1 + 8)
    check_line(year.line(lines["day"]), 1 + 3)
    month = year.line(lines["month"])
    quarter = year.line(lines["quarter"])
    check_line(month, 1 + 18)
    check_line(quarter, 1 + 6)
    for name, certificate_id in alone.items():
        row = year.row(certificate_id)
        assert row["renewedByCertificateId"] is None and row["renewalError"] is None, name
    assert year.metric('renewals_total{outcome="failed"}') == 0
    assert year.metric('renewals_total{outcome="renewed"}') == 8 + 3 + 18 + 6
    # A week each, and another in the middle of it.
    signers = sorted(responder.signers.values(), key=lambda one: one.not_valid_before_utc)
    assert 365 // 7 <= len(signers) <= 365 // 3 + 2, len(signers)
    for old, new in zip(signers, signers[1:]):
        assert new.not_valid_before_utc < old.not_valid_after_utc
    # Nothing else was touched: no other row at all, and of renewed certificates what links them.
    later = Rows(year.daemon)
    changes = rows.changed(later)
    assert len(later.tables["certificates"]) == len(rows.tables["certificates"]) + 8 + 3 + 18 + 6
    first = {plain(certificate_id) for certificate_id in lines.values()}
    for certificate_id, names in changes.items():
        if certificate_id == plain(alone["revoked"]):
            assert names == {"renew_at"}, "it is looked at once, and then no more"
        else:
            assert certificate_id in first and names <= OF_A_RENEWAL, (certificate_id, names)
    # The newest of a line is good, with its chain and a CRL that is of today.
    bundle = ok(ask.get_bundle(month[-1]["id"]))
    assert pki.same_key(bundle["privateKey"], bundle["certificate"])
    crl = x509.load_der_x509_crl(pki.fetch_crl(pki.certificate(bundle["certificate"])))
    assert crl.last_update_utc <= year.clock.now < crl.next_update_utc


def test_what_fails_is_tried_again(make_year, storage):
    year = make_year(storage)
    ask = year.admin
    certificate_id = year.new("2h", renewBefore="30m")
    ok(ask.update_ca(year.world.ca_id, status="disabled"))
    year.advance(minutes=91)
    row = year.row(certificate_id)
    assert row["renewalError"] and row["renewedByCertificateId"] is None
    assert year.metric('renewals_total{outcome="failed"}') == 1
    ok(ask.update_ca(year.world.ca_id, status="active"))
    year.advance(minutes=3)
    assert len(year.line(certificate_id)) == 2
    assert year.row(certificate_id)["renewalError"] is None


def test_who_is_gone_is_renewed_for_no_more(make_year, storage):
    """A renewal that nobody asks for is on behalf of who asked for the certificate."""
    year = make_year(storage)
    ask, project = year.admin, year.world.project_id
    profile = year.world.new_profile(apiConfig={"autoRenew": True, "renewBefore": "30m"})
    names = ("stays", "removed", "deleted", "demoted")
    members = {name: Member(ask, project, "issuer") for name in names}
    made = {name: year.world.issue(profile, api=member.api, ttl="2h", **SHORT)["certificateId"]
            for name, member in members.items()}
    # And two who have their right by an application alone.
    application = ok(ask.create_application(projectId=project, name="shop",
                                            profileIds=[profile]))["application"]["id"]
    for name in ("team", "left"):
        members[name] = Member(ask, project, "no-access")
        ok(ask.add_application_identity(application, members[name].id, role="operator"))
        made[name] = year.world.issue(profile, api=members[name].api, ttl="2h",
                                      top={"applicationId": application}, **SHORT)["certificateId"]
    ok(ask.remove_application_identity(application, members["left"].id))
    ok(ask.remove_member(project, members["removed"].id))
    ok(ask.delete_identity(members["deleted"].id))
    ok(ask.update_member(project, members["demoted"].id, role="auditor"))
    year.advance(minutes=91)
    check_line(year.line(made["stays"]), 2)
    check_line(year.line(made["team"]), 2)
    assert year.metric('renewals_total{outcome="renewed"}') == 2
    assert year.metric('renewals_total{outcome="failed"}') == 4
    for name in ("removed", "deleted", "demoted", "left"):
        row = year.row(made[name])
        assert row["renewedByCertificateId"] is None, name
        assert members[name].id in row["renewalError"] and "no right" in row["renewalError"]
        (told,) = ok(ask.search_audit_logs(projectId=project, targetId=made[name],
                                           action="certificate.automated-renew"))["auditLogs"]
        assert told["outcome"] == "failed" and "no right" in told["detail"]["error"]
    # Whoever gets the right back gets the certificate.
    ok(ask.update_member(project, members["demoted"].id, role="issuer"))
    year.advance(minutes=3)
    check_line([row | {"renewalError": None} for row in year.line(made["demoted"])], 2)


def test_a_threshold_that_is_hardly_shorter_makes_no_storm(make_year, storage):
    year = make_year(storage)
    certificate_id = year.new("1d", renewBefore="1439m")
    for _ in range(24):
        year.advance(hours=1)
    check_line(year.line(certificate_id), 1 + 4)  # each 4.8 hours, as they are looked for


def test_two_nodes_renew_once(make_year):
    """Over one database, also when one of them is killed."""
    year = make_year("postgres")
    year.start_second()
    lines = [year.new("2h", renewBefore="30m") for _ in range(5)]
    for _ in range(6 * 6):
        year.advance(minutes=10)
    assert year.metric('renewals_total{outcome="renewed"}') == 4 * len(lines)
    assert year.metric('renewals_total{outcome="failed"}') == 0
    year.nodes.pop().process.kill()
    for _ in range(6 * 6):
        year.advance(minutes=10)
    for certificate_id in lines:
        check_line(year.line(certificate_id), 1 + 8)
        profile = year.row(certificate_id)["profileId"]
        found = ok(year.admin.search_certificates(year.world.project_id, profileIds=[profile],
                                                  limit=100))
        assert len(found["certificates"]) == found["totalCount"] == 1 + 8
