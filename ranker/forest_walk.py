"""Score documents with trees of any size: all documents of a block walk down one tree together, level by level.

Leaves point to themselves, so the loop has no branches. Trees are added in LightGBM's order, which makes the sums the same bits. A few documents
take the plain walk, one by one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indexer.jit import kernel
from ranker.forest_columns import columns_of, fill_block, rounded_down
from ranker.lightgbm_text import Tree

BLOCK = 256  # documents that walk together: their columns stay in the cache
FEW = 2  # up to so many documents the plain walk is faster than filling a block


class WalkForest(NamedTuple):
    """Arrays of all trees. A node is a split or a leaf; a leaf's children are itself."""

    features: np.ndarray  # int32[C]: feature of a column
    fills: np.ndarray  # float32[C]: what stands for NaN in it
    node_column: np.ndarray  # int32[N]
    thresholds: np.ndarray  # float32[N]: value <= threshold goes left
    children: np.ndarray  # int32[2 N]: left at 2 n, right at 2 n + 1
    values: np.ndarray  # float64[N]: of leaves
    roots: np.ndarray  # int32[T]
    depths: np.ndarray  # int32[T]: levels to walk

    def score(self, x: np.ndarray) -> np.ndarray:
        """float64[k] raw scores of a contiguous float32[k, F]."""
        return _walk_each(x, *self) if len(x) <= FEW else _walk_blocks(x, *self)


def lay_out_walk(trees: Sequence[Tree]) -> WalkForest:
    """Lay trees out for the kernels."""
    columns, of_trees = columns_of(trees)
    sizes = [2 * len(tree.values) - 1 for tree in trees]
    roots = np.cumsum([0, *sizes])[:-1]
    inner = [_children(tree) for tree in trees]
    return WalkForest(
        *columns,
        np.concatenate([_then(places, len(tree.values), 0) for places, tree in zip(of_trees, trees)]).astype(np.int32),
        np.concatenate([_then(rounded_down(tree.thresholds), len(tree.values), np.inf) for tree in trees]).astype(np.float32),
        np.concatenate([(children + root).ravel() for children, root in zip(inner, roots)]).astype(np.int32),
        np.concatenate([np.concatenate([np.zeros(len(tree.features)), tree.values]) for tree in trees]),
        roots.astype(np.int32), np.array([_depth(c, len(t.features)) for c, t in zip(inner, trees)], np.int32),
    )  # fmt: skip


def _then(of_splits: np.ndarray, leaves: int, filler: float) -> np.ndarray:
    """Values of splits, then a filler for each leaf."""
    return np.concatenate([of_splits, np.full(leaves, filler)])


def _children(tree: Tree) -> np.ndarray:
    """Splits first, then leaves, numbered within the tree: int64[nodes, 2]."""
    splits, leaves = len(tree.features), len(tree.values)
    inner = np.where(tree.children >= 0, tree.children, splits - tree.children - 1)
    own = np.arange(splits, splits + leaves)
    return np.concatenate([inner, np.stack([own, own], axis=1)]).astype(np.int64)


def _depth(children: np.ndarray, splits: int) -> int:
    """Longest way from the root to a leaf."""
    deepest, level = 0, [0] if splits else []
    while level:
        deepest += 1
        level = [int(c) for node in level for c in children[node] if c < splits]
    return deepest


@kernel
def _walk_blocks(x, features, fills, node_column, thresholds, children, values, roots, depths):
    num_docs = len(x)
    scores = np.zeros(num_docs)
    block = np.empty(max(1, len(features)) * BLOCK, np.float32)
    nodes = np.empty(BLOCK, np.int32)
    for start in range(0, num_docs, BLOCK):
        size = min(BLOCK, num_docs - start)
        fill_block(block, BLOCK, x, start, size, features, fills)
        for t in range(len(roots)):
            nodes[:size] = roots[t]
            for _level in range(depths[t]):
                for i in range(size):
                    node = nodes[i]
                    nodes[i] = children[2 * node + np.int32(not block[node_column[node] * BLOCK + i] <= thresholds[node])]
            for i in range(size):
                scores[start + i] += values[nodes[i]]
    return scores


@kernel
def _walk_each(x, features, fills, node_column, thresholds, children, values, roots, depths):
    scores = np.zeros(len(x))
    row = np.empty(max(1, len(features)), np.float32)
    for i in range(len(x)):
        fill_block(row, 1, x, i, 1, features, fills)
        for t in range(len(roots)):
            node = roots[t]
            while children[2 * node] != node:
                node = children[2 * node + np.int32(not row[node_column[node]] <= thresholds[node])]
            scores[i] += values[node]
    return scores
