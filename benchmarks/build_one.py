"""Build one engine's index in a process of its own: ``build_one.py ENGINE SOURCE FOLDER``. The other benchmarks call it."""

import sys
from pathlib import Path

from engines.registry import load

if __name__ == "__main__":
    name, source, folder = sys.argv[1:]
    load(name).build(Path(source), Path(folder))
