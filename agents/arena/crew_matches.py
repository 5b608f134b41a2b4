"""Matches and tournaments by workers: the same games as in turn, some at the same time.

The parts of all matches lie in one queue, and whoever is free takes the next. A part depends on the seed
alone, not on who plays it or when, so the result is that of `play_match` and `play_tournament`; the part of
a worker that dies is played again from its beginning.
"""

import functools
import itertools
import queue
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from agents.arena.match import MatchResult, Part, PartResult, match_parts, match_result, play_part
from agents.arena.tournament import TournamentResult, check_entries, tournament_result
from agents.player_specs import model_file, parse_spec
from agents.players import Player
from agents.roster import build_player
from agents.workers.crew import Crew, Post
from agents.workers.job import MakeJob
from agents.workers.site import Site
from envs.boards.game import Game
from envs.boards.game import game as game_of

LOOK_SECONDS = 0.5  # between two looks whether the workers are well


@dataclass(frozen=True, slots=True)
class Entrant:
    """A player as it travels: its spec, and the network that it judges with.

    The worker need not have the file, and all parts are played with what was in it at the beginning.
    """

    spec: str
    model: bytes | None

    @classmethod
    def of(cls, spec: str, game: Game) -> "Entrant":
        """The player of that spec. Raises: BadSpec, ModelNotFound."""
        path = model_file(parse_spec(spec), game.name)
        return cls(spec, None if path is None else path.read_bytes())

    def build(self, game: Game) -> Player:
        """The player, where it is going to play."""
        if self.model is None:
            return build_player(self.spec, game)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            path.write_bytes(self.model)
            return build_player(replace(parse_spec(self.spec), model=str(path)).text, game)


@dataclass(frozen=True, slots=True)
class PartTask:
    """A part and who plays it."""

    entrants: tuple[Entrant, Entrant]
    part: Part


class PartJob:
    """Plays parts; builds a player when it is first met, for it begins anew with each part."""

    def __init__(self, game_name: str) -> None:
        torch.set_num_threads(1)
        self._game = game_of(game_name)
        self._players: dict[tuple[int, Entrant], Player] = {}

    def do(self, message: PartTask) -> PartResult:
        """Play a part."""
        first, second = message.entrants
        return play_part((self._player(0, first), self._player(1, second)), message.part)

    def _player(self, seat: int, entrant: Entrant) -> Player:
        if (seat, entrant) not in self._players:  # of each seat: a player may meet itself
            self._players[seat, entrant] = entrant.build(self._game)
        return self._players[seat, entrant]


def play_match_by(
    site: Site,
    game: Game,
    names: tuple[str, str],
    games: int,
    *,
    seed: int = 0,
    opening_plies: int | None = None,
    on_progress: Callable[[int], None] = lambda games_done: None,
) -> MatchResult:
    """`play_match` of the players of these specs, by the workers of a site.

    Raises: as `play_match`; ChildProcessError when workers died over the same part again and again;
    JobFailed where a player of our own breaks the rules.
    """
    (result,) = _play_matches(
        site, game, [names], games, seed=seed, opening_plies=opening_plies, on_progress=on_progress
    )
    return result


def play_tournament_by(
    site: Site,
    game: Game,
    names: Sequence[str],
    games: int,
    *,
    seed: int = 0,
    opening_plies: int | None = None,
    on_progress: Callable[[int], None] = lambda games_done: None,
) -> TournamentResult:
    """`play_tournament` of the players of these specs, by the workers of a site. Raises: as both."""
    check_entries(games, names)
    pairs = list(itertools.combinations(names, 2))
    matches = _play_matches(
        site, game, pairs, games, seed=seed, opening_plies=opening_plies, on_progress=on_progress
    )
    return tournament_result(game, names, matches)


def _play_matches(
    site: Site,
    game: Game,
    pairs: Sequence[tuple[str, str]],
    games: int,
    *,
    seed: int,
    opening_plies: int | None,
    on_progress: Callable[[int], None],
) -> list[MatchResult]:
    entrants = {name: Entrant.of(name, game) for pair in pairs for name in pair}
    parts = [match_parts(game, pair, games, seed=seed, opening_plies=opening_plies) for pair in pairs]
    tasks = [
        PartTask((entrants[first], entrants[second]), part)
        for (first, second), its_parts in zip(pairs, parts, strict=True)
        for part in its_parts
    ]
    played = iter(_play_tasks(site, game, tasks, on_progress))
    return [
        match_result(game, pair, list(itertools.islice(played, len(its_parts))))
        for pair, its_parts in zip(pairs, parts, strict=True)
    ]


def _play_tasks(
    site: Site, game: Game, tasks: Sequence[PartTask], on_progress: Callable[[int], None]
) -> list[PartResult]:
    """The results in the order of the tasks."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    played: queue.SimpleQueue[tuple[int, PartResult]] = queue.SimpleQueue()
    for number in range(len(tasks)):
        waiting.put(number)

    def make_job(i: int, before: int) -> MakeJob:
        return functools.partial(PartJob, game.name)

    def message(number: int, is_new: bool) -> PartTask:
        return tasks[number]

    def lead(i: int, post: Post) -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            played.put((number, post.call(functools.partial(message, number))))

    results: dict[int, PartResult] = {}
    with Crew(site, make_job, lead, name="worker") as crew:
        while len(results) < len(tasks):
            crew.check()
            try:
                number, result = played.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            results[number] = result
            on_progress(sum(len(part.records) for part in results.values()))
    return [results[number] for number in range(len(tasks))]
