"""Signed query ids: genuine ones verify for their time, everything else is unknown; the secret is made once, privately."""

import string
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.home import Home
from ranker.query_ids import BadSecret, UnknownQuery, issue_query_id, issue_time, load_secret, verify_query_id

SECRET = bytes(range(32))
ALPHABET = string.ascii_letters + string.digits + "-_"


def test_an_id_is_short_url_safe_and_tells_its_time():
    query_id = issue_query_id(SECRET, now=1_700_000_000.123)
    assert len(query_id) == 44
    assert set(query_id) <= set(ALPHABET)
    assert verify_query_id(SECRET, query_id, max_age=10, now=1_700_000_005) == pytest.approx(1_700_000_000.123)


def test_ids_differ_at_the_same_moment():
    assert len({issue_query_id(SECRET, now=1.0) for _ in range(100)}) == 100


def test_an_id_expires_but_still_tells_its_time():
    query_id = issue_query_id(SECRET, now=1000)
    with pytest.raises(UnknownQuery, match="at most 3600 seconds old"):
        verify_query_id(SECRET, query_id, now=1000 + 3601)
    assert issue_time(SECRET, query_id) == 1000


def test_an_id_of_the_future_is_refused():
    with pytest.raises(UnknownQuery, match="clocks"):
        verify_query_id(SECRET, issue_query_id(SECRET, now=2000), now=1000)


def test_an_id_of_another_secret_is_unknown():
    with pytest.raises(UnknownQuery, match="not issued by this service"):
        verify_query_id(bytes(32), issue_query_id(SECRET))


@given(st.integers(0, 43), st.sampled_from(ALPHABET))
def test_no_character_can_be_changed(place, character):
    query_id = issue_query_id(SECRET, now=1000)
    forged = query_id[:place] + character + query_id[place + 1 :]
    if forged != query_id:
        with pytest.raises(UnknownQuery):
            verify_query_id(SECRET, forged, now=1000)


@given(st.text(max_size=60) | st.text(ALPHABET + "+/=\n", min_size=44, max_size=45))
def test_any_other_text_is_unknown(text):
    with pytest.raises(UnknownQuery) as caught:
        verify_query_id(SECRET, text)
    assert caught.value.code == "unknown_query"


def test_the_secret_is_private_and_stays(tmp_path):
    home = Home.at(tmp_path / "home")
    secret = load_secret(home)
    assert len(secret) == 32
    assert home.secret.stat().st_mode & 0o777 == 0o600
    assert load_secret(home) == secret
    assert [path.name for path in home.root.iterdir()] == ["secret"]


def test_all_first_users_at_once_get_one_secret(tmp_path):
    home, found = Home.at(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(load_secret(home))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1


def test_a_broken_secret_is_named(tmp_path):
    Home.at(tmp_path).secret.write_bytes(b"short")
    with pytest.raises(BadSecret, match="expected 32 bytes, found 5"):
        load_secret(Home.at(tmp_path))
