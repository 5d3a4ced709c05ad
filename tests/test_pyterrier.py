"""PyTerrier's own experiments over an engine. Skipped where PyTerrier is not installed: it brings pandas, lxml, statsmodels and two dozen more."""

import os
import subprocess
import sys
import warnings

import pytest
from ir_measures import RR, nDCG
from web_home import make_home

import searchd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pt = pytest.importorskip("pyterrier", reason="PyTerrier is not installed: pip install searchd[pyterrier]")
    import pandas as pd

    from searchd.pyterrier import FrameError, Rerank, Retrieve

pytestmark = pytest.mark.filterwarnings("ignore")
TOPICS = pd.DataFrame([["1", "regular expression"], ["2", "event loop callbacks"], ["3", "1234567"], ["4", " "]], columns=["qid", "query"])
QRELS = pd.DataFrame([["1", "library/re", 2], ["1", "zh-1", 1], ["2", "loop-1", 1]], columns=["qid", "docno", "label"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with searchd.open(make_home(tmp_path_factory.mktemp("pyterrier")).root) as engine:
        yield engine


def test_retrieves_what_the_engine_finds_in_its_order(engine):
    found = Retrieve(engine, depth=5, fields=("title", "tag")).transform(TOPICS)
    assert list(found.columns) == ["qid", "query", "docno", "score", "rank", "title", "tag"]
    for qid, group in found.groupby("qid"):
        expected = engine.rank(TOPICS.set_index("qid")["query"][qid], 5)
        assert list(group["docno"]) == expected.keys and list(group["rank"]) == list(range(len(group)))
        assert group["score"].is_monotonic_decreasing and group["score"].is_unique
    assert found["title"][0] == "re: regular expression operations" and set(found["qid"]) == {"1", "2"}


def test_reranks_what_another_found(engine):
    given = pd.DataFrame(
        [
            ["2", "event loop", "nowhere", 9.0, 0, "kept"],
            ["2", "event loop", "d3", 8.0, 1, "kept"],
            ["2", "event loop", "loop-1", 7.0, 2, "kept"],
        ],
        columns=["qid", "query", "docno", "score", "rank", "text"],
    )
    found = Rerank(engine).transform(given)
    assert list(found["docno"]) == ["loop-1", "d3", "nowhere"] and list(found["rank"]) == [0, 1, 2]
    assert found["score"].is_monotonic_decreasing and found["score"].is_unique and set(found["text"]) == {"kept"}


def test_experiments_and_pipelines(engine):
    first = Retrieve(engine, model="none")
    told = pt.Experiment(
        [first, first % 2 >> Rerank(engine, "none"), first >> Rerank(engine)], TOPICS, QRELS, [nDCG @ 10, RR @ 10], names=["a", "b", "c"]
    )
    assert told["RR@10"].tolist() == [1.0, 1.0, 1.0]  # of the queries that are judged
    assert not pt.java.started()


def test_the_shapes_of_empty_frames_are_known(engine):
    for pipeline in (Retrieve(engine, fields=["title"]), Retrieve(engine) >> Rerank(engine)):
        empty = pipeline.transform(TOPICS[:0])
        assert len(empty) == 0 and {"qid", "query", "docno", "score", "rank"} <= set(empty.columns)
    assert pt.inspect.transformer_outputs(Retrieve(engine), ["qid", "query"]) == ["qid", "query", "docno", "score", "rank"]


def test_frames_without_their_columns_are_refused(engine):
    with pytest.raises(FrameError, match="query"):
        Retrieve(engine).transform(TOPICS[["qid"]])
    with pytest.raises(FrameError, match="docno"):
        Rerank(engine).transform(TOPICS)


def test_no_java_is_needed():
    environment = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "JDK_HOME", "JRE_HOME")} | {
        "PATH": "/nonexistent"
    }
    program = "import searchd.pyterrier as p, pyterrier as pt; assert not pt.java.started(); print(p.Retrieve.__name__)"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "Retrieve", ran.stderr
