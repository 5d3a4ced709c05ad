"""Adding a line to the synonyms of a home, one writer at a time, checked by the same rules as the file itself."""

from indexer.durable import exclusive, make_folder, write_file
from indexer.home import Home
from indexer.lexicon import LexiconError
from searchd.synonyms import SYNONYMS, BadSynonyms, with_line

MAX_LINE = 500
LOCK_SECONDS = 5.0


def add_synonyms(home: Home, line: str) -> bool:
    """Write ``line`` to ``lexicon/synonyms.txt``; False when it says what the file says already. Searches use it from the next one on.

    Raises BadSynonyms for a line, and LexiconError for a file, that cannot be used.
    """
    line = line.strip()
    if not line.isprintable() or not 0 < len(line) <= MAX_LINE:
        raise BadSynonyms(f"expected one printable line of at most {MAX_LINE} characters, found {line[:80]!r}")
    make_folder(home.lexicon)
    with exclusive(home.lexicon / ".lock", LOCK_SECONDS) as held:
        if not held:
            raise LexiconError(f"{home.lexicon}: another process changes the synonyms; try again")
        path = home.lexicon / SYNONYMS
        new = with_line(home.lexicon, line)
        if path.exists() and path.read_bytes() == new:
            return False
        write_file(path, new)
        return True
