"""The trees of Monte-Carlo tree search: a forest of equal slots, grown, proven and pruned by kernels.

A tree is a slot of a `Forest`, a structure of arrays: node 0 is the root, the children of a node are
neighbours, and a child always has a higher index than its parent. A node *is* the edge that leads to it:
visits, value sum, prior and proof are seen from the side that chose it, so that a parent simply takes the
largest. States are not kept; a descent replays them.

- Selection is PUCT (Silver et al. 2018, Science 362:1140, supplement): Q + c(N) P sqrt(N) / (1 + n), with
  c(N) = c_init + log((1 + N + c_base) / c_base). An unvisited child is first taken for a little worse than
  its parent.
- A proven node has an exact value (MCTS-solver, Winands et al. 2008): a child known to win proves its
  parent; so does the
  best child once all are known. Lost children are not visited again. An expansion looks one ply ahead for
  finished games.
- Descents in flight count as visits that lost (virtual loss), until their value has been backed up.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, popcount, without_lowest
from envs.boards.dispatch import generic, inner_kernel, kernel

Index: TypeAlias = int | np.integer[Any]  # of a tree, a node or an action

UNPROVEN = np.int8(2)  # outside the values -1, 0, 1 of proven nodes
NO_NODE = np.int32(-1)


class Forest(NamedTuple):
    """T trees of at most N nodes. Values are for the side that chose the node; of the root: its opponent."""

    size: NDArray[np.int32]  # [T] nodes in use
    roots: NDArray[np.uint64]  # [T, 2] packed state of the root
    parent: NDArray[np.int32]  # [T, N] NO_NODE for the root
    first_child: NDArray[np.int32]  # [T, N] 0: not expanded
    num_children: NDArray[np.int16]  # [T, N]
    action: NDArray[np.int16]  # [T, N] the action that leads here
    prior: NDArray[np.float32]  # [T, N]
    visits: NDArray[np.int32]  # [T, N] of the root: one for itself and one for each simulation
    in_flight: NDArray[np.int32]  # [T, N] descents that wait for their value
    value_sum: NDArray[np.float64]  # [T, N] over the visits
    proven: NDArray[np.int8]  # [T, N] exact value, or UNPROVEN


class Puct(NamedTuple):
    """The constants of selection."""

    c_init: float = 1.25  # Silver et al. 2018
    c_base: float = 19652.0  # Silver et al. 2018
    fpu_reduction: float = 0.2  # an unvisited child: parent's worth - this * sqrt(visited prior) (Wu 2019)


Rule: TypeAlias = Any  # a NamedTuple; its class tells how moves are selected: Puct, or one from elsewhere


@generic
def select(rule: Rule, forest: Forest, tree: Index, node: Index) -> Index:
    """The child of an expanded, unproven node to look at next."""
    raise NotImplementedError


@generic
def choice(rule: Rule, forest: Forest, tree: Index) -> Index:
    """The child of the root to play; -1 where the root is not expanded."""
    raise NotImplementedError


def new_forest(trees: int, nodes: int) -> Forest:
    """A forest of empty slots; `plant` them before use. Memory is taken as nodes are added."""
    shape = (trees, nodes)
    return Forest(
        size=np.zeros(trees, np.int32),
        roots=np.zeros((trees, 2), np.uint64),
        parent=np.empty(shape, np.int32),
        first_child=np.empty(shape, np.int32),
        num_children=np.empty(shape, np.int16),
        action=np.empty(shape, np.int16),
        prior=np.empty(shape, np.float32),
        visits=np.empty(shape, np.int32),
        in_flight=np.empty(shape, np.int32),
        value_sum=np.empty(shape, np.float64),
        proven=np.empty(shape, np.int8),
    )


def enlarged(forest: Forest, trees: int, nodes: int) -> Forest:
    """The same trees in the first slots of a forest with more slots or more nodes for each."""
    result = new_forest(trees, nodes)
    _copy_trees(forest, result)
    return result


@kernel
def _copy_trees(forest: Forest, result: Forest) -> None:
    for tree in range(len(forest.size)):
        result.size[tree] = forest.size[tree]
        result.roots[tree] = forest.roots[tree]
        for node in range(forest.size[tree]):
            result.parent[tree, node] = forest.parent[tree, node]
            _copy_node(forest, tree, node, result, node)


@kernel
def plant(forest: Forest, tree: Index, first: np.uint64, second: np.uint64) -> None:
    """Make slot `tree` a lone root with that packed state."""
    forest.roots[tree, 0] = first
    forest.roots[tree, 1] = second
    forest.size[tree] = 0
    _add_node(forest, tree, NO_NODE, rules.PASS, UNPROVEN)


@inner_kernel
def descend(forest: Forest, tree: Index, like: rules.State, rule: Rule) -> tuple[Index, rules.State]:
    """Walk from the root to a node without a visit or with a proof, putting each node on the way in flight.

    Returns: the node and its state.
    """
    node: Index = 0
    state = rules.rebuild(like, forest.roots[tree, 0], forest.roots[tree, 1])
    forest.in_flight[tree, node] += 1
    while forest.visits[tree, node] > 0 and forest.proven[tree, node] == UNPROVEN:
        node = select(rule, forest, tree, node)
        state = rules.play(state, forest.action[tree, node])
        forest.in_flight[tree, node] += 1
    return node, state


@select.register(Puct)
@kernel
def _select(rule: Puct, forest: Forest, tree: Index, node: Index) -> Index:
    return puct_child(rule, forest, tree, node)


@choice.register(Puct)
@kernel
def _choice(rule: Puct, forest: Forest, tree: Index) -> Index:
    return best_child(forest, tree, 0)


@inner_kernel
def puct_child(puct: Puct, forest: Forest, tree: Index, node: Index) -> Index:
    """The child of an expanded, unproven node that PUCT wants to look at next."""
    first = np.int64(forest.first_child[tree, node])
    total = forest.visits[tree, node] + forest.in_flight[tree, node] - 1  # this descent does not count itself
    weight = (puct.c_init + np.log((1.0 + total + puct.c_base) / puct.c_base)) * np.sqrt(np.float64(total))
    best, fresh = -1, -1
    best_urgency, fresh_prior, tried_prior = -np.inf, -1.0, 0.0
    for child in range(first, first + forest.num_children[tree, node]):
        proof = forest.proven[tree, child]
        if proof == -1:
            continue
        prior = np.float64(forest.prior[tree, child])
        flying = forest.in_flight[tree, child]
        count = forest.visits[tree, child] + flying
        if count == 0 and proof == UNPROVEN:
            if prior > fresh_prior:
                fresh, fresh_prior = child, prior
            continue
        tried_prior += prior
        worth = 0.0 if proof == 0 else (forest.value_sum[tree, child] - flying) / count
        urgency = worth + weight * prior / (1 + count)
        if urgency > best_urgency:
            best, best_urgency = child, urgency
    if fresh >= 0:
        own = -forest.value_sum[tree, node] / forest.visits[tree, node]
        first_urgency = own - puct.fpu_reduction * np.sqrt(tried_prior) + weight * fresh_prior
        if first_urgency > best_urgency:
            best = fresh
    return best


@inner_kernel
def undo_descent(forest: Forest, tree: Index, node: Index) -> None:
    """Take the path to `node` out of flight again, as if the descent had not been."""
    while node != NO_NODE:
        forest.in_flight[tree, node] -= 1
        node = np.int64(forest.parent[tree, node])


@inner_kernel
def has_room(forest: Forest, tree: Index, state: rules.State) -> bool:
    """Whether the children of an unfinished state still fit into the slot."""
    return bool(forest.size[tree] + max(1, popcount(rules.legal_moves(state))) <= forest.parent.shape[1])


@inner_kernel
def expand(forest: Forest, tree: Index, node: Index, state: rules.State) -> None:
    """Give a node its children, priors 0; finished ones are proven, and with them perhaps the node itself.

    The slot must have room.
    """
    forest.first_child[tree, node] = forest.size[tree]
    moves = rules.legal_moves(state)
    if moves == ZERO:
        _add_child(forest, tree, node, state, rules.PASS)
    while moves != ZERO:
        _add_child(forest, tree, node, state, lowest_index(moves))
        moves = without_lowest(moves)
    _settle(forest, tree, node)


@inner_kernel
def _add_child(forest: Forest, tree: Index, node: Index, state: rules.State, action: Index) -> None:
    after = rules.play(state, action)
    proof = np.int8(-rules.outcome(after)) if rules.is_over(after) else UNPROVEN
    _add_node(forest, tree, node, action, proof)
    forest.num_children[tree, node] += 1


@inner_kernel
def _add_node(forest: Forest, tree: Index, parent: Index, action: Index, proof: np.int8) -> None:
    node = forest.size[tree]
    forest.parent[tree, node] = parent
    forest.first_child[tree, node] = 0
    forest.num_children[tree, node] = 0
    forest.action[tree, node] = action
    forest.prior[tree, node] = 0.0
    forest.visits[tree, node] = 0
    forest.in_flight[tree, node] = 0
    forest.value_sum[tree, node] = 0.0
    forest.proven[tree, node] = proof
    forest.size[tree] = node + 1


@inner_kernel
def _settle(forest: Forest, tree: Index, node: Index) -> bool:
    """Prove an expanded node where its children allow it; whether it is proven."""
    first = np.int64(forest.first_child[tree, node])
    best, all_proven = np.int8(-1), True
    for child in range(first, first + forest.num_children[tree, node]):
        proof = forest.proven[tree, child]
        if proof == UNPROVEN:
            all_proven = False
        elif proof > best:
            best = proof
    if best == 1 or all_proven:
        forest.proven[tree, node] = -best
        return True
    return False


@inner_kernel
def back_up(forest: Forest, tree: Index, node: Index, value: float) -> None:
    """End the descent to `node`: count it on the whole path, and prove what follows from a proven node.

    Args:
        value: for the side to move in `node`; where the node is proven, its proof is taken instead.
    """
    proving = forest.proven[tree, node] != UNPROVEN
    value = -value
    while True:
        if proving:
            value = np.float64(forest.proven[tree, node])
        forest.visits[tree, node] += 1
        forest.in_flight[tree, node] -= 1
        forest.value_sum[tree, node] += value
        node = np.int64(forest.parent[tree, node])
        if node == NO_NODE:
            return
        value = -value
        proving = proving and _settle(forest, tree, node)


@kernel
def reroot(forest: Forest, tree: Index, like: rules.State, action: Index) -> bool:
    """Play `action` at the root and keep only the tree below it, with its counts, in the same slot.

    No descent may be in flight. Returns: False, with the slot unchanged, where the root has no such child.
    """
    root = -1
    first = np.int64(forest.first_child[tree, 0])
    for child in range(first, first + forest.num_children[tree, 0]):
        if forest.action[tree, child] == action:
            root = child
    if root < 0:
        return False
    state = rules.play(rules.rebuild(like, forest.roots[tree, 0], forest.roots[tree, 1]), action)
    forest.roots[tree, 0] = state[0]
    forest.roots[tree, 1] = state[1]
    _compact(forest, tree, root)
    return True


@kernel
def _compact(forest: Forest, tree: Index, root: Index) -> None:
    """Move the nodes below `root` to the front, in order, so that none is overwritten before it is read."""
    size = np.int64(forest.size[tree])
    moved = np.full(size, NO_NODE, np.int32)
    moved[root] = 0
    _copy_node(forest, tree, root, forest, 0)
    forest.parent[tree, 0] = NO_NODE
    kept = 1
    for node in range(root + 1, size):
        parent = moved[forest.parent[tree, node]]
        if parent == NO_NODE:
            continue
        if forest.first_child[tree, parent] == node:
            forest.first_child[tree, parent] = kept
        _copy_node(forest, tree, node, forest, kept)
        forest.parent[tree, kept] = parent
        moved[node] = kept
        kept += 1
    forest.size[tree] = kept


@inner_kernel
def _copy_node(forest: Forest, tree: Index, source: Index, result: Forest, target: Index) -> None:
    """All but the parent, into the same slot of `result`."""
    result.first_child[tree, target] = forest.first_child[tree, source]
    result.num_children[tree, target] = forest.num_children[tree, source]
    result.action[tree, target] = forest.action[tree, source]
    result.prior[tree, target] = forest.prior[tree, source]
    result.visits[tree, target] = forest.visits[tree, source]
    result.in_flight[tree, target] = forest.in_flight[tree, source]
    result.value_sum[tree, target] = forest.value_sum[tree, source]
    result.proven[tree, target] = forest.proven[tree, source]


@kernel
def mix_root_priors(forest: Forest, tree: Index, noise: NDArray[np.float64], fraction: float) -> None:
    """Blend the priors of an expanded root with `noise` [A], scaled to sum to 1 over the legal actions.

    Independent gamma(alpha) draws make it Dirichlet(alpha) noise (Silver et al. 2018: fraction 0.25).
    """
    first = np.int64(forest.first_child[tree, 0])
    after = first + forest.num_children[tree, 0]
    total = 0.0
    for child in range(first, after):
        total += noise[forest.action[tree, child]]
    if total <= 0.0:
        return  # every draw underflowed
    for child in range(first, after):
        share = noise[forest.action[tree, child]] / total
        forest.prior[tree, child] = (1.0 - fraction) * forest.prior[tree, child] + fraction * share


@kernel
def best_child(forest: Forest, tree: Index, node: Index) -> Index:
    """The child to play: of a proven node a best one, else the most visited not lost; priors break ties.

    Returns: the node index, or -1 where `node` is not expanded.
    """
    first = np.int64(forest.first_child[tree, node])
    best, best_merit = -1, -np.inf
    for child in range(first, first + forest.num_children[tree, node]):
        proof = forest.proven[tree, child]
        merit = forest.visits[tree, child] + 0.5 * forest.prior[tree, child]
        if proof == -1:
            merit -= 1e12
        elif forest.proven[tree, node] != UNPROVEN and proof == -forest.proven[tree, node]:
            merit += 1e12
        if merit > best_merit:
            best, best_merit = child, merit
    return best
