"""Results as tables and sentences for a terminal of 80 to 100 columns."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from agents.arena.entries import Measured
from agents.arena.match import MatchResult
from agents.arena.mistakes import MistakeReport
from agents.arena.rating import ELO_MAX, Interval
from agents.arena.tournament import TournamentResult, judgement_table


def signed(elo: float) -> str:
    """An Elo difference with its sign; a bound that the games do not give is infinite."""
    return f"{elo:+.0f}" if abs(elo) < ELO_MAX else ("+∞" if elo > 0 else "-∞")


def elo_text(elo: Interval) -> str:
    """`+35 (-12 to +83)`."""
    return f"{signed(elo.estimate)} ({signed(elo.low)} to {signed(elo.high)})"


def episodes_table(measured: Sequence[Measured]) -> Table:
    """Returns of equally many episodes, by env in the order given, beside people's where those are known."""
    rows = [each.to_json() for each in measured]
    with_people = any(row["human_normalised"] is not None for row in rows)
    columns = ["mean", "95 %", *(["human = 1"] if with_people else [])]
    table = _table(f"returns of {rows[0]['episodes']} episodes each", ["env", "agent"], columns)
    for row in rows:
        share = row["human_normalised"]
        of_people = ["" if share is None else f"{share:.2f}"] if with_people else []
        interval = f"{_digits(row['low'])} to {_digits(row['high'])}"
        table.add_row(row["env"], row["model"], _digits(row["mean"]), interval, *of_people)
    return table


def episodes_verdict(measured: Sequence[Measured]) -> str:
    """The returns in a sentence."""
    return "; ".join(f"{each.model} {_digits(each.returns.mean)}" for each in measured)


def _digits(value: float) -> str:
    """Four of them, or all before the point: -0.42, 17.46, 495.2, 4,092."""
    decimals = 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{decimals}f}"


def match_table(result: MatchResult) -> Table:
    """Both players' figures."""
    table = _table(
        f"{result.game.title}: {_games(result)}", ["player"], ["won", "drawn", "lost", "score", "ms/move"]
    )
    for who, name in enumerate(result.players):
        sign = 1 if who == 0 else -1
        table.add_row(
            name,
            *(str(result.count(sign * outcome)) for outcome in (1, 0, -1)),
            f"{result.score if who == 0 else 1 - result.score:.1%}",
            f"{1000 * result.seconds_for_each_move[who]:.3g}",
        )
    return table


def match_verdict(result: MatchResult) -> str:
    """What the match shows, in a sentence."""
    first, second = result.players
    elo = f"{elo_text(result.elo)} Elo, 95 %"
    forfeits = _forfeits([result])
    if result.elo.low > 0:
        return f"{first} is stronger than {second}: {elo}; {_games(result)}{forfeits}"
    if result.elo.high < 0:
        return f"{first} is weaker than {second}: {elo}; {_games(result)}{forfeits}"
    return f"no difference shown between {first} and {second}: {elo}; {_games(result)}{forfeits}"


def standings_table(result: TournamentResult) -> Table:
    """All players, best first; with their forfeits where there are any."""
    forfeits = any(standing.forfeits for standing in result.standings)
    table = _table(
        f"{result.game.title}: {result.games} games, {result.distinct_games} distinct",
        ["player"],
        ["Elo (95 %)", "score", *(["forfeits"] if forfeits else [])],
    )
    for standing in result.standings:
        figures = [elo_text(standing.elo), f"{standing.score:.1%}", str(standing.forfeits)]
        table.add_row(standing.player, *figures[: 3 if forfeits else 2])
    return table


def cross_table(result: TournamentResult) -> Table:
    """The score of each player, in rows, against each other, in per cent; best first."""
    names = [standing.player for standing in result.standings]
    scores = {match.players: match.score for match in result.matches}
    scores |= {(b, a): 1 - score for (a, b), score in scores.items()}
    table = _table("score in % against", ["player"], [str(i + 1) for i in range(len(names))])
    for i, name in enumerate(names):
        row = [f"{100 * scores[name, other]:.0f}" if other != name else "" for other in names]
        table.add_row(f"{i + 1} {name}", *row)
    return table


def judgements_table(result: TournamentResult) -> Table | None:
    """Elo of {alpha-beta, MCTS} x {handcrafted, learned}, where all four played; else None."""
    found = judgement_table(result.standings)
    if found is None:
        return None
    searches, values = list(dict.fromkeys(s for s, _ in found)), list(dict.fromkeys(v for _, v in found))
    table = _table("Elo (95 %) by search and judgement", ["search"], values)
    for search in searches:
        table.add_row(search, *(elo_text(found[search, value].elo) for value in values))
    return table


def tournament_verdict(result: TournamentResult) -> str:
    """Who is best, and whether the games show it."""
    best, second = result.standings[:2]
    return (
        f"best: {best.player}, {elo_text(best.elo)} Elo; then {second.player}, {elo_text(second.elo)}; "
        f"{result.games} games, {result.distinct_games} distinct{_forfeits(result.matches)}"
    )


def mistakes_table(player: str, report: MistakeReport) -> Table:
    """Counts and rates."""
    table = _table(player, ["positions"], ["number", "mistakes", "rate", "95 %"])
    rows = [
        ("all", report.positions, report.rate),
        ("non-trivial", report.nontrivial_positions, report.nontrivial_rate),
    ]
    for label, number, rate in rows:
        table.add_row(
            label,
            str(number),
            str(report.mistakes),
            f"{rate.estimate:.2%}",
            f"{rate.low:.2%} to {rate.high:.2%}",
        )
    return table


def _forfeits(matches: Sequence[MatchResult]) -> str:
    """Who forfeited how many games, and why the first of them: `; NAME forfeited 3, the first: REASON`."""
    reasons: dict[str, list[str]] = {}
    for match in matches:
        for record in match.records:
            if record.forfeit:
                loser = match.players[0 if record.result < 0 else 1]
                reasons.setdefault(loser, []).append(record.forfeit.removeprefix(f"{loser}: "))
    return "".join(f"; {loser} forfeited {len(why)}, the first: {why[0]}" for loser, why in reasons.items())


def mistakes_by_player(reports: Mapping[str, MistakeReport]) -> Table:
    """One row for each player, in the order given."""
    table = _table("mistakes on solved positions", ["player"], ["mistakes", "rate", "95 %", "non-trivial"])
    for player, report in reports.items():
        table.add_row(
            player,
            f"{report.mistakes} of {report.positions}",
            f"{report.rate.estimate:.2%}",
            f"{report.rate.low:.2%} to {report.rate.high:.2%}",
            f"{report.nontrivial_rate.estimate:.2%}",
        )
    return table


def _games(result: MatchResult) -> str:
    return f"{len(result.records)} games, {result.distinct_games} distinct"


def _table(title: str, labels: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for label in labels:
        table.add_column(label, overflow="fold")
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table


def mistakes_verdict(player: str, report: MistakeReport) -> str:
    """The rates in a sentence."""
    return (
        f"{player}: {report.mistakes} mistakes in {report.positions} positions ({report.rate.estimate:.2%}), "
        f"{report.nontrivial_rate.estimate:.2%} of the {report.nontrivial_positions} where one can err"
    )
