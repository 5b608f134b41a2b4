"""The compiled trees against a search of objects and recursion, written here from the formulas alone."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from agents.search import mcts_rounds, mcts_search, mcts_tree
from agents.search.clock import NEVER, now_ns
from agents.search.exact_endings import NO_ENDINGS
from agents.search.limits import StopFlag
from agents.search.mcts_rounds import Stop
from agents.search.mcts_search import FOREVER, TreeSearch
from agents.search.mcts_tree import Puct, new_forest
from agents.values.handcrafted import HandcraftedValue
from envs.boards import rules
from envs.boards.bits import mixed
from envs.boards.game import GAMES, Game, Position, game

PUCT = Puct(c_init=1.7, c_base=50.0, fpu_reduction=0.3)  # a small base, so that c(N) visibly grows


class Hashed:
    """Values and priors from a hash of the state: any function will do."""

    name, kernel = "hashed", None

    def __init__(self, board_game: Game) -> None:
        self.game = board_game

    def judge(self, words: Any) -> tuple[float, np.ndarray]:
        seed = int(mixed(np.uint64(words[0]) ^ mixed(np.uint64(words[1]))))
        rng = np.random.default_rng(seed)
        priors = rng.random(self.game.num_actions).astype(np.float32)
        priors[~self.game.legal_mask(self.game.state(np.array(words, np.uint64)))] = 0
        return float(np.float32(rng.uniform(-0.9, 0.9))), priors / priors.sum()

    def values(self, states: Any) -> Any:
        return self.evaluate(states)[0]

    def evaluate(self, states: Any) -> tuple[Any, Any]:
        judged = [self.judge(row) for row in states]
        return np.array([value for value, _ in judged], np.float32), np.array(
            [priors for _, priors in judged]
        )


@dataclass
class Node:
    """A position in the search; `proof` is for the side to move."""

    state: Any
    prior: float = 0.0
    visits: int = 0
    total: float = 0.0  # for the side to move
    proof: int | None = None
    children: dict[int, "Node"] = field(default_factory=dict)


def simulate(node: Node, judge: Hashed) -> float:
    """One descent; returns the value for the side to move at `node`."""
    if node.proof is None:
        value = expand(node, judge) if not node.children else -simulate(choose(node), judge)
        settle(node)
    if node.proof is not None:
        value = float(node.proof)
    node.visits += 1
    node.total += value
    return value


def expand(node: Node, judge: Hashed) -> float:
    value, priors = judge.judge(node.state)
    for action in judge.game.legal(node.state):
        child = Node(rules.play(node.state, action), float(priors[action]))
        if rules.is_over(child.state):
            child.proof = int(rules.outcome(child.state))
        node.children[action] = child
    return value


def settle(node: Node) -> None:
    proofs = [None if child.proof is None else -child.proof for child in node.children.values()]
    if 1 in proofs:
        node.proof = 1
    elif None not in proofs:
        node.proof = max(proof for proof in proofs if proof is not None)


def choose(node: Node) -> Node:
    tried = sum(child.visits for child in node.children.values())
    total = tried + 1
    rate = PUCT.c_init + math.log((1 + total + PUCT.c_base) / PUCT.c_base)
    seen = sum(child.prior for child in node.children.values() if child.visits and child.proof != 1)
    seen += sum(child.prior for child in node.children.values() if not child.visits and child.proof == 0)

    def urgency(child: Node) -> float:
        if child.proof == 1:
            return -math.inf
        if child.proof == 0:
            worth = 0.0
        elif child.visits:
            worth = -child.total / child.visits
        else:
            worth = node.total / node.visits - PUCT.fpu_reduction * math.sqrt(seen)
        return worth + rate * math.sqrt(total) * child.prior / (1 + child.visits)

    return max(node.children.values(), key=urgency)


def oracle_visits(position: Position, judge: Hashed, simulations: int) -> tuple[list[int], int | None]:
    root = Node(position.state)
    while root.visits <= simulations and root.proof is None:
        simulate(root, judge)
    visits = [0] * position.game.num_actions
    for action, child in root.children.items():
        visits[action] = child.visits
    return visits, root.proof


def searched(position: Position, judge: Hashed, simulations: int) -> TreeSearch:
    search = TreeSearch(position.game, judge, rule=PUCT)
    search.plant(0, position.game.pack(position.state))
    slots, wanted = np.zeros(1, np.int32), np.full(1, simulations, np.int32)
    while search.round(slots, wanted):
        pass
    return search


def root_visits(search: TreeSearch) -> list[int]:
    forest = search.forest
    visits = [0] * search.game.num_actions
    for child in range(1, 1 + forest.num_children[0, 0]):
        visits[forest.action[0, child]] = int(forest.visits[0, child])
    return visits


@pytest.mark.parametrize("name", GAMES)
def test_visits_and_proofs_are_those_of_the_formulas(name: str) -> None:
    board_game = game(name)
    judge = Hashed(board_game)
    rng = np.random.default_rng(0)
    proofs = compared = 0
    while compared < 25:
        position = board_game.start()
        for _ in range(int(rng.integers(0, 8 if name == "tic_tac_toe" else 34))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if position.is_over:
            continue
        compared += 1
        search = searched(position, judge, 150)
        visits, proof = oracle_visits(position, judge, 150)
        assert root_visits(search) == visits, position.text()
        found = int(search.forest.proven[0, 0])
        assert (None if found == mcts_tree.UNPROVEN else -found) == proof
        proofs += proof is not None
    assert proofs > 0 or name == "othello"


def test_a_larger_forest_holds_the_same_trees() -> None:
    board_game = game("connect_four")
    search = searched(board_game.start(), Hashed(board_game), 80)
    larger = mcts_tree.enlarged(search.forest, 3, search.forest.parent.shape[1] + 100)
    used = int(search.forest.size[0])
    assert larger.parent.shape == (3, search.forest.parent.shape[1] + 100)
    for before, after in zip(search.forest[2:], larger[2:], strict=True):
        np.testing.assert_array_equal(before[0, :used], after[0, :used])
    assert larger.size.tolist() == [used, 0, 0]


def test_a_tree_grows_beyond_its_first_room() -> None:
    board_game = game("connect_four")
    search = searched(board_game.start(), Hashed(board_game), 400)
    assert search.forest.parent.shape[1] > 512
    assert sum(root_visits(search)) == 400


def test_rerooting_keeps_every_node_below_the_move_and_no_other() -> None:
    board_game = game("connect_four")
    search = searched(board_game.position("44"), Hashed(board_game), 300)
    forest = search.forest

    def subtree(node: int) -> tuple[Any, ...]:
        first = int(forest.first_child[0, node])
        children = range(first, first + int(forest.num_children[0, node]))
        facts = (
            forest.visits[0, node],
            forest.value_sum[0, node],
            forest.prior[0, node],
            forest.proven[0, node],
        )
        return (*map(float, facts), tuple((int(forest.action[0, c]), subtree(c)) for c in children))

    def nodes(tree: tuple[Any, ...]) -> int:
        return 1 + sum(nodes(child) for _, child in tree[-1])

    child = next(c for c in range(1, 8) if forest.action[0, c] == 2)
    before = subtree(child)
    assert mcts_tree.reroot(forest, 0, board_game.initial, 2)
    assert subtree(0) == before
    assert int(forest.size[0]) == nodes(before)
    assert forest.parent[0, 0] == mcts_tree.NO_NODE
    np.testing.assert_array_equal(forest.roots[0], board_game.pack(board_game.position("443").state))


def test_a_move_that_the_root_does_not_have_changes_nothing() -> None:
    board_game = game("connect_four")
    forest = new_forest(1, 50)
    mcts_tree.plant(forest, 0, *board_game.pack(board_game.initial))
    assert not mcts_tree.reroot(forest, 0, board_game.initial, 3)
    np.testing.assert_array_equal(forest.roots[0], board_game.pack(board_game.initial))


def test_noise_is_blended_over_legal_moves_and_sums_to_one() -> None:
    board_game = game("connect_four")
    search = searched(board_game.position("444444"), Hashed(board_game), 0)
    before = search.forest.prior[0, 1:7].copy()
    noise = np.arange(7, dtype=np.float64)
    mcts_tree.mix_root_priors(search.forest, 0, noise, 0.25)
    after = search.forest.prior[0, 1:7]
    legal_noise = np.array([0, 1, 2, 4, 5, 6]) / 18  # column 4 is full
    np.testing.assert_allclose(after, 0.75 * before + 0.25 * legal_noise, atol=1e-6)
    assert after.sum() == pytest.approx(1, abs=1e-6)


def test_descents_in_flight_count_as_losses_and_lead_to_different_leaves() -> None:
    board_game = game("connect_four")
    search = searched(board_game.start(), Hashed(board_game), 200)
    forest, leaves = search.forest, mcts_rounds.new_leaves(8)
    slots, wanted = np.zeros(1, np.int32), np.full(1, 10**6, np.int32)
    count, full = mcts_rounds.gather(
        forest, board_game.initial, PUCT, NO_ENDINGS, slots, wanted, 8, leaves, FOREVER
    )
    assert (count, full) == (8, False)
    assert len(set(leaves.nodes.tolist())) == 8
    assert forest.in_flight[0, 0] == 8
    assert forest.in_flight[0, 1:8].sum() == 8
    assert forest.in_flight[0, leaves.nodes].tolist() == [1] * 8
    assert len({int(leaves.states[i, 1]) for i in range(8)}) > 1
    values, priors = search.value.evaluate(leaves.states)
    mcts_rounds.receive(forest, leaves, count, values, priors)
    assert not forest.in_flight[0, : forest.size[0]].any()
    assert sum(root_visits(search)) == 208


def test_a_leaf_that_is_waited_for_is_not_taken_twice() -> None:
    board_game = game("connect_four")
    search = searched(board_game.start(), Hashed(board_game), 0)
    search.plant(0, board_game.pack(board_game.initial))
    slots, wanted = np.zeros(1, np.int32), np.full(1, 100, np.int32)
    leaves = mcts_rounds.new_leaves(8)
    count, _ = mcts_rounds.gather(
        search.forest, board_game.initial, PUCT, NO_ENDINGS, slots, wanted, 8, leaves, FOREVER
    )
    assert count == 1  # the root itself: nothing can be chosen before it has priors
    assert search.forest.in_flight[0, 0] == 1


@pytest.mark.parametrize("value", [Hashed, HandcraftedValue])
def test_a_stop_is_heard_among_proven_nodes(value: Any) -> None:
    """A proven draw beside a move that hardly any rule looks at: descents without a leaf, for very long."""
    board_game = game("connect_four")
    search = TreeSearch(board_game, value(board_game))
    search.plant(0, board_game.pack(board_game.initial))
    slots, wanted, stop = np.zeros(1, np.int32), np.full(1, 2**30, np.int32), StopFlag()
    stop.set()
    until = Stop(stop.byte, NEVER)
    search.run(slots, wanted, until)  # its first leaf
    forest = search.forest
    children = slice(1, 8)
    forest.proven[0, children] = -1  # lost for the side to move
    forest.proven[0, 1], forest.proven[0, 2] = 0, mcts_tree.UNPROVEN
    forest.prior[0, children] = [1 - 1e-6, 1e-6, 0, 0, 0, 0, 0]
    began = time.perf_counter()
    search.run(slots, wanted, until)
    assert time.perf_counter() - began < 0.5
    assert forest.visits[0, 0] <= 3


def test_a_deadline_that_has_passed_leaves_one_leaf() -> None:
    board_game = game("connect_four")
    search = TreeSearch(board_game, HandcraftedValue(board_game))
    assert search.in_kernel
    search.plant(0, board_game.pack(board_game.initial))
    search.run(np.zeros(1, np.int32), np.full(1, 1000, np.int32), Stop(StopFlag().byte, now_ns()))
    assert search.forest.visits[0, 0] == 1


def test_no_round_is_begun_that_would_end_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    board_game = game("connect_four")
    clock, durations = [0], iter([20, 50, 20, 20])  # the second is held up

    class Slow(Hashed):
        def evaluate(self, states: Any) -> tuple[Any, Any]:
            clock[0] += next(durations)
            return super().evaluate(states)

    monkeypatch.setattr(mcts_search, "now_ns", lambda: clock[0])
    search = TreeSearch(board_game, Slow(board_game))
    search.plant(0, board_game.pack(board_game.initial))
    search.run(np.zeros(1, np.int32), np.full(1, 1000, np.int32), Stop(StopFlag().byte, 105))
    assert search.forest.visits[0, 0] == 3
