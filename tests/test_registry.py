"""Publishing, activating and rolling back models; a name is never trusted."""

import pytest
from small_models import small_model

from indexer.home import Home
from ranker.model import DamagedModel
from ranker.registry import Registry, UnknownModel, difference


@pytest.fixture
def registry(tmp_path):
    return Registry(Home.at(tmp_path / "home"))


def test_publish_numbers_versions_and_activates_nothing(registry):
    trained = small_model()
    assert registry.names() == [] and registry.active() is None
    assert [registry.publish(trained, {"n": i}, "clicks") for i in range(3)] == ["v0001", "v0002", "v0003"]
    assert registry.versions("clicks") == ["v0001", "v0002", "v0003"]
    assert registry.active() is None
    assert registry.load("clicks").card == {"n": 2}
    assert registry.load("clicks", "v0001").card == {"n": 0}


def test_activate_and_roll_back_walk_the_history(registry):
    trained = small_model()
    registry.publish(trained, {}, "a")
    registry.publish(trained, {}, "b")
    assert registry.activate("a") == ("a", "v0001")
    registry.activate("b")
    registry.activate("b")  # again changes nothing
    assert registry.load().name == "b"
    assert registry.rollback() == ("a", "v0001")
    assert registry.rollback() is None and registry.active() is None
    with pytest.raises(UnknownModel, match="roll back"):
        registry.rollback()


def test_a_damaged_version_cannot_be_activated(registry):
    registry.publish(small_model(), {}, "a")
    registry.activate("a")
    registry.publish(small_model(), {}, "a")
    (registry.folder / "a" / "v0002" / "model.txt").write_text("tree\n")
    with pytest.raises(DamagedModel, match="SHA-256"):
        registry.activate("a", "v0002")
    assert registry.active() == ("a", "v0001")


@pytest.mark.parametrize("name", ["", "../x", "none", "active", "a/b", ".hidden", "x" * 65, "a b", "a\n"])
def test_bad_names_are_refused(registry, name):
    with pytest.raises(UnknownModel):
        registry.publish(small_model(), {}, name)


def test_unknown_names_and_versions_say_what_there_is(registry):
    registry.publish(small_model(), {}, "clicks")
    with pytest.raises(UnknownModel, match="clicks"):
        registry.load("other")
    with pytest.raises(UnknownModel, match="v0001"):
        registry.load("clicks", "v9999")
    with pytest.raises(UnknownModel, match="none; train one"):
        registry.load()


def test_import_copies_a_whole_model_and_refuses_a_broken_one(registry, tmp_path):
    version = registry.publish(small_model(), {"from": "here"}, "a")
    folder = registry.folder / "a" / version
    other = Registry(Home.at(tmp_path / "other"))
    assert other.import_folder(folder, "copy") == "v0001"
    assert other.load("copy").card == {"from": "here"}
    (folder / "card.json").write_text("{}")
    with pytest.raises(DamagedModel):
        other.import_folder(folder, "copy")
    assert other.versions("copy") == ["v0001"]


def test_diff_tells_cards_and_features_apart(registry):
    registry.publish(small_model(), {"family": "pointwise"}, "a")
    registry.publish(small_model(), {"family": "pairwise"}, "a")
    found = difference(registry.load("a", "v0001"), registry.load("a", "v0002"))
    assert found["card"] == {"family": ["pointwise", "pairwise"]} and found["same_fingerprint"]


def test_a_damaged_active_file_is_one_clear_error(registry):
    registry.publish(small_model(), {}, "a")
    registry.active_file.write_text("../../etc passwd x\n")
    with pytest.raises(UnknownModel, match="NAME VERSION"):
        registry.active()


def test_a_damaged_version_is_listed_with_the_reason_and_hides_no_other(registry):
    for _ in range(3):
        registry.publish(small_model(), {"family": "pointwise"}, "a")
    registry.activate("a", "v0003")
    (registry.folder / "a" / "v0002" / "model.txt").write_text("tree\n")
    entries = registry.entries()
    assert [(e.version, e.active, e.damaged is None) for e in entries] == [
        ("v0001", False, True), ("v0002", False, False), ("v0003", True, True),
    ]  # fmt: skip
    assert entries[1].damaged.startswith("a/v0002/model.txt: expected SHA-256") and entries[1].card == {}
