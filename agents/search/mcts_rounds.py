"""Simulations in trees: gather leaves, value them, back the values up; the same steps for two kinds of value.

- *Batched*: `gather` brings the leaves of many trees (or several of one) together, a network values them in
  one call, and `receive` backs the answers up.
- *In-kernel*: `simulate` does it all inside one kernel, with priors proportional to exp(value of the child
  / temperature), or uniform.

A leaf that is decided needs no value, whether it is over, a known ending, or found to be won on expansion:
its proof is backed up on the spot and the tree descends again. So a round brings each tree exactly one leaf
to value until it has its simulations.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.clock import now_ns
from agents.search.exact_endings import Endings, ending_value
from agents.search.mcts_tree import (
    UNPROVEN,
    Forest,
    Index,
    Rule,
    back_up,
    descend,
    expand,
    has_room,
    undo_descent,
)
from agents.values.value import SCORE_SCALE, ValueKernel, score
from envs.boards import rules
from envs.boards.dispatch import inner_kernel, kernel

LEAF, NOTHING, FULL = 0, 1, 2  # what one descent came to


class Leaves(NamedTuple):
    """Room for the leaves of one round, at most L of them."""

    trees: NDArray[np.int32]  # [L] slot of each leaf
    nodes: NDArray[np.int32]  # [L]
    states: NDArray[np.uint64]  # [L, 2] packed


class Stop(NamedTuple):
    """When trees stop growing, whatever they lack."""

    byte: NDArray[np.uint8]  # [1] see agents.search.limits.StopFlag
    deadline: int  # ns; see agents.search.clock


@inner_kernel
def _must_stop(stop: Stop) -> bool:
    return bool(stop.byte[0] != 0 or now_ns() >= stop.deadline)


def new_leaves(count: int) -> Leaves:
    """Room for `count` leaves."""
    return Leaves(np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros((count, 2), np.uint64))


@kernel
def is_done(forest: Forest, tree: Index, simulations: int) -> bool:
    """Whether the tree is proven, or has (or waits for) that many simulations."""
    begun = forest.visits[tree, 0] + forest.in_flight[tree, 0]
    return bool(forest.proven[tree, 0] != UNPROVEN or begun > simulations)


@inner_kernel
def _next_leaf(
    forest: Forest,
    tree: Index,
    like: rules.State,
    rule: Rule,
    endings: Endings,
    simulations: int,
    stop: Stop,
) -> tuple[int, Index, rules.State]:
    """Descend until a leaf needs a value; it is expanded and in flight then.

    Returns: LEAF, NOTHING (the tree is done, waits for this very leaf, or was stopped among proven nodes) or
    FULL; the node; its state.
    """
    while not is_done(forest, tree, simulations):
        node, state = descend(forest, tree, like, rule)
        if forest.proven[tree, node] == UNPROVEN:
            if forest.first_child[tree, node] != 0:
                undo_descent(forest, tree, node)
                return NOTHING, node, state
            known = ending_value(endings, state)
            if known != UNPROVEN:
                forest.proven[tree, node] = -known
            elif not has_room(forest, tree, state):
                undo_descent(forest, tree, node)
                return FULL, node, state
            else:
                expand(forest, tree, node, state)
                if forest.proven[tree, node] == UNPROVEN:
                    return LEAF, node, state
        back_up(forest, tree, node, 0.0)
        if forest.visits[tree, 0] > 1 and _must_stop(stop):
            break
    return NOTHING, 0, like


@kernel
def gather(
    forest: Forest,
    like: rules.State,
    rule: Rule,
    endings: Endings,
    trees: NDArray[np.int32],
    simulations: NDArray[np.int32],
    leaves_per_tree: int,
    leaves: Leaves,
    stop: Stop,
) -> tuple[int, bool]:
    """Collect up to `leaves_per_tree` leaves of each tree.

    Args:
        trees: int32[B] slots; simulations: int32[B] how many each shall come to.
        stop: once it is time, no tree goes on among proven nodes, which may take long.
        leaves: written; room for B * leaves_per_tree.
    Returns: how many leaves there are, and whether a slot was too small to go on.
    """
    count = 0
    full = False
    for i in range(len(trees)):
        for _ in range(leaves_per_tree):
            found, node, state = _next_leaf(forest, trees[i], like, rule, endings, simulations[i], stop)
            full = full or found == FULL
            if found != LEAF:
                break
            leaves.trees[count] = trees[i]
            leaves.nodes[count] = node
            leaves.states[count, 0] = state[0]
            leaves.states[count, 1] = state[1]
            count += 1
    return count, full


@kernel
def receive(
    forest: Forest, leaves: Leaves, count: int, values: NDArray[np.float32], priors: NDArray[np.float32]
) -> None:
    """Give the first `count` leaves their priors [count, A] and back their values [count] up."""
    for i in range(count):
        tree, node = leaves.trees[i], np.int64(leaves.nodes[i])
        first = np.int64(forest.first_child[tree, node])
        for child in range(first, first + forest.num_children[tree, node]):
            forest.prior[tree, child] = priors[i, forest.action[tree, child]]
        back_up(forest, tree, node, np.float64(values[i]))


@kernel
def simulate(
    forest: Forest,
    tree: Index,
    like: rules.State,
    value: ValueKernel,
    rule: Rule,
    endings: Endings,
    temperature: float,
    simulations: int,
    stop: Stop,
) -> bool:
    """Run a tree up to `simulations`, or until it must stop, but at least one leaf.

    Args:
        temperature: of the priors over the values of the children; 0 makes them uniform.
    Returns: whether the slot was too small to go on.
    """
    while True:
        found, node, state = _next_leaf(forest, tree, like, rule, endings, simulations, stop)
        if found != LEAF:
            return bool(found == FULL)
        _set_priors(forest, tree, node, state, value, temperature)
        back_up(forest, tree, node, _estimate(value, state))
        if _must_stop(stop):
            return False


@inner_kernel
def _estimate(value: ValueKernel, state: rules.State) -> float:
    return np.float64(np.float32(np.tanh(score(value, state) / SCORE_SCALE)))  # as the batched form rounds it


@inner_kernel
def _set_priors(
    forest: Forest, tree: Index, node: Index, state: rules.State, value: ValueKernel, temperature: float
) -> None:
    first = np.int64(forest.first_child[tree, node])
    for child in range(first, first + forest.num_children[tree, node]):
        if temperature > 0.0 and forest.proven[tree, child] == UNPROVEN:
            after = rules.play(state, np.int64(forest.action[tree, child]))
            forest.prior[tree, child] = -_estimate(value, after)
    _soften(forest, tree, node, temperature)


@inner_kernel
def _soften(forest: Forest, tree: Index, node: Index, temperature: float) -> None:
    """Turn the values of the children of `node`, which stand in for their priors, into priors.

    Where a child is proven its proof counts instead.
    """
    first = np.int64(forest.first_child[tree, node])
    after = first + forest.num_children[tree, node]
    total = 0.0
    for child in range(first, after):
        proof = forest.proven[tree, child]
        worth = np.float64(forest.prior[tree, child] if proof == UNPROVEN else proof)
        forest.prior[tree, child] = np.exp(worth / temperature) if temperature > 0.0 else 1.0
        total += forest.prior[tree, child]
    for child in range(first, after):
        forest.prior[tree, child] /= total


@kernel
def open_children(
    forest: Forest,
    like: rules.State,
    leaves: Leaves,
    count: int,
    states: NDArray[np.uint64],
    places: NDArray[np.int32],
) -> int:
    """Collect the unproven children of the first `count` leaves, for a value without a policy.

    Args:
        states: written, uint64[M, 2]; places: written, int32[M, 2], leaf and action; M at least count * A.
    Returns: how many there are.
    """
    found = 0
    for i in range(count):
        tree, node = leaves.trees[i], np.int64(leaves.nodes[i])
        state = rules.rebuild(like, leaves.states[i, 0], leaves.states[i, 1])
        first = np.int64(forest.first_child[tree, node])
        for child in range(first, first + forest.num_children[tree, node]):
            if forest.proven[tree, child] == UNPROVEN:
                action = np.int64(forest.action[tree, child])
                after = rules.play(state, action)
                states[found, 0] = after[0]
                states[found, 1] = after[1]
                places[found, 0] = i
                places[found, 1] = action
                found += 1
    return found


@kernel
def soften(
    forest: Forest, leaves: Leaves, count: int, worth: NDArray[np.float32], temperature: float
) -> None:
    """Turn the values of children float32[count, A], for the side that chooses, into priors, in place."""
    for i in range(count):
        tree, node = leaves.trees[i], np.int64(leaves.nodes[i])
        first = np.int64(forest.first_child[tree, node])
        after = first + forest.num_children[tree, node]
        for child in range(first, after):
            forest.prior[tree, child] = worth[i, forest.action[tree, child]]
        _soften(forest, tree, node, temperature)
        for child in range(first, after):
            worth[i, forest.action[tree, child]] = forest.prior[tree, child]
