"""PISA (C++), the fastest open engine of the research literature, by the wheel of its Python binding (pyterrier-pisa).

The binding needs Java and PyTerrier, its native module does not: it is loaded by itself, from an installation without dependencies
(``scripts/install-pisa``). Settings: blocks of 64 postings (block_simdbp, the binding's default), the algorithm that is fastest for the
mode and k on sample queries. ``pisa`` computes float scores, ``pisa 8-bit`` adds up scores that were quantised when the index was built:
faster, but no longer exact.

What it does differently: no phrases, positions, stored texts, updates or deletes; its idf has no "1 +" inside the logarithm; answers are
strings of the caller's ids, made by the native module for each of the k documents (about 20 ns each); terms must be ASCII words, so
Chinese characters are spelled as their code points, at no charge in the timed part but a look-up.
"""

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import os
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engines.base import K1, B, Engine, texts_of

FOLDER = Path(os.environ.get("SEARCHD_PISA") or Path(__file__).resolve().parents[2] / "var" / "pisa")
ALGORITHMS = {"or": ("block_max_wand", "block_max_maxscore", "maxscore", "wand"), "and": ("ranked_and", "block_max_ranked_and")}
ENCODING = "block_simdbp"
BLOCK = 64
NAMES = {"inv": "retrieval: postings", "wand": "retrieval: block maxima", "fwd.termlex": "retrieval: terms", "fwd.doclex": "ids"}


class PisaEngine(Engine):
    name = "pisa"
    modes = ("or", "and")
    quantized = 0

    @classmethod
    def missing(cls) -> str:
        try:
            native()
        except (ImportError, OSError) as error:
            return f"{error} (scripts/install-pisa installs it to {FOLDER})"
        return ""

    @classmethod
    def version(cls) -> str:
        return next(FOLDER.glob("pyterrier_pisa-*.dist-info")).name.removeprefix("pyterrier_pisa-").removesuffix(".dist-info")

    @classmethod
    def build(cls, source: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        plain = folder / "plain.txt"
        with open(plain, "w") as out:
            out.writelines(f"{number} {spelled(text)}\n" for number, text in enumerate(texts_of(source)))
        with quiet():
            native().index(str(plain), str(folder), "", 100_000, 1)
            cls._context(folder)
        for name in ("plain.txt", "fwd", "fwd.documents", "fwd.terms", "fwd.urls", "inv.docs", "inv.freqs", "inv.sizes"):
            (folder / name).unlink()

    def __init__(self, folder: Path) -> None:
        self._retrieve = native().retrieve
        self._algorithms = {mode: names[0] for mode, names in ALGORITHMS.items()}
        self._ctx = self._context(folder)

    @classmethod
    def _context(cls, folder: Path) -> Any:
        """Opens the index; compresses it first when it is not there yet."""
        context = native().RetrievalContext()
        native().prepare_index(
            context, str(folder), ENCODING, "bm25", "", block_size=BLOCK, quantize=cls.quantized, bm25_k1=K1, bm25_b=B
        )  # fmt: skip
        return context

    def retrieve(self, text: str, k: int, mode: str) -> Any:
        ranks, scores, ids = np.empty(k, np.int32), np.empty(k, np.float32), np.empty(k, object)
        query = {spelled(word): 1.0 for word in text.split()}
        found = self._retrieve(
            self._ctx, self._algorithms[mode], [(0, query)], k=k, threads=1, pretokenised=1, query_weighted=0,
            result_qidxs=np.empty(k, np.int32), result_docnos=ids, result_ranks=ranks, result_scores=scores,
        )  # fmt: skip
        return ids[:found], scores[:found]

    def numbers(self, found: Any) -> list[int]:
        return [int(number) for number in found[0]]

    def tune(self, texts: Sequence[str], k: int, mode: str) -> str:
        spent = {}
        for name in ALGORITHMS[mode]:
            self._algorithms[mode] = name
            spent[name] = np.mean([np.log(self._fastest(text, k, mode)) for text in texts])
        self._algorithms[mode] = min(spent, key=lambda name: spent[name])
        return self._algorithms[mode]

    def _fastest(self, text: str, k: int, mode: str) -> int:
        times = []
        for _ in range(3):
            start = time.process_time_ns()
            self.retrieve(text, k, mode)
            times.append(time.process_time_ns() - start)
        return min(times)

    @classmethod
    def structures(cls, folder: Path) -> dict[str, int]:
        found: dict[str, int] = {}
        for path in folder.iterdir():
            kind = "inv" if path.name.endswith(ENCODING) else "wand" if ".bmw." in path.name else path.name
            found[NAMES[kind]] = path.stat().st_size
        return found


class QuantizedPisaEngine(PisaEngine):
    name = "pisa 8-bit"
    quantized = 1


def spelled(text: str) -> str:
    """ASCII words are themselves, others the code points of their characters."""
    return text if text.isascii() else " ".join(_spelled_word(word) for word in text.split())


@cache
def _spelled_word(word: str) -> str:
    return word if word.isascii() else "".join(f"u{ord(character):x}" for character in word)


@cache
def native() -> Any:
    """The native module of the wheel, without its package; raises ImportError or OSError."""
    found = sorted(FOLDER.rglob("_pisathon*" + importlib.machinery.EXTENSION_SUFFIXES[0]))
    tbb = sorted(FOLDER.rglob("libtbb.so.2"))
    if not found or not tbb:
        raise ImportError("no native module of pyterrier-pisa")
    ctypes.CDLL(str(tbb[0]), mode=ctypes.RTLD_GLOBAL)
    spec = importlib.util.spec_from_file_location("pyterrier_pisa._pisathon", found[0])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """It tells of its progress on both streams, from C++."""
    saved = [os.dup(1), os.dup(2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (1, 2):
            os.dup2(nothing, stream)
        yield
    finally:
        for stream, copy in zip((1, 2), saved):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nothing)
