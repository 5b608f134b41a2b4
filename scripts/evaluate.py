"""python scripts/evaluate.py match connect_four mcts:value=learned alpha_beta:depth=6 --games 100."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from rich.console import Console
from tyro.conf import Positional, arg, subcommand

from agents.arena.entries import count_agents, find_entry, measure
from agents.player_specs import BadSpec, check_spec, help_text, parse_spec
from agents.roster import build_player, exact_solver
from agents.runs.atomic import write_text
from agents.runs.progress import ProgressLine
from agents.workers.config import check_workers, cores, joined_address, parse_workers
from agents.workers.places import open_site
from agents.workers.site import Site
from scripts.command_line import check_output, command, parse

if TYPE_CHECKING:
    from agents.arena.mistakes import SolvedPosition
    from agents.arena.tournament import TournamentResult
    from envs.boards.game import Game

DESCRIPTION = """\
Measure agents: returns of models, matches of board players, mistakes against solved positions.
`COMMAND --help` shows the arguments.

  episodes pong breakout --episodes 20
  match connect_four mcts:value=learned alpha_beta:value=handcrafted,depth=6 --games 100
  tournament othello random greedy:value=handcrafted mcts:value=handcrafted --games 20
  tournament connect_four --effort seconds=0.05 --games 40
  mistakes connect_four alpha_beta:depth=8 solved.txt --json mistakes.json
"""
GAME_HELP = "tic_tac_toe, connect_four or othello"
MODEL_HELP = (
    "a model file, a run folder, a name in pretrained/, or sb3:ALGORITHM:ENV:PATH of stable-baselines3"
)
PLAYER_HELP = "kind[:key=value,...]; `evaluate.py --help` lists all"

GameName: TypeAlias = Annotated[Positional[str], arg(metavar="GAME", help=GAME_HELP)]


@dataclass(frozen=True, kw_only=True)
class Output:
    """What all commands take."""

    seed: int = 0
    """of openings, environments and players: the same seed repeats the figures"""
    json: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """write the figures to this file"""


@dataclass(frozen=True, kw_only=True)
class Episodes(Output):
    """Returns of models in their environments, beside random and handcrafted agents.

    People's scores are known of 57 Atari games: "human = 1" is the share of the way there from random play.
    """

    models: Annotated[Positional[tuple[str, ...]], arg(metavar="MODEL...", help=MODEL_HELP)]
    episodes: Annotated[int, arg(metavar="N")] = 20
    """of each model"""
    sticky: Annotated[float | None, arg(metavar="P", help_behavior_hint="(default: as in training)")] = None
    """probability that an Atari emulator repeats the last action instead of taking the new one"""
    trust_pickle: bool = False
    """load sb3: models, which runs code from their files"""

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("give at least one MODEL: a name in pretrained/, a run folder or a file")
        if self.episodes < 1:
            raise ValueError(f"--episodes must be at least 1, got {self.episodes}")


@dataclass(frozen=True, kw_only=True)
class Games(Output):
    """What commands take that play games."""

    games: Annotated[int, arg(metavar="N")] = 100
    """of each two players; even, for each opening is played twice with colours swapped"""
    opening_plies: Annotated[
        int | None, arg(metavar="N", help_behavior_hint="(default: 2, 4, 6 by game)")
    ] = None
    """random plies before the players take over"""
    workers: Annotated[int | str | None, arg(metavar="N|ray[:N]", help_behavior_hint="(default: none)")] = (
        None
    )
    """play the same games in N processes of this machine or on a Ray cluster; each takes a pairing or, of a
    longer match, about 100 games at a time"""
    ray_address: Annotated[str | None, arg(metavar="HOST:PORT", help_behavior_hint="")] = None
    """the cluster of --workers ray; default RAY_ADDRESS, else one of its own on this machine"""

    def __post_init__(self) -> None:
        if self.opening_plies is not None and self.opening_plies < 0:
            raise ValueError(f"--opening-plies must be at least 0, got {self.opening_plies}")


@dataclass(frozen=True, kw_only=True)
class Match(Games):
    """Two players, paired openings: score and Elo with a 95 % interval."""

    game: GameName
    players: Annotated[Positional[tuple[str, str]], arg(metavar="PLAYER PLAYER", help=PLAYER_HELP)]


@dataclass(frozen=True, kw_only=True)
class Tournament(Games):
    """All against all: ratings, and a table of searches and judgements."""

    game: GameName
    players: Annotated[
        Positional[tuple[str, ...]], arg(metavar="[PLAYER...]", help=PLAYER_HELP, help_behavior_hint="")
    ] = ()
    effort: Annotated[str | None, arg(metavar="seconds=S|nodes=N", help_behavior_hint="")] = None
    """instead of players: the standard field, {alpha-beta, MCTS} x {handcrafted, learned} and what lies
    below, all with this effort for each move"""
    mistakes: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """also count each player's mistakes on solved positions, as `evaluate.py mistakes` does"""
    plot: Annotated[Path | None, arg(metavar="FILE.png", help_behavior_hint="")] = None
    """draw the ratings with their intervals"""


@dataclass(frozen=True, kw_only=True)
class Mistakes(Output):
    """Error rate against solved positions: a mistake gives away a win or a draw."""

    game: GameName
    player: Annotated[Positional[str], arg(metavar="PLAYER", help=PLAYER_HELP)]
    file: Annotated[Positional[Path], arg(metavar="FILE")]
    """lines: moves, exact score for the side to move [, exact score of each action]"""


Task: TypeAlias = (
    Annotated[Episodes, subcommand("episodes")]
    | Annotated[Match, subcommand("match")]
    | Annotated[Tournament, subcommand("tournament")]
    | Annotated[Mistakes, subcommand("mistakes")]
)


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print tables and a sentence, write the figures where asked to."""
    task = parse(Task, argv, description=f"{DESCRIPTION}\n{help_text()}")
    for flag in ("json", "plot"):
        if (path := getattr(task, flag, None)) is not None:
            check_output(f"--{flag}", path)
    console = Console()
    match task:
        case Episodes():
            figures: Any = _episodes(task, console)
        case Match():
            figures = _match(task, console)
        case Tournament():
            figures = _tournament(task, console)
        case Mistakes():
            figures = _mistakes(task, console)
    if task.json is not None:
        write_text(task.json, json.dumps(figures, indent=1, allow_nan=False) + "\n")
        console.print(f"figures: {task.json}", highlight=False, soft_wrap=True)
    return 0


def _episodes(task: Episodes, console: Console) -> list[dict[str, Any]]:
    if task.episodes < 1:
        raise ValueError(f"--episodes must be at least 1, got {task.episodes}")
    entries = [find_entry(model, trust_pickle=task.trust_pickle, sticky=task.sticky) for model in task.models]
    from agents.arena.tables import episodes_table, episodes_verdict

    with ProgressLine("episodes", total=task.episodes * count_agents(entries), unit="episodes") as line:
        measured = list(measure(entries, task.episodes, seed=task.seed, on_progress=line.update))
    console.print(episodes_table(measured))
    console.print(episodes_verdict(measured), highlight=False, soft_wrap=True)
    return [each.to_json() for each in measured]


def _match(task: Match, console: Console) -> dict[str, Any]:
    game = _checked_game(task.game, task.players)
    _check_workers(task)
    from agents.arena.match import check_games, play_match
    from agents.arena.tables import match_table, match_verdict

    check_games(task.games)
    first, second = (parse_spec(spec).text for spec in task.players)
    with _site(task) as site, ProgressLine("match", total=task.games, unit="games") as line:
        how: Any = {"seed": task.seed, "opening_plies": task.opening_plies, "on_progress": line.update}
        if site is None:
            players = build_player(first, game), build_player(second, game)
            result = play_match(game, players, task.games, **how)
        else:
            from agents.arena.crew_matches import play_match_by  # late: torch

            result = play_match_by(site, game, (first, second), task.games, **how)
    console.print(match_table(result))
    console.print(match_verdict(result), highlight=False, soft_wrap=True)
    return result.to_json()


def _tournament(task: Tournament, console: Console) -> dict[str, Any]:
    task = _with_players(task)
    game = _checked_game(task.game, task.players)
    _check_workers(task)
    from agents.arena.mistakes import read_solved
    from agents.arena.tables import cross_table, judgements_table, standings_table, tournament_verdict
    from agents.arena.tournament import check_entries, play_tournament

    solved = None if task.mistakes is None else read_solved(task.mistakes, game)
    names = [parse_spec(spec).text for spec in task.players]
    check_entries(task.games, names)
    total = task.games * len(names) * (len(names) - 1) // 2
    with _site(task) as site, ProgressLine("tournament", total=total, unit="games") as line:
        how: Any = {"seed": task.seed, "opening_plies": task.opening_plies, "on_progress": line.update}
        if site is None:
            players = [build_player(name, game) for name in names]
            result = play_tournament(game, players, task.games, **how)
        else:
            from agents.arena.crew_matches import play_tournament_by  # late: torch

            result = play_tournament_by(site, game, names, task.games, **how)
    tables = standings_table(result), cross_table(result), judgements_table(result)
    console.print(*filter(None, tables), sep="\n")
    console.print(tournament_verdict(result), highlight=False, soft_wrap=True)
    if task.plot is not None:
        print(f"plot: {_draw_ratings(result, task.plot)}")
    if solved is None:
        return result.to_json()
    best_first = [standing.player for standing in result.standings]
    return result.to_json() | {"mistakes": _mistakes_of(best_first, game, solved, task.seed, console)}


def _draw_ratings(result: TournamentResult, path: Path) -> Path:
    from agents.runs.plots import elo_plot

    elos = [standing.elo for standing in result.standings]
    return elo_plot(
        [standing.player for standing in result.standings],
        [elo.estimate for elo in elos],
        [elo.low for elo in elos],
        [elo.high for elo in elos],
        path,
        axis_label=f"{result.game.title}: Elo with 95 % interval, {result.games} games",
    )


def _with_players(task: Tournament) -> Tournament:
    """The task with the standard field where an effort stands in for players."""
    if (task.effort is None) == (not task.players):
        raise ValueError("tournament takes either players or --effort, which stands for the standard field")
    if task.effort is None:
        return task
    from agents.arena.field import standard_field

    return replace(task, players=tuple(standard_field(task.game, task.effort)))


def _mistakes_of(
    names: Sequence[str], game: Game, solved: Sequence[SolvedPosition], seed: int, console: Console
) -> dict[str, Any]:
    """Each player's mistakes on the same positions, printed as a table."""
    from agents.arena.mistakes import count_mistakes
    from agents.arena.tables import mistakes_by_player

    reports = {}
    with ProgressLine("mistakes", total=len(names) * len(solved), unit="positions") as line:
        for i, name in enumerate(names):

            def tell(done: int, mistakes: int, before: int = i * len(solved)) -> None:
                line.update(before + done)

            player = build_player(name, game)
            reports[name] = count_mistakes(player, solved, exact_solver(game), seed=seed, on_progress=tell)
    console.print(mistakes_by_player(reports))
    return {name: report.to_json() for name, report in reports.items()}


def _mistakes(task: Mistakes, console: Console) -> dict[str, Any]:
    game = _checked_game(task.game, [task.player])
    from agents.arena.mistakes import count_mistakes, read_solved
    from agents.arena.tables import mistakes_table, mistakes_verdict

    solved = read_solved(task.file, game)
    player = build_player(task.player, game)
    with ProgressLine("mistakes", total=len(solved), unit="positions") as line:
        report = count_mistakes(
            player,
            solved,
            exact_solver(game),
            seed=task.seed,
            on_progress=lambda done, mistakes: line.update(done, mistakes=mistakes),
        )
    console.print(mistakes_table(player.name, report))
    console.print(mistakes_verdict(player.name, report), highlight=False, soft_wrap=True)
    return report.to_json()


def _checked_game(game_name: str, specs: Sequence[str]) -> Game:
    """The game, when all that is wrong with it or its players would have been told."""
    parsed = [parse_spec(spec) for spec in specs]
    if any(spec.kind == "human" for spec in parsed):
        raise BadSpec("a person cannot be evaluated; python scripts/watch.py GAME human PLAYER plays a game")
    from envs.boards.game import game

    played = game(game_name)
    for spec in parsed:
        check_spec(spec, game_name)
    return played


def _check_workers(task: Match | Tournament) -> None:
    """ValueError for workers that cannot be had, or that would cheat players of their thinking time."""
    if task.workers is None:
        if task.ray_address is not None:
            raise ValueError(f"--ray-address {task.ray_address} is for --workers ray[:N]")
        return
    check_workers(task.workers, task.ray_address)
    timed = [spec for spec in task.players if parse_spec(spec).seconds is not None]
    here = joined_address(task.ray_address) is None
    count = parse_workers(task.workers).count
    if timed and here and count is not None and count > cores():
        raise ValueError(
            f"--workers {task.workers}: {timed[0]} thinks for a time, and gets less of it where workers "
            f"share a core; take at most {cores()}, or bound all players by nodes, depth or simulations"
        )


def _site(task: Match | Tournament) -> AbstractContextManager[Site | None]:
    """Where the workers are; None: the games are played by this process."""
    return nullcontext() if task.workers is None else open_site(task.workers, task.ray_address)


if __name__ == "__main__":
    sys.exit(main())
