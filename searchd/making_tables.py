"""``python -m searchd.making_tables HOME FOLDER KIND GENERATION``: the process that makes tables (``table_maker.py``)."""

import os
import sys
from pathlib import Path

from indexer.home import Home
from indexer.index import Index
from indexer.publish import NoSuchGeneration
from searchd.logs import log_to_stderr
from searchd.query_terms import QueryTerms
from searchd.shared_tables import make_file, path_of

NICE = 19


def main(home: Home, folder: Path, kind: str, generation: str) -> None:
    """Make one file of tables for a generation; none for one that was collected, whose readers have gone on."""
    try:
        index = Index.open(home, generation)
    except NoSuchGeneration:
        return
    make_file(path_of(folder, kind, index), kind, index, QueryTerms(index))


if __name__ == "__main__":
    os.nice(NICE)
    log_to_stderr()
    main(Home(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
