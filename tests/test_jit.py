"""Kernels work where nothing can be cached, only more slowly."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_without_a_cache_folder_kernels_are_compiled_by_each_process(tmp_path):
    (tmp_path / "file").write_text("no folder")
    script = "from indexer.jit import kernel; print(kernel(lambda n: n + 1)(1))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache")}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "2\n"), ran.stderr
