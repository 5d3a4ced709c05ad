"""Tables of a generation: made once, by another process, mapped by all; damaged or foreign files are made again, old ones removed."""

import os
import threading
import time
from pathlib import Path

import pytest
from small_home import build_home

import searchd.shared_tables as shared
import searchd.suggestions as suggestions
from indexer.changes import apply_changes
from ranker.clicklog import ClickLog, Impression
from searchd.engine import Engine
from searchd.han_words import HanWords, han_words_of
from searchd.making_tables import main
from searchd.query_terms import QueryTerms
from searchd.shared_tables import HAN_WORDS, SUGGESTIONS, is_fresh, path_of, read_tables, suggestion_arrays, suggestions_of
from searchd.table_maker import TableMaker, TablesNotMade

DOCUMENTS = [
    {"id": "1", "title": "Receiving letters", "body": "we receive what was received"},
    {"id": "2", "title": "北京大学的历史", "body": "北京大学 receive 重庆火锅"},
    {"id": "3", "title": "Notes on the history of Peking", "body": "history"},
]
TYPED = ("r", "rec", "peking", "history of", "北京", "beij", "bjdx", "notes", "x")


@pytest.fixture
def home(tmp_path):
    found = build_home(tmp_path, DOCUMENTS)
    with ClickLog(found.clicks) as log:
        for number in range(3):
            log.log_query(Impression(f"q{number}", int(time.time() * 1000), "peking opera", ["1"], client_id=f"c{number}"))
    return found


@pytest.fixture
def engine(home):
    with Engine(home) as opened:
        yield opened


def made(home, engine, kind=SUGGESTIONS):
    """The folder of the home's files, with one that the process made."""
    folder = shared.folder_of(home, home.root / "elsewhere")
    main(home, folder, kind, engine.index.generation)
    return folder


def completed(tables):
    texts = [(one.text, one.df) for typed in TYPED for table in (tables.phrases, tables.words) for one in table.beginning(typed, 5)]
    return texts, tables.asked.popular, tables.asked.near("peknig opera", 2)


def test_suggestions_come_back_as_they_were(home, engine):
    tables = suggestions.make_tables(engine.index, QueryTerms(engine.index))
    assert completed(tables)[2] == ["peking opera"]
    assert completed(suggestions_of(suggestion_arrays(tables))) == completed(tables)
    folder = made(home, engine)
    assert completed(read_tables(path_of(folder, SUGGESTIONS, engine.index), SUGGESTIONS)) == completed(tables)


def test_chinese_words_come_back_as_they_were(home, engine):
    words = han_words_of(engine.index)
    found = read_tables(path_of(made(home, engine, HAN_WORDS), HAN_WORDS, engine.index), HAN_WORDS)
    for table in (words, found, HanWords.from_arrays(words.arrays())):
        assert table.said("beijingdaxue") == ["北京大学"] and table.df("北京大学") == 1 and table.df("没有") == 0
        assert table.beginning("bei", 3) == words.beginning("bei", 3) and table.with_initials("bjdx") == ["北京大学"]


def test_files_are_mapped_and_their_owners_alone(home, engine):
    folder = made(home, engine)
    path = path_of(folder, SUGGESTIONS, engine.index)
    tables = read_tables(path, SUGGESTIONS)
    assert folder == home.root / "cache" and path.stat().st_mode & 0o777 == 0o600
    assert str(path.resolve()) in Path("/proc/self/maps").read_text() and tables is not None


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: b"", lambda data: data[:100] + b"x" + data[101:]], ids=["cut", "empty", "changed"]
)
def test_a_damaged_file_is_no_file_and_made_again(home, engine, spoil, monkeypatch):
    monkeypatch.setattr(TableMaker, "_make", lambda self, kind, index, stop: main(home, self._folder, kind, index.generation))
    path = path_of(made(home, engine), SUGGESTIONS, engine.index)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(spoil(data))
    os.chmod(path, 0o600)
    assert read_tables(path, SUGGESTIONS) is None
    found = TableMaker(home, home.root).get(SUGGESTIONS, engine.index, threading.Event())
    assert completed(found) == completed(read_tables(path, SUGGESTIONS))


def test_foreign_files_are_not_read(home, engine):
    folder = made(home, engine)
    path = path_of(folder, SUGGESTIONS, engine.index)
    shared.keep(path_of(folder, HAN_WORDS, engine.index), shared.cached(path), "none", 1)
    assert read_tables(path_of(folder, HAN_WORDS, engine.index), HAN_WORDS) is None
    path.chmod(0o666)
    assert read_tables(path, SUGGESTIONS) is None


def test_another_generation_has_another_file_and_old_ones_go(home, engine):
    folder, paths = made(home, engine), [path_of(home.root / "cache", SUGGESTIONS, engine.index)]
    for number in range(2):
        apply_changes(home, [{"id": f"new {number}", "title": "New", "body": "new"}])
        engine.reload_if_changed()
        paths.append(path_of(made(home, engine), SUGGESTIONS, engine.index))
    assert len(set(paths)) == 3 and [path.exists() for path in paths] == [False, True, True]
    assert len(list(folder.glob("suggestions-*"))) == 4  # each with its hash


def test_suggestions_are_made_again_when_they_are_old_and_words_never(home, engine):
    for kind, fresh in ((SUGGESTIONS, False), (HAN_WORDS, True)):
        path = path_of(made(home, engine, kind), kind, engine.index)
        assert is_fresh(path, kind)
        old = time.time() - suggestions.REFRESH_SECONDS - 1
        os.utime(path, (old, old))
        assert is_fresh(path, kind) == fresh
        assert TableMaker(home, home.root).at_hand(kind, engine.index) is not None


def test_one_of_many_makes_them_and_all_have_them(home, engine, monkeypatch):
    makers, calls, found = [TableMaker(home, home.root) for _ in range(3)], [], []

    def slowly(self, kind, index, stop):
        calls.append(kind)
        time.sleep(0.5)
        main(home, self._folder, kind, index.generation)

    monkeypatch.setattr(TableMaker, "_make", slowly)
    threads = [threading.Thread(target=lambda one=one: found.append(one.get(HAN_WORDS, engine.index, threading.Event()))) for one in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and [table.said("beijingdaxue") for table in found] == [["北京大学"]] * 3


def test_a_process_that_fails_says_why(home, engine, monkeypatch):
    monkeypatch.setattr("searchd.table_maker.COMMAND", ("/bin/sh", "-c", "echo no room >&2; exit 3"))
    with pytest.raises(TablesNotMade, match="no room"):
        TableMaker(home, home.root).get(SUGGESTIONS, engine.index, threading.Event())


def test_whoever_stops_does_not_wait(home, engine, monkeypatch):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = time.monotonic()
    monkeypatch.setattr("searchd.table_maker.COMMAND", ("/bin/sh", "-c", "exec sleep 60"))
    assert TableMaker(home, home.root).get(SUGGESTIONS, engine.index, stop) is None
    assert time.monotonic() - started < 20


def test_a_service_has_them_made_elsewhere_and_goes_on_with_the_old(home, engine, monkeypatch):
    monkeypatch.setattr(suggestions, "AT_ONCE", 0)
    monkeypatch.setattr("searchd.han_words.AT_ONCE", 0)
    monkeypatch.setattr(suggestions, "make_tables", None)  # nobody makes them here
    engine.share_tables(TableMaker(home, home.root))
    assert engine.suggest("pek") == []
    engine.snapshot().suggestions._thread.join()
    assert "peking opera" in [text for text, _ in engine.suggest("pek")]
    assert engine.snapshot().han_words.wait().said("beijingdaxue") == ["北京大学"]
    before = engine.snapshot().suggestions.get()
    apply_changes(home, [{"id": "new", "title": "New", "body": "new"}])
    engine.reload_if_changed()
    assert engine.snapshot().suggestions.get() is before and engine.snapshot().suggestions.maker is not None


def test_a_home_that_cannot_be_written_to_has_them_elsewhere(home, tmp_path, monkeypatch):
    monkeypatch.setattr(shared.os, "access", lambda path, mode: False)
    assert shared.folder_of(home, tmp_path / "run" / "tables") == tmp_path / "run" / "tables"
    assert (tmp_path / "run" / "tables").is_dir()
