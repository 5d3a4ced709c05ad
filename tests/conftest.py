"""Fixtures that several test modules share."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent))

# The first call of a kernel compiles it; a deadline would measure that.
settings.register_profile("searchd", deadline=None)
settings.load_profile("searchd")
