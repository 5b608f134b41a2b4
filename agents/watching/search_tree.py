"""What a search looked at, copied at one moment so that it can be drawn while the search goes on."""

from dataclasses import dataclass, replace

import numpy as np

from agents.players import Player
from agents.search import mcts_tree
from agents.search.mcts import MCTSPlayer
from agents.search.mcts_tree import UNPROVEN, Forest
from agents.watching.deferred import built
from envs.boards.game import Position

LEAVES_MAX, DEPTH_MAX = 120, 5
CHILDREN_MAX = 6  # of a node below the root


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A move in the tree; values are for the side that makes it, in [-1, 1]."""

    action: int
    visits: int
    value: float | None  # None: not visited
    prior: float
    proven: bool
    parent: int | None  # index in the tree; None: the root
    depth: int  # 1 for moves of the root
    is_line: bool  # of the line that the search would play


@dataclass(frozen=True, slots=True)
class SearchTree:
    """The most visited part of a tree: each node comes after its parent."""

    simulations: int
    nodes: tuple[Node, ...]


def tree_of(player: Player | None, position: Position) -> SearchTree | None:
    """The tree of a player that searches `position` now or has just done so; None where there is none.

    May be called while the search runs in another thread: the numbers are then those of about one moment.
    """
    searcher = built(player)
    if not isinstance(searcher, MCTSPlayer) or (grown := searcher.shown_tree()) is None:
        return None
    forest, slot = grown
    if not np.array_equal(forest.roots[slot], position.game.pack(position.state)):
        return None
    return _copied(forest, slot, searcher.shown_choice())


def pruned(tree: SearchTree, leaves_max: int) -> SearchTree:
    """The most visited part with at most so many leaves."""
    kept: set[int] = set()
    children: dict[int | None, int] = {}
    leaves = 0
    for index in sorted(range(len(tree.nodes)), key=lambda i: (-tree.nodes[i].visits, i)):
        node = tree.nodes[index]
        if node.parent is not None and node.parent not in kept:
            continue
        splits = children.get(node.parent, 0) > 0 or node.parent is None
        if leaves + splits > leaves_max:
            continue
        leaves += splits
        children[node.parent] = children.get(node.parent, 0) + 1
        kept.add(index)
    order = {index: place for place, index in enumerate(sorted(kept))}
    return SearchTree(
        tree.simulations,
        tuple(
            replace(node, parent=None if node.parent is None else order[node.parent])
            for node in (tree.nodes[index] for index in sorted(kept))
        ),
    )


def _copied(forest: Forest, slot: int, chosen: int) -> SearchTree:
    nodes: list[Node] = []
    places: dict[int, int | None] = {0: None}  # index in the forest -> index here
    waiting = [(0, 0, True)]  # in the forest: a node, its depth, whether it is in the line
    leaves = 1
    while waiting and leaves < LEAVES_MAX:
        waiting.sort(key=lambda item: -int(forest.visits[slot, item[0]]))  # most visited first
        index, depth, in_line = waiting.pop(0)
        first = int(forest.first_child[slot, index])
        children = range(first, first + int(forest.num_children[slot, index]))
        best = chosen if index == 0 else int(mcts_tree.best_child(forest, slot, index)) if in_line else -1
        visited = [child for child in children if forest.visits[slot, child] > 0 or index == 0]
        shown = sorted(visited, key=lambda child: -int(forest.visits[slot, child]))
        shown = shown if index == 0 else shown[:CHILDREN_MAX]
        leaves += max(0, len(shown) - 1)
        for child in shown:
            places[child] = len(nodes)
            nodes.append(_node(forest, slot, child, places[index], depth + 1, in_line and child == best))
            if depth + 1 < DEPTH_MAX:
                waiting.append((child, depth + 1, in_line and child == best))
    return SearchTree(int(forest.visits[slot, 0]) - 1, tuple(nodes))


def _node(forest: Forest, slot: int, index: int, parent: int | None, depth: int, is_line: bool) -> Node:
    visits, proof = int(forest.visits[slot, index]), forest.proven[slot, index]
    value = float(forest.value_sum[slot, index]) / visits if visits else None
    return Node(
        action=int(forest.action[slot, index]),
        visits=visits,
        value=float(proof) if proof != UNPROVEN else value,
        prior=float(forest.prior[slot, index]),
        proven=bool(proof != UNPROVEN),
        parent=parent,
        depth=depth,
        is_line=is_line,
    )
