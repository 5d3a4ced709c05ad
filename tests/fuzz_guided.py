"""A target of ``fuzz_targets`` under atheris: libFuzzer guided by which lines of our parsers were reached. For a process of its own.

python tests/fuzz_guided.py TARGET CORPUS... [options of libFuzzer]
"""

import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
READ = (
    "searchd.query", "searchd.filters", "ranker.lightgbm_text", "ranker.events", "indexer.readers", "indexer.documents", "indexer.quarantine", "indexer.values",
    "indexer.container", "indexer.pages",
)  # fmt: skip

# Kernels cannot be instrumented, and whatever is imported for the first time would be: so all is imported twice, the second time only what reads.
import fuzz_targets  # noqa: E402

for name in [name for name in sys.modules if name.startswith(READ) or name == "fuzz_targets"]:
    del sys.modules[name]
with atheris.instrument_imports(include=list(READ)):
    import fuzz_targets


def main() -> None:
    """Fuzz until libFuzzer's limits, or a fault."""
    target = fuzz_targets.TARGETS[sys.argv[1]]
    target(b"")  # compiles and opens what it needs
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
