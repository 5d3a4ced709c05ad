"""The pipeline that people write: jieba in search mode, or Porter's stems; bm25s, saved to disk.

``peer_pipeline.py chinese|english SOURCE FOLDER``
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import bm25s
import orjson

WORD = re.compile(r"\w+")


def analysis(language: str) -> Callable[[str], list[str]]:
    if language == "chinese":
        import jieba

        tokenizer = jieba.Tokenizer()
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True  # no cache in a shared temporary folder
        return tokenizer.lcut_for_search
    import Stemmer

    stem = Stemmer.Stemmer("porter").stemWords
    return lambda text: stem(WORD.findall(text.lower()))


def main(language: str, source: Path, folder: Path) -> None:
    terms_of = analysis(language)
    vocabulary: dict[str, int] = {}
    with open(source, "rb") as lines:
        ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms_of(orjson.loads(line)["text"])] for line in lines]
    model = bm25s.BM25(method="lucene", backend="numba")
    model.index((ids, vocabulary), show_progress=False)
    model.save(str(folder))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
