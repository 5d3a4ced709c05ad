"""Arrays in memory as the pages of a file, for tests of what reads them; and pages that were damaged after they were written."""

import zlib

import numpy as np

from indexer.checksums import PageChecksums
from indexer.front_coding import front_code
from indexer.pages import Pages
from indexer.string_table import StringTable, build_slots


def paged(array, name="section"):
    """The section ``name`` of x.seg."""
    array = np.ascontiguousarray(array)
    checksums = PageChecksums()
    checksums.update(array.reshape(-1).view(np.uint8).data)
    found = checksums.finish()
    return Pages("x.seg", name, array, found, zlib.crc32(found.data), None)


def string_table(packed, ids=None):
    """Packed strings as a table; ``ids``: packed numbers."""
    sections = [*front_code(packed), build_slots(packed)]
    return StringTable(len(packed), *map(paged, sections, ["data", "starts", "slots"]), None if ids is None else paged(ids, "ids"))
