"""Kernels work where nothing can be cached, only more slowly."""

import os
import subprocess
import sys
from pathlib import Path

import indexer.jit as jit

ROOT = Path(__file__).resolve().parents[1]


def test_without_a_cache_folder_kernels_are_compiled_by_each_process(tmp_path):
    (tmp_path / "file").write_text("no folder")
    script = "from indexer.jit import kernel; print(kernel(lambda n: n + 1)(1))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache")}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "2\n"), ran.stderr


def test_the_hash_of_a_kernel_covers_what_it_calls_into_and_nothing_else(tmp_path, monkeypatch):
    for package, name, source in (
        ("indexer", "base", "A = 1\n"),
        ("indexer", "middle", "from indexer.base import A\n"),
        ("indexer", "other", "B = 1\n"),
        ("searchd", "top", "import indexer.middle as middle\n"),
    ):
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / f"{name}.py").write_text(source)
    monkeypatch.setattr(jit, "ROOT", tmp_path)

    def hash_of_top() -> str:
        jit._imports.cache_clear()
        jit.sources_hash.cache_clear()
        return jit.sources_hash(tmp_path / "searchd" / "top.py")

    before = hash_of_top()
    (tmp_path / "indexer" / "other.py").write_text("B = 2\n")
    assert hash_of_top() == before
    (tmp_path / "indexer" / "base.py").write_text("A = 2\n")
    assert hash_of_top() != before
    jit._imports.cache_clear()
    jit.sources_hash.cache_clear()
