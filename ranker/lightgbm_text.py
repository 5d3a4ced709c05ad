"""A strict reader of LightGBM's text models: text becomes arrays, or one clear error.

LightGBM itself trusts its files: of 600 mutated ones it aborted the process on 464, crashed on 13 and hung on 18. Here every index is
checked to be in range, every tree to be a tree, every number to be one, before a kernel or LightGBM sees it.
"""

import math
from typing import NamedTuple

import numpy as np

from indexer.errors import SearchdError

END_OF_TREES = "end of trees"
MAX_TREES = 100_000
MAX_LEAVES = 65_536
MAX_VALUE = 1e100  # of a leaf: the sum of all trees stays a number
CATEGORICAL, DEFAULT_LEFT = 1, 2  # bits of decision_type; bits 2 and 3 tell how missing values are treated
NOT_TOLD = np.zeros(0, np.int32)
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2


class InvalidModel(SearchdError):
    """A model file that cannot be used."""

    code = "invalid_model"


class Tree(NamedTuple):
    """One tree of ``n`` splits and ``n + 1`` leaves; children >= 0 are splits, child c < 0 is leaf -c - 1."""

    features: np.ndarray  # int32[n]
    thresholds: np.ndarray  # float64[n], finite or +inf (every value left, missing ones right)
    decisions: np.ndarray  # int32[n], LightGBM's bits
    children: np.ndarray  # int32[n, 2], left and right
    values: np.ndarray  # float64[n + 1], finite
    covers: np.ndarray = (
        NOT_TOLD  # int32[2 n + 1]: training rows that came to each split, then to each leaf; empty if the file does not say
    )


class TextModel(NamedTuple):
    """What a model file says."""

    feature_names: tuple[str, ...]
    trees: list[Tree]
    exact: bool  # no categorical split and no zero-as-missing: our kernel computes the same bits


def parse_model(text: str, where: str = "model.txt") -> TextModel:
    """Read a LightGBM text model; raises InvalidModel with the place and what was expected there."""
    header, blocks = _split(text, where)
    names = tuple(header.get("feature_names", "").split())
    _check_header(header, names, where)
    if not 0 < len(blocks) <= MAX_TREES:
        raise InvalidModel(f"{where}: expected 1 to {MAX_TREES} trees, found {len(blocks)}; publish the model again")
    parsed = [_parse_tree(block, len(names), f"{where}: tree {i}") for i, block in enumerate(blocks)]
    exact = all(_is_exact(tree.decisions) for tree in parsed)
    return TextModel(names, parsed, exact)


def _split(text: str, where: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The header and one mapping per tree, up to the line `end of trees`."""
    lines = text.split("\n")
    if lines[0].strip() != "tree":
        raise InvalidModel(f"{where}: expected a LightGBM text model beginning with the line 'tree', found {lines[0][:40]!r}")
    sections: list[dict[str, str]] = [{}]
    for line in lines[1:]:
        key, equals, value = line.partition("=")
        if line.strip() == END_OF_TREES:
            return sections[0], sections[1:]
        if key == "Tree":
            if value.strip() != str(len(sections) - 1):
                raise InvalidModel(f"{where}: expected Tree={len(sections) - 1}, found Tree={value[:20]}; publish the model again")
            sections.append({})
        elif equals:
            if key in sections[-1]:
                raise InvalidModel(f"{where}: {key[:40]!r} stands twice in one section; publish the model again")
            sections[-1][key] = value
        elif line.strip() and len(sections) > 1:
            raise InvalidModel(f"{where}: expected key=value, found {line[:40]!r}; publish the model again")
    raise InvalidModel(f"{where}: the line 'end of trees' is missing, the file is cut short; publish the model again")


def _check_header(header: dict[str, str], names: tuple[str, ...], where: str) -> None:
    expected = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1", "max_feature_idx": str(len(names) - 1)}
    for key, value in expected.items():
        found = header.get(key)
        if found != value and not (key == "version" and found == "v3"):
            raise InvalidModel(f"{where}: expected {key}={value}, found {found and found[:40]!r}; only single-score rankers are supported")
    if not names or len(set(names)) != len(names):
        raise InvalidModel(f"{where}: feature_names must be distinct and not empty; publish the model again")


def _parse_tree(block: dict[str, str], num_features: int, where: str) -> Tree:
    leaves = _integer(block, "num_leaves", 1, MAX_LEAVES, where)
    _integer(block, "num_cat", 0, MAX_LEAVES, where)
    if block.get("is_linear", "0").strip() != "0":
        raise InvalidModel(f"{where}: linear leaves are not supported; train without linear_tree")
    values = _numbers(block, "leaf_value", leaves, where)
    if np.abs(values).max() > MAX_VALUE:
        raise InvalidModel(f"{where}: leaf_value must lie in -{MAX_VALUE:g}..{MAX_VALUE:g}; publish the model again")
    splits = leaves - 1
    if splits == 0:
        empty = np.zeros(0, np.int32)
        return Tree(empty, np.zeros(0), empty, np.zeros((0, 2), np.int32), values, np.ones(1, np.int32))
    features = _integers(block, "split_feature", splits, 0, num_features - 1, where)
    decisions = _integers(block, "decision_type", splits, 0, 15, where)
    if (decisions >> 2 > MISSING_NAN).any():
        raise InvalidModel(f"{where}: unknown way to treat missing values in decision_type; publish the model again")
    children = np.stack([_integers(block, key, splits, -leaves, splits - 1, where) for key in ("left_child", "right_child")], axis=1)
    _check_shape(children, where)
    thresholds = _numbers(block, "threshold", splits, where, also=math.inf)
    return Tree(features, thresholds, decisions, children, values, _covers(block, splits, where))


def _covers(block: dict[str, str], splits: int, where: str) -> np.ndarray:
    if "internal_count" not in block or "leaf_count" not in block:
        return NOT_TOLD
    counts = [_integers(block, key, n, 0, 2**31 - 1, where) for key, n in (("internal_count", splits), ("leaf_count", splits + 1))]
    return np.concatenate(counts)


def _check_shape(children: np.ndarray, where: str) -> None:
    """Every split and leaf is reached exactly once from split 0."""
    splits = len(children)
    seen = np.zeros(2 * splits + 1, bool)  # splits, then leaves
    seen[0] = True
    stack = [0]
    while stack:
        for child in children[stack.pop()]:
            place = int(child) if child >= 0 else splits - int(child) - 1
            if seen[place]:
                raise InvalidModel(f"{where}: a node is reached twice, so this is no tree; publish the model again")
            seen[place] = True
            if child >= 0:
                stack.append(int(child))
    if not seen.all():
        raise InvalidModel(f"{where}: {int((~seen).sum())} nodes are reached from nowhere; publish the model again")


def _is_exact(decisions: np.ndarray) -> bool:
    return not ((decisions & CATEGORICAL).any() or (decisions >> 2 == MISSING_ZERO).any())


def _words(block: dict[str, str], key: str, count: int, where: str) -> list[str]:
    words = block.get(key, "").split()
    if len(words) != count:
        raise InvalidModel(f"{where}: expected {count} values of {key}, found {len(words)}; publish the model again")
    return words


def _integer(block: dict[str, str], key: str, low: int, high: int, where: str) -> int:
    return int(_integers(block, key, 1, low, high, where)[0])


def _integers(block: dict[str, str], key: str, count: int, low: int, high: int, where: str) -> np.ndarray:
    words = _words(block, key, count, where)
    try:
        numbers = [int(word) if len(word) < 12 else high + 1 for word in words]
    except ValueError:
        raise InvalidModel(f"{where}: {key} must hold integers; publish the model again") from None
    if not all(low <= number <= high for number in numbers):
        raise InvalidModel(f"{where}: {key} must lie in {low}..{high}; publish the model again")
    return np.array(numbers, np.int32)


def _numbers(block: dict[str, str], key: str, count: int, where: str, also: float = 0.0) -> np.ndarray:
    """Finite numbers, or the one in ``also``."""
    try:
        numbers = [float(word) for word in _words(block, key, count, where)]
    except ValueError:
        raise InvalidModel(f"{where}: {key} must hold numbers; publish the model again") from None
    if not all(math.isfinite(number) or number == also for number in numbers):
        raise InvalidModel(f"{where}: {key} must be finite; publish the model again")
    return np.array(numbers, np.float64)
