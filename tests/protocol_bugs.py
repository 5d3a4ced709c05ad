"""Bugs of the kind that loses what was stored, to put in: a proof that does not find them proves nothing."""

import os

import indexer.durable as durable
import indexer.publish as publish


def skipping(name, which):
    """The door, but for operations of a name on the paths that ``which`` says."""
    do = durable._do

    def skip(step, path, call, *arguments):
        return None if step == name and which(path) else do(step, path, call, *arguments)

    return durable, "_do", skip


def _written_in_place(path, data, mode=0o644):
    descriptor = durable._do("create", path, os.open, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    durable._do("write", path, os.write, descriptor, data)
    durable._do("sync", path, os.fsync, descriptor)
    os.close(descriptor)
    durable.sync_folder(path.parent)


def written_in_place(module):
    """Small files of a module are overwritten where they are."""
    return module, "write_file", _written_in_place


_SET_CURRENT = publish._set_current


def _collected_first(home, name):
    for other in publish._generations(home):
        if other != name:
            durable.remove_folder(home.index / other)
    _SET_CURRENT(home, name)


COLLECTED_FIRST = (publish, "_set_current", _collected_first)
"""What is published goes before its successor is."""
