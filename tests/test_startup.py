"""A short program starts and ends with less; what it leaves out is there for those who ask."""

import gc
import subprocess
import sys

import pytest

_AFTER = {
    "kernels run without it": "import numpy as np; from indexer.checksums import crc32; assert crc32(np.zeros(4, np.uint8)) == 0x2144DF1C",
    "nothing asked for it": "assert 'scipy.linalg' not in sys.modules",
    "it can be had": "from scipy.linalg import inv; assert inv([[2.0]])[0, 0] == 0.5",
}


@pytest.mark.parametrize("after", _AFTER.values(), ids=_AFTER)
def test_numba_passes_over_linear_algebra(after):
    program = f"import sys; from indexer.startup import without_blas; without_blas(); {after}"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_linear_algebra_that_is_there_stays(monkeypatch):
    from indexer.startup import without_blas

    there = object()
    monkeypatch.setitem(sys.modules, "scipy.linalg", there)
    without_blas()
    assert sys.modules["scipy.linalg"] is there


def test_garbage_of_a_program_is_still_collected():
    program = "import gc; from indexer.startup import collect_rarely; collect_rarely(); collect_rarely(); a = []; a.append(a); del a; assert gc.collect() == 1"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert gc.get_threshold()[0] > 0


_HELP = {
    "indexer": "from indexer.cli import main; main(['--help'])",
    "indexer build": "from indexer.cli import main; main(['build', '--help'])",
    "searchd": "from searchd.cli import main; main(['--help'])",
    "ranker": "from searchd.programs import ranker; sys.argv = ['ranker', '--help']; ranker()",
    "ranker train": "from searchd.programs import ranker; sys.argv = ['ranker', 'train', '--help']; ranker()",
}


@pytest.mark.parametrize("program", _HELP.values(), ids=_HELP)
def test_help_waits_for_no_compiler(program):
    code = f"import sys\ntry:\n    {program}\nexcept SystemExit as end:\n    assert not end.code\nassert not {{'numba', 'lightgbm'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_a_worker_loads_nothing_that_only_training_needs():
    unwanted = "{'lightgbm', 'sklearn', 'scipy.sparse', 'pandas', 'pyarrow', 'jieba', 'joblib'}"
    code = f"import sys, searchd.worker\nfound = {unwanted} & set(sys.modules)\nassert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
