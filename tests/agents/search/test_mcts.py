"""Laws of the tree search as a player, with plain minimax and hand-made positions as oracles."""

import functools
import threading
import time
from typing import Any, NamedTuple

import numpy as np
import pytest

from agents.search.mcts import MCTSPlayer, RootNoise
from agents.search.mcts_tree import Puct
from agents.values.handcrafted import HandcraftedValue
from agents.values.rollout import RolloutValue
from agents.values.value import KernelValue, score
from envs.boards import rules
from envs.boards.bits import mixed
from envs.boards.dispatch import kernel
from envs.boards.game import GAMES, Game, Position, game

_WORD = np.uint64(1023)


class Arbitrary(NamedTuple):
    """A value without sense, so that nothing helps the search by accident."""

    offset: int = 511


@score.register(Arbitrary)
@kernel
def _arbitrary(value: Arbitrary, state: Any) -> int:
    return int(mixed(state[0] ^ mixed(state[1])) & _WORD) - value.offset


class BatchedOnly:
    """The batched form of a value alone, as a torch network has it; counts what it is asked."""

    kernel = None

    def __init__(self, value: KernelValue) -> None:
        self.name, self.game, self._value = value.name, value.game, value
        self.batches: list[int] = []

    def values(self, states: Any) -> Any:
        return self._value.values(states)

    def evaluate(self, states: Any) -> Any:
        self.batches.append(len(states))
        return self._value.values(states), None


def arbitrary(board_game: Game) -> KernelValue:
    return KernelValue("arbitrary", board_game, Arbitrary())


def some_positions(board_game: Game, count: int, seed: int = 0) -> list[Position]:
    rng = np.random.default_rng(seed)
    found: list[Position] = []
    while len(found) < count:
        position = board_game.start()
        for _ in range(int(rng.integers(0, 12))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if not position.is_over:
            found.append(position)
    return found


@functools.cache
def minimax(state: Any) -> int:
    if rules.is_over(state):
        return int(rules.outcome(state))
    return max(-minimax(rules.play(state, action)) for action in game("tic_tac_toe").legal(state))


@pytest.mark.parametrize("name", GAMES)
def test_visits_sum_to_the_simulations_and_go_to_legal_moves_alone(name: str) -> None:
    board_game = game(name)
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=123)
    for position in some_positions(board_game, 12):
        decision = player.choose(position)
        assert decision.visits is not None
        assert decision.policy is not None
        illegal = ~board_game.legal_mask(position.state)
        assert not decision.visits[illegal].any()
        assert not decision.policy[illegal].any()
        assert decision.policy.sum() == pytest.approx(1)
        assert decision.action in position.legal()
        if not decision.statistics["proven"]:
            assert decision.visits.sum() == 123
            assert decision.statistics["simulations"] == 123


@pytest.mark.parametrize("name", GAMES)
def test_both_forms_of_a_value_give_the_same_visits(name: str) -> None:
    board_game = game(name)
    value = arbitrary(board_game)
    for temperature in (0.0, 0.3):
        compiled = MCTSPlayer("compiled", board_game, value, simulations=150, temperature=temperature)
        batched = MCTSPlayer(
            "batched", board_game, BatchedOnly(value), simulations=150, temperature=temperature
        )
        for position in some_positions(board_game, 5):
            ours, theirs = compiled.choose(position), batched.choose(position)
            np.testing.assert_array_equal(ours.visits, theirs.visits)
            assert ours.principal_variation == theirs.principal_variation
            assert ours.value == pytest.approx(theirs.value, abs=1e-6)


@pytest.mark.parametrize("name", GAMES)
def test_lock_step_equals_one_by_one(name: str) -> None:
    board_game = game(name)
    by_moves = {position.moves: position for position in some_positions(board_game, 150)}
    positions = [position for moves, position in by_moves.items() if len(moves) == 3]  # none below another
    noise = RootNoise()
    value = BatchedOnly(arbitrary(board_game))
    together = MCTSPlayer("together", board_game, value, simulations=60, noise=noise, seed=3)
    alone = MCTSPlayer("alone", board_game, value, simulations=60, noise=noise, seed=3)
    for ours, position in zip(together.choose_many(positions), positions, strict=True):
        theirs = alone.choose(position)
        np.testing.assert_array_equal(ours.visits, theirs.visits)
        assert ours.action == theirs.action
    assert max(value.batches) > len(positions) // 2


def test_every_proof_in_tic_tac_toe_is_the_minimax_value() -> None:
    board_game = game("tic_tac_toe")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=400)
    proofs = 0
    for position in some_positions(board_game, 300):
        decision = player.choose(position)
        if decision.statistics["proven"]:
            proofs += 1
            assert decision.value == minimax(position.state), position.text()
            assert -minimax(rules.play(position.state, decision.action)) == decision.value
    assert proofs > 150


def test_tic_tac_toe_is_a_proven_draw() -> None:
    board_game = game("tic_tac_toe")
    curious = Puct(c_init=30.0)  # a proof needs every defence to be looked at
    value = HandcraftedValue(board_game)
    player = MCTSPlayer("mcts", board_game, value, simulations=3_000_000, puct=curious, temperature=0.0)
    decision = player.choose(board_game.start())
    assert decision.value == 0
    assert decision.statistics["simulations"] < 3_000_000


def test_a_forced_win_in_three_plies_is_proven_and_played() -> None:
    # The first player has d1 e1 with both ends open: c1 or f1 makes two threats at once.
    board_game = game("connect_four")
    position = board_game.position("4455")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=5_000)
    decision = player.choose(position)
    assert decision.value == 1
    assert decision.action in (2, 5)


def test_a_win_at_once_needs_no_simulation_and_an_only_defence_is_found() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=300)
    at_once = player.choose(board_game.position("445566"))
    assert at_once.value == 1
    assert at_once.action in (2, 6)
    assert at_once.statistics["simulations"] == 0
    defence = player.choose(board_game.position("1223335"))  # no threat: any move
    assert defence.value not in (1, -1)
    must = player.choose(board_game.position("41424"))  # 4 4 4 stand: 4 is forced
    assert must.action == 3


def test_a_lost_position_is_proven_lost() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=5_000)
    decision = player.choose(board_game.position("445"))  # nothing is lost yet: both ends can be closed
    assert decision.value != -1
    lost = player.choose(board_game.position("44553"))  # c1 d1 e1 with b1 and f1 open
    assert lost.value == -1


def test_a_kept_tree_goes_on_with_the_counts_below_the_move() -> None:
    board_game = game("othello")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=400)
    first = player.choose(board_game.start())
    reply = first.principal_variation[1]
    forest, slot = player._search.forest, player._trees[()]
    child = next(c for c in range(1, 5) if forest.action[slot, c] == first.action)
    grandchildren = range(
        forest.first_child[slot, child], forest.first_child[slot, child] + forest.num_children[slot, child]
    )
    below = next(c for c in grandchildren if forest.action[slot, c] == reply)
    first_great = int(forest.first_child[slot, below])
    expected = forest.visits[slot, first_great : first_great + forest.num_children[slot, below]].copy()
    kept = int(forest.visits[slot, below])
    player._simulations = kept - 1  # nothing to add
    second = player.choose(board_game.start().play(first.action).play(reply))
    assert second.statistics["simulations"] == kept - 1 == expected.sum()
    assert second.visits is not None
    np.testing.assert_array_equal(np.sort(second.visits[second.visits > 0]), np.sort(expected[expected > 0]))


def test_the_trees_of_two_sets_of_games_that_take_turns_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a match, where a player is asked in turn about the games it began and those it did not."""
    board_game = game("othello")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=200)
    kept: list[int | None] = []
    look = player._kept_slot
    monkeypatch.setattr(player, "_kept_slot", lambda position: kept.append(look(position)) or kept[-1])
    games = [board_game.position("d3"), board_game.position("c4")]
    for turn in range(8):
        line = player.choose(games[turn % 2]).principal_variation
        games[turn % 2] = games[turn % 2].play(line[0]).play(line[1])
    assert kept[:2] == [None, None]
    assert set(kept[2:]) == {0, 1}
    assert player._search.num_slots == 2


def test_a_position_outside_the_kept_tree_starts_anew() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=50)
    fresh = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=50)
    player.choose(board_game.position("44"))
    here = board_game.position("12")
    np.testing.assert_array_equal(player.choose(here).visits, fresh.choose(here).visits)
    # The same history, another board: a position that was set up by hand.
    strange = Position(board_game, board_game.position("7766").state, here.moves, 0)
    fresh.reset(0)
    np.testing.assert_array_equal(player.choose(strange).visits, fresh.choose(strange).visits)


def test_noise_changes_the_search_only_where_it_is_asked_for() -> None:
    board_game = game("connect_four")
    plain = [
        MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=80, seed=seed).choose(
            board_game.start()
        )
        for seed in (0, 1)
    ]
    np.testing.assert_array_equal(plain[0].visits, plain[1].visits)
    noisy = [
        MCTSPlayer(
            "mcts", board_game, arbitrary(board_game), simulations=80, seed=seed, noise=RootNoise()
        ).choose(board_game.start())
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(noisy[0].visits, noisy[1].visits)
    assert (noisy[0].visits != noisy[2].visits).any()
    assert (noisy[0].visits != plain[0].visits).any()


def test_reset_repeats_a_rollout_player() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, RolloutValue(board_game), simulations=50)
    seen = []
    for seed in (5, 5, 6):
        player.reset(seed)
        seen.append(player.choose(board_game.start()).visits)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0] != seen[2]).any()


def test_several_leaves_of_a_tree_come_in_one_batch_and_all_are_counted() -> None:
    board_game = game("othello")
    value = BatchedOnly(arbitrary(board_game))
    player = MCTSPlayer("mcts", board_game, value, simulations=200, leaves_per_batch=8, temperature=0.0)
    decision = player.choose(board_game.position("d3c5"))
    assert decision.visits is not None
    assert decision.visits.sum() == 200
    assert max(value.batches) == 8
    assert len(value.batches) < 60
    slot = player._trees[board_game.position("d3c5").moves]
    forest = player._search.forest
    assert not forest.in_flight[slot, : forest.size[slot]].any()


def test_a_stop_from_another_thread_ends_the_search_with_a_move() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=10**8)
    player.choose(board_game.position("445566"))  # compiled
    timer = threading.Timer(0.2, player.stop)
    started = time.perf_counter()
    timer.start()
    decision = player.choose(board_game.start())
    assert time.perf_counter() - started < 2
    assert decision.action in range(7)


@pytest.mark.parametrize("form", ["compiled", "batched"])
def test_seconds_are_kept(form: str) -> None:
    board_game = game("connect_four")
    value: Any = arbitrary(board_game)
    player = MCTSPlayer("mcts", board_game, value if form == "compiled" else BatchedOnly(value), seconds=0.1)
    player.choose(board_game.start())
    started = time.perf_counter()
    player.choose_many([board_game.position("1"), board_game.position("2")])
    assert 0.19 < time.perf_counter() - started < 0.6


def test_lines_show_the_most_visited_moves_first() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=500)
    assert player.lines() == []
    decision = player.choose(board_game.start())
    lines = player.lines(3)
    assert [line.visits for line in lines] == sorted((line.visits for line in lines), reverse=True)
    assert lines[0].actions == decision.principal_variation
    assert lines[0].value == decision.value
    for line in lines:
        position = board_game.start()
        for action in line.actions:
            position = position.play(action)


def test_values_are_exact_where_proven_and_strictly_inside_elsewhere() -> None:
    board_game = game("connect_four")
    player = MCTSPlayer("mcts", board_game, RolloutValue(board_game), simulations=20)
    proofs = 0
    for position in some_positions(board_game, 60, seed=2):
        decision = player.choose(position)
        assert decision.value is not None
        if decision.statistics["proven"]:
            proofs += 1
            assert decision.value in (-1, 0, 1)
        else:
            assert -1 < decision.value < 1
    assert 0 < proofs < 60


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, "either simulations or seconds"),
        ({"simulations": 1, "seconds": 1.0}, "either simulations or seconds"),
        ({"simulations": 0}, "simulations must be in"),
        ({"seconds": 0.0}, "seconds must be positive"),
        ({"simulations": 5, "leaves_per_batch": 0}, "leaves_per_batch must be at least 1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any], told: str) -> None:
    board_game = game("connect_four")
    with pytest.raises(ValueError, match=told):
        MCTSPlayer("mcts", board_game, arbitrary(board_game), **limits)


def test_a_value_for_another_game_and_a_finished_game_are_refused() -> None:
    board_game = game("connect_four")
    with pytest.raises(ValueError, match="is for othello, not connect_four"):
        MCTSPlayer("mcts", board_game, arbitrary(game("othello")), simulations=1)
    player = MCTSPlayer("mcts", board_game, arbitrary(board_game), simulations=1)
    with pytest.raises(ValueError, match="mcts cannot move, the game is over"):
        player.choose(board_game.position("1212121"))
