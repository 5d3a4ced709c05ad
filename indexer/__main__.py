"""``python -m indexer`` is the ``indexer`` command."""

from indexer.cli import main

main(prog_name="indexer")
