"""What tables and sentences say about results."""

from dataclasses import replace

import pytest

from agents.arena.entries import Measured
from agents.arena.episodes import EpisodeReturns
from agents.arena.match import GameRecord, MatchResult
from agents.arena.mistakes import MistakeReport
from agents.arena.rating import ELO_MAX, Interval
from agents.arena.tables import (
    elo_text,
    episodes_table,
    episodes_verdict,
    judgements_table,
    match_verdict,
    mistakes_verdict,
    standings_table,
    tournament_verdict,
)
from agents.arena.tournament import Standing, TournamentResult, judgement_table
from envs.boards.game import game

FOUR = [
    f"{search}:value={value},{limit}"
    for search, limit in (("alpha_beta", "depth=6"), ("mcts", "simulations=400"))
    for value in ("handcrafted", "learned")
]


def _result(*results: int, forfeit: str = "") -> MatchResult:
    records = tuple(GameRecord((i,), i % 2, r, forfeit if r else "") for i, r in enumerate(results))
    return MatchResult(game("connect_four"), ("a", "b"), records, (0.0, 0.0))


def _standings(*names: str) -> list[Standing]:
    return [Standing(name, Interval(10.0 * i, 5, 15), 10, 0.5) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("elo", "text"),
    [
        (Interval(35.4, -12.2, 83.0), "+35 (-12 to +83)"),
        (Interval(1061.0, 446.2, ELO_MAX), "+1061 (+446 to +∞)"),
        (Interval(-1061.0, -ELO_MAX, -446.2), "-1061 (-∞ to -446)"),
    ],
)
def test_an_elo_is_shown_with_its_interval_and_no_invented_bound(elo: Interval, text: str) -> None:
    assert elo_text(elo) == text


@pytest.mark.parametrize(
    ("result", "begin"),
    [
        (_result(*[1] * 20), "a is stronger than b: "),
        (_result(*[-1] * 20), "a is weaker than b: "),
        (_result(*[1, -1] * 10), "no difference shown between a and b: +0 ("),
    ],
)
def test_a_match_says_no_more_than_its_interval_shows(result: MatchResult, begin: str) -> None:
    assert match_verdict(result).startswith(begin)
    assert match_verdict(result).endswith("95 %; 20 games, 20 distinct")


def test_a_match_names_who_forfeited() -> None:
    assert match_verdict(_result(1, 1, 1, 0, forfeit="b: crashed")).endswith(
        "; b forfeited 3, the first: crashed"
    )


def test_a_tournament_counts_forfeits_only_where_there_are_some() -> None:
    matches = (_result(1, 1, 0, 0, forfeit="b: crashed"),)
    clean = TournamentResult(matches[0].game, (), tuple(_standings("a", "b")))
    broken = TournamentResult(
        matches[0].game, matches, (*_standings("a"), replace(_standings("b")[0], forfeits=2))
    )
    assert [column.header for column in standings_table(clean).columns] == ["player", "Elo (95 %)", "score"]
    assert list(standings_table(broken).columns[-1].cells) == ["0", "2"]
    assert "forfeited" not in tournament_verdict(clean)
    assert "; b forfeited 2, the first: crashed" in tournament_verdict(broken)


def test_the_table_of_judgements_needs_each_of_the_four_exactly_once() -> None:
    found = judgement_table(_standings("random", *FOUR))
    assert found is not None
    assert {cell: standing.player for cell, standing in found.items()} == {
        ("alpha_beta", "handcrafted"): FOUR[0],
        ("alpha_beta", "learned"): FOUR[1],
        ("mcts", "handcrafted"): FOUR[2],
        ("mcts", "learned"): FOUR[3],
    }
    assert judgement_table(_standings(*FOUR[:3])) is None
    assert judgement_table(_standings(*FOUR, "mcts:value=learned,simulations=100")) is None
    own = FOUR[3] + ",model=mine.safetensors"
    both = judgement_table(_standings(own, *FOUR))
    assert both is not None
    assert both["mcts", "learned"].player == FOUR[3]  # the shipped one counts
    assert judgement_table(_standings(*FOUR[:3], own)) is not None


def test_the_table_of_judgements_has_a_row_for_each_search_and_a_column_for_each_value() -> None:
    result = TournamentResult(game("connect_four"), (), tuple(_standings(*FOUR)))
    table = judgements_table(result)
    assert table is not None
    assert [list(column.cells) for column in table.columns] == [
        ["alpha_beta", "mcts"],
        ["+0 (+5 to +15)", "+20 (+5 to +15)"],
        ["+10 (+5 to +15)", "+30 (+5 to +15)"],
    ]
    assert [column.header for column in table.columns] == ["search", "handcrafted", "learned"]


def test_a_tournament_names_its_two_best_and_its_games() -> None:
    result = TournamentResult(game("connect_four"), (_result(1, 1),), tuple(_standings("a", "b")))
    told = tournament_verdict(result)
    assert told == "best: a, +0 (+5 to +15) Elo; then b, +10 (+5 to +15); 2 games, 2 distinct"


def test_mistakes_are_told_of_all_and_of_nontrivial_positions() -> None:
    told = mistakes_verdict("a", MistakeReport(positions=200, mistakes=3, nontrivial_positions=60))
    assert told == "a: 3 mistakes in 200 positions (1.50%), 5.00% of the 60 where one can err"


def test_returns_stand_beside_what_people_score_where_that_is_known():
    def measured(env_id: str) -> Measured:
        return Measured("x", env_id, EpisodeReturns((14.6, 14.6), (9, 9)), is_baseline=False)

    def cells(*env_ids: str) -> dict[str, list[str]]:
        columns = episodes_table([measured(env_id) for env_id in env_ids]).columns
        return {str(column.header): [str(cell) for cell in column.cells] for column in columns}

    assert cells("ALE/Pong-v5", "CartPole-v1")["human = 1"] == ["1.00", ""]
    assert "human = 1" not in cells("CartPole-v1")


@pytest.mark.parametrize(
    ("mean", "told"), [(-0.42, "-0.42"), (17.456, "17.46"), (-495.24, "-495.2"), (4092.4, "4,092")]
)
def test_returns_are_told_in_four_digits(mean: float, told: str) -> None:
    measured = Measured("x", "CartPole-v1", EpisodeReturns((mean, mean), (9, 9)), is_baseline=False)
    table = episodes_table([measured])
    assert [next(column.cells) for column in table.columns[2:]] == [told, f"{told} to {told}"]
    assert episodes_verdict([measured]) == f"x {told}"
