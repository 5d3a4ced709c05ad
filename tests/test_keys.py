"""API keys: what is stored, what opens what, and what no longer does."""

import hashlib
import stat

import pytest

from searchd.keys import MAX_FAILURES, SCOPES, Failures, KeyProblem, KeyStore, parse_lifetime


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "home" / "keys.sqlite3")


def test_a_key_is_accepted_and_only_its_hash_is_stored(store):
    text = store.create("documents", label="loader")
    key = store.check(text)
    assert key.scopes == ("documents",) and key.label == "loader" and key.expires is None
    secret = text.partition(".")[2]
    raw = store.path.read_bytes()
    assert secret.encode() not in raw
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in raw


def test_a_key_has_256_random_bits(store):
    secrets = {store.create("search").partition(".")[2] for _ in range(5)}
    assert len(secrets) == 5 and all(len(secret) == 43 for secret in secrets)


def test_the_file_is_for_its_owner_only(store):
    store.create("admin")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t + "x",
        lambda t: t.upper(),
        lambda t: "",
        lambda t: "0" + t[1:],
        lambda t: "\ud800",
        lambda t: t.split(".")[0],
    ],
)
def test_any_other_text_is_refused(store, change):
    text = store.create("admin")
    if change(text) != text:
        assert store.check(change(text)) is None


def test_checking_without_a_file_makes_none(store):
    assert store.check("a.b") is None and store.all() == [] and not store.path.exists()


def test_a_revoked_key_is_refused_at_once(store):
    text, other = store.create("search"), store.create("search")
    store.revoke(text)
    assert store.check(text) is None and store.check(other) is not None
    assert [key.revoked is not None for key in sorted(store.all(), key=lambda key: key.id != text.split(".")[0])] == [True, False]


def test_revoking_an_unknown_id_says_so(store):
    with pytest.raises(KeyProblem, match="keys list"):
        store.revoke("nothing")


def test_a_key_ends_with_its_lifetime(store, monkeypatch):
    text = store.create("search", expires="1h")
    assert store.check(text) is not None
    now = store.all()[0].created
    monkeypatch.setattr("searchd.keys.time.time", lambda: now + 3599)
    assert store.check(text) is not None
    monkeypatch.setattr("searchd.keys.time.time", lambda: now + 3600)
    assert store.check(text) is None


@pytest.mark.parametrize("scopes", ["root", [], ["search", "root"]])
def test_unknown_scopes_are_refused_and_change_nothing(store, scopes):
    with pytest.raises(KeyProblem):
        store.create(scopes)
    assert store.all() == []


def test_admin_opens_all_and_others_only_themselves(store):
    for scope in SCOPES:
        key = store.check(store.create(scope))
        assert [key.allows(other) for other in SCOPES] == [other == scope or scope == "admin" for other in SCOPES]


def test_lifetimes():
    assert [parse_lifetime(text) for text in ("45s", "30m", "12h", "90d", "2w")] == [45, 1800, 43200, 7776000, 1209600]
    for bad in ("", "0d", "-1d", "1y", "d", "1.5d", "1 d"):
        with pytest.raises(KeyProblem):
            parse_lifetime(bad)


def test_wrong_keys_are_counted_by_address_for_a_minute(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("searchd.keys.time.monotonic", lambda: clock[0])
    failures = Failures()
    for _ in range(MAX_FAILURES):
        assert not failures.blocked("a")
        failures.add("a")
    assert failures.blocked("a") and not failures.blocked("b")
    clock[0] = 61.0
    assert not failures.blocked("a")
