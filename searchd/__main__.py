"""``python -m searchd`` is ``searchd``."""

from searchd.cli import main

if __name__ == "__main__":
    main(prog_name="searchd")
