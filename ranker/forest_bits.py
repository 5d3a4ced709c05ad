"""Score documents with trees of up to 64 leaves by bit vectors (QuickScorer, Lucchese et al. 2015), 32 documents at a time.

The leaves of a tree are the bits of a word, from left to right. Every split that sends a document right strikes out the leaves on its left; when
all splits have spoken, the lowest bit that is left is the leaf the document falls into, in whatever order they spoke. QuickScorer sorts the
splits of all trees by threshold to skip those that strike nothing out. Here none is skipped: the splits of one tree are put to 32 documents at
once, whose words stay in registers, and nothing is gathered from memory. That is faster than skipping by far, and
trees are added in LightGBM's order, which makes the sums the same bits.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from indexer.jit import kernel
from indexer.swar import trailing_zeros
from indexer.vectors import everywhere
from ranker.forest_columns import columns_of, fill_block, rounded_down
from ranker.lightgbm_text import Tree

LANES = 32
MAX_LEAVES = 64
BLOCK, PLACES, THRESHOLDS, KEPT, FIRST, LAST, WORDS = range(7)  # arguments of `_ask_splits`


class BitForest(NamedTuple):
    """Arrays of all trees, S splits and L leaves in all; the leaves of a tree stand from left to right."""

    features: np.ndarray  # int32[C]: feature of a column
    fills: np.ndarray  # float32[C]: what stands for NaN in it
    places: np.ndarray  # uint32[S]: where a split's column begins in a block
    thresholds: np.ndarray  # float32[S]: value <= threshold goes left
    kept: np.ndarray  # uint32[S] or uint64[S]: the leaves that are left when a document goes right
    first_split: np.ndarray  # int64[T + 1]
    values: np.ndarray  # float64[L]
    first_leaf: np.ndarray  # int64[T + 1]

    def score(self, x: np.ndarray) -> np.ndarray:
        """float64[k] raw scores of a contiguous float32[k, F]."""
        return _score(x, *self)


def lay_out_bits(trees: Sequence[Tree]) -> BitForest:
    """Lay trees out for the kernel; none may have more than 64 leaves."""
    columns, of_trees = columns_of(trees)
    leaves = [len(tree.values) for tree in trees]
    assert max(leaves) <= MAX_LEAVES
    word = np.uint32 if max(leaves) <= 32 else np.uint64
    orders = [_left_to_right(tree) for tree in trees]
    kept = [bits for _, struck in orders for bits in ~struck]
    return BitForest(
        *columns, (np.concatenate(of_trees) * LANES).astype(np.uint32), rounded_down(np.concatenate([t.thresholds for t in trees])),
        np.array(kept, np.uint64).astype(word), np.cumsum([0, *(n - 1 for n in leaves)]),
        np.concatenate([tree.values[order] for tree, (order, _) in zip(trees, orders)]), np.cumsum([0, *leaves]),
    )  # fmt: skip


def _left_to_right(tree: Tree) -> tuple[np.ndarray, np.ndarray]:
    """Leaves from left to right, and for each split the bits of the leaves under its left child, uint64[n]."""
    struck = np.zeros(len(tree.features), np.uint64)
    order: list[int] = []
    stack = [(0, False)] if len(struck) else [(-1, False)]
    while stack:
        node, left_is_done = stack.pop()
        if node < 0:
            order.append(-node - 1)
        elif left_is_done:
            struck[node] = (1 << len(order)) - (1 << int(struck[node]))
        else:
            struck[node] = len(order)  # for the moment: how many leaves stand before its own
            left, right = tree.children[node].tolist()
            stack += [(right, False), (node, True), (left, False)]
    return np.array(order), struck


def _write_questions(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The machine code of `_ask_splits`, whose arguments these are: for every split a comparison of 32 floats and a masked and."""
    kinds = signature.args
    columns, places, thresholds, kept, words = (
        context.make_array(kinds[i])(context, builder, args[i]).data for i in (BLOCK, PLACES, THRESHOLDS, KEPT, WORDS)
    )
    width = kinds[KEPT].dtype.bitwidth
    word, floats = ir.VectorType(ir.IntType(width), LANES), ir.VectorType(ir.FloatType(), LANES)
    left = cgutils.alloca_once_value(builder, ir.Constant(word, [-1] * LANES))
    with cgutils.for_range_slice(builder, args[FIRST], args[LAST], ir.Constant(ir.IntType(64), 1)) as (split, _):
        place = builder.zext(builder.load(builder.gep(places, [split])), ir.IntType(64))
        column = builder.load(builder.bitcast(builder.gep(columns, [place]), floats.as_pointer()), align=4)
        threshold = everywhere(builder, builder.load(builder.gep(thresholds, [split])), LANES)
        mask = everywhere(builder, builder.load(builder.gep(kept, [split])), LANES)
        goes_right = builder.fcmp_unordered(">", column, threshold)  # unordered: NaN goes right
        before = builder.load(left)
        builder.store(builder.select(goes_right, builder.and_(before, mask), before), left)
    builder.store(builder.load(left), builder.bitcast(words, word.as_pointer()), align=width // 8)
    return context.get_dummy_value()


@intrinsic
def _ask_splits(typing: Any, block: Any, places: Any, thresholds: Any, kept: Any, first: Any, last: Any, words: Any) -> Any:
    """Put splits ``first``..``last`` of one tree to the 32 documents of a block; ``words``[32] receives the leaves that are left.

    Written out for LLVM, since Numba's loops over arrays would carry the words through memory and compile to one document at a time.
    """
    return types.void(block, places, thresholds, kept, types.int64, types.int64, words), _write_questions


@kernel
def _score(x, features, fills, places, thresholds, kept, first_split, values, first_leaf):
    scores = np.zeros(len(x))
    block = np.zeros(len(features) * LANES, np.float32)
    words = np.empty(LANES, kept.dtype)
    for start in range(0, len(x), LANES):
        size = min(LANES, len(x) - start)
        fill_block(block, LANES, x, start, size, features, fills)
        for tree in range(len(first_leaf) - 1):
            _ask_splits(block, places, thresholds, kept, first_split[tree], first_split[tree + 1], words)
            leaf = first_leaf[tree]
            for i in range(size):
                scores[start + i] += values[leaf + trailing_zeros(np.uint64(words[i]))]
    return scores
