"""Addresses of style sheets, scripts and images that change with their contents, so that browsers may keep them for ever."""

import functools
import hashlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "static"


@functools.cache
def asset_url(name: str) -> str:
    """The address of ``static/name``."""
    return f"/static/{name}?v={hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]}"
