"""Matches: pairs, colours, repeatability, forfeits."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents.arena.match import MatchResult, play_match
from agents.players import BasePlayer, Decision, OutsideFailure, RandomPlayer
from envs.boards.game import GAMES, IllegalMove, Position, game

CONNECT_FOUR = game("connect_four")


class Leftmost(BasePlayer):
    """Always the lowest legal action."""

    def choose(self, position: Position) -> Decision:
        return Decision(action=position.legal()[0])


class Rightmost(BasePlayer):
    """Always the highest legal action."""

    def choose(self, position: Position) -> Decision:
        return Decision(action=position.legal()[-1])


class Recorder(Leftmost):
    """Remembers how many positions it was shown at a time."""

    def __init__(self) -> None:
        super().__init__("recorder")
        self.batches: list[int] = []
        self.seeds: list[int] = []

    def reset(self, seed: int) -> None:
        self.seeds.append(seed)

    def choose_many(self, positions: Sequence[Position]) -> list[Decision]:
        self.batches.append(len(positions))
        return super().choose_many(positions)


class Broken(Leftmost):
    """Plays an impossible column from its second move on."""

    def choose(self, position: Position) -> Decision:
        return super().choose(position) if len(position.moves) < 4 else Decision(action=99)


class BrokenEngine(Broken):
    is_outside = True


class CrashingEngine(Leftmost):
    is_outside = True

    def choose(self, position: Position) -> Decision:
        raise OutsideFailure("exit status 139")


def _moves(result: MatchResult) -> list[Any]:
    return [(record.moves, record.starter, record.result) for record in result.records]


@pytest.mark.parametrize("name", GAMES)
def test_the_games_of_a_pair_share_their_opening_and_swap_colours(name: str) -> None:
    result = play_match(game(name), (RandomPlayer("a"), RandomPlayer("b")), 12, seed=1, opening_plies=3)
    assert len(result.records) == 12
    for first, second in zip(result.records[::2], result.records[1::2], strict=True):
        assert first.moves[:3] == second.moves[:3]
        assert (first.starter, second.starter) == (0, 1)
    assert len({record.moves[:3] for record in result.records}) == 6


@pytest.mark.parametrize("name", GAMES)
def test_the_result_is_what_replaying_the_moves_says(name: str) -> None:
    result = play_match(game(name), (RandomPlayer("a"), RandomPlayer("b")), 10, seed=2)
    for record in result.records:
        position = game(name).start()
        for action in record.moves:
            position = position.play(action)
        assert record.result == (position.result if record.starter == 0 else -position.result)
    assert result.count(1) + result.count(0) + result.count(-1) == 10
    assert result.score == (result.count(1) + result.count(0) / 2) / 10


@pytest.mark.parametrize("name", GAMES)
def test_a_against_b_mirrors_b_against_a(name: str) -> None:
    a, b = RandomPlayer("a"), RandomPlayer("b")
    one, other = (play_match(game(name), players, 20, seed=5) for players in ((a, b), (b, a)))
    assert (one.count(1), one.count(0), one.count(-1)) == (other.count(-1), other.count(0), other.count(1))
    assert one.elo.estimate == pytest.approx(-other.elo.estimate)
    assert one.elo.low == pytest.approx(-other.elo.high)
    mirrored = {(r.moves, 1 - r.starter, -r.result) for r in other.records}
    assert {(r.moves, r.starter, r.result) for r in one.records} == mirrored


def test_the_same_seed_repeats_a_match_and_another_seed_does_not() -> None:
    players = (RandomPlayer("a"), RandomPlayer("b"))
    first, again, other = (play_match(CONNECT_FOUR, players, 10, seed=seed) for seed in (0, 0, 1))
    assert _moves(first) == _moves(again)
    assert _moves(first) != _moves(other)


def test_a_player_against_itself_has_a_random_stream_for_each_seat() -> None:
    first, second = RandomPlayer("random"), RandomPlayer("random")
    result = play_match(CONNECT_FOUR, (first, second), 20, seed=0)
    assert any(a.moves != b.moves for a, b in zip(result.records[::2], result.records[1::2], strict=True))


def test_deterministic_players_without_openings_play_one_or_two_games() -> None:
    two = play_match(CONNECT_FOUR, (Leftmost("left"), Rightmost("right")), 100, opening_plies=0)
    assert two.distinct_games == 2
    one = play_match(CONNECT_FOUR, (Leftmost("left"), Leftmost("left too")), 100, opening_plies=0)
    assert one.distinct_games == 1


def test_deterministic_players_play_a_different_game_from_each_opening() -> None:
    result = play_match(CONNECT_FOUR, (Leftmost("left"), Rightmost("right")), 100, opening_plies=4)
    assert result.distinct_games == 100


def test_all_games_advance_together_and_players_begin_anew_once() -> None:
    recorder = Recorder()
    play_match(CONNECT_FOUR, (recorder, RandomPlayer()), 20)
    assert recorder.batches[0] == 10  # one game of each pair: in the other the opponent begins
    assert len(recorder.seeds) == 1


def test_long_matches_are_played_in_parts_of_bounded_size() -> None:
    recorder, told = Recorder(), list[int]()
    play_match(CONNECT_FOUR, (recorder, RandomPlayer()), 300, on_progress=told.append)
    assert max(recorder.batches) <= 256
    assert told == sorted(told)
    assert told[-1] == 300


@pytest.mark.parametrize(("games", "cure"), [(7, "6 or 8"), (0, "take 2"), (-2, "take 2"), (1, "take 2")])
def test_games_that_make_no_pairs_are_refused_with_the_cure(games: int, cure: str) -> None:
    with pytest.raises(ValueError, match=f"games must be even.*{cure}"):
        play_match(CONNECT_FOUR, (RandomPlayer(), RandomPlayer()), games)


def test_our_own_illegal_move_is_a_bug_and_raises() -> None:
    with pytest.raises(IllegalMove, match="there is no action 99"):
        play_match(CONNECT_FOUR, (Broken("broken"), RandomPlayer()), 2, opening_plies=0)


@pytest.mark.parametrize("engine", [BrokenEngine("engine"), CrashingEngine("engine")])
def test_an_outside_program_that_breaks_forfeits_and_is_named(engine: BasePlayer) -> None:
    result = play_match(CONNECT_FOUR, (RandomPlayer(), engine), 10)
    assert result.forfeits == (0, 10)
    assert result.count(1) == 10
    assert all(record.forfeit.startswith("engine: ") for record in result.records)
    mirrored = play_match(CONNECT_FOUR, (engine, RandomPlayer()), 10)
    assert mirrored.forfeits == (10, 0)
    assert mirrored.count(-1) == 10


def test_json_has_the_figures_of_the_match() -> None:
    result = play_match(game("tic_tac_toe"), (RandomPlayer("a"), Leftmost("b")), 20, seed=3)
    told = result.to_json()
    assert told["players"] == ["a", "b"]
    assert told["games"] == 20 == told["wins"] + told["draws"] + told["losses"]
    assert sum(told["pair_points"]) == 10
    assert sum(i * n for i, n in enumerate(told["pair_points"])) == 4 * 10 * told["score"]
    assert told["elo_low"] <= told["elo"] <= told["elo_high"]
    first = told["records"][0]
    assert game("tic_tac_toe").position(first["moves"]).result == first["result"]  # `a` began
