"""Two players, many games: each opening is played twice with colours swapped.

The games of a part of the match advance together, ply by ply, so that a player who thinks about many
positions at once is as fast as it can be. What a player remembers (trees, tables, random stream) begins anew
with each part, from the seed and its own name: the same seed repeats the match, A against B mirrors B against
A, and it does not matter where and in which order the parts are played.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from agents.arena.openings import default_plies, openings
from agents.arena.rating import Interval, match_elo
from agents.players import OutsideFailure, Player
from agents.runs.seeding import child_seed
from envs.boards.game import Game, IllegalMove, Position

# Of a part, at most: enough for full batches, few enough to have parts for several workers
PAIRS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class GameRecord:
    """A finished game.

    Attributes:
        moves: all actions from the start, the opening's included.
        starter: which player, 0 or 1, had the first player's stones.
        result: for player 0: 1 won, 0 drawn, -1 lost.
        forfeit: why the loser, an outside program, forfeited; "" for a game that was played to its end.
    """

    moves: tuple[int, ...]
    starter: int
    result: int
    forfeit: str = ""


@dataclass(frozen=True, slots=True)
class MatchResult:
    """All games of a match; game 2i and game 2i + 1 are a pair. Figures are the first player's."""

    game: Game
    players: tuple[str, str]
    records: tuple[GameRecord, ...]
    seconds_for_each_move: tuple[float, float]  # mean thinking time of each player

    def count(self, result: int) -> int:
        """How many games ended so: 1 won, 0 drawn, -1 lost."""
        return sum(record.result == result for record in self.records)

    @property
    def distinct_games(self) -> int:
        """How many different games were played: players who never vary repeat themselves."""
        return len({record.moves for record in self.records})

    @property
    def distinct_pairs(self) -> int:
        """How many pairs differ from all others in their moves."""
        games = [record.moves for record in self.records]
        return len(set(zip(games[::2], games[1::2], strict=True)))

    @property
    def score(self) -> float:
        """Points for each game, in [0, 1]."""
        return float(np.mean(self.pair_scores))

    @property
    def pair_scores(self) -> list[float]:
        """Of each pair its mean points: 0, 1/4, 1/2, 3/4 or 1."""
        points = [(record.result + 1) / 2 for record in self.records]
        return [(a + b) / 2 for a, b in zip(points[::2], points[1::2], strict=True)]

    @property
    def elo(self) -> Interval:
        """Elo over the second player, 95 %."""
        return match_elo(self.pair_scores, self.distinct_pairs)

    @property
    def forfeits(self) -> tuple[int, int]:
        """How many games each player forfeited."""
        lost = Counter(record.result for record in self.records if record.forfeit)
        return lost[-1], lost[1]

    def to_json(self) -> dict[str, Any]:
        """Plain values; `pair_points` counts the pairs that brought 0, 1/2, 1, 3/2, 2 points."""
        elo, pairs = self.elo, Counter(self.pair_scores)
        return {
            "game": self.game.name,
            "players": list(self.players),
            "games": len(self.records),
            "distinct_games": self.distinct_games,
            "wins": self.count(1),
            "draws": self.count(0),
            "losses": self.count(-1),
            "score": self.score,
            "elo": elo.estimate,
            "elo_low": elo.low,
            "elo_high": elo.high,
            "pair_points": [pairs[quarter / 4] for quarter in range(5)],
            "forfeits": list(self.forfeits),
            "records": [
                {
                    "first": self.players[record.starter],
                    "moves": self.game.moves_text(record.moves),
                    "result": record.result,
                }
                | ({"forfeit": record.forfeit} if record.forfeit else {})
                for record in self.records
            ],
        }


def check_games(games: int) -> None:
    """ValueError unless `games` is a number of whole pairs."""
    if games < 2 or games % 2:
        near = "2" if games < 2 else f"{games - 1} or {games + 1}"
        raise ValueError(
            f"games must be even, each opening is played twice with colours swapped; got {games}, take {near}"
        )


def play_match(
    game: Game,
    players: tuple[Player, Player],
    games: int,
    *,
    seed: int = 0,
    opening_plies: int | None = None,
    on_progress: Callable[[int], None] = lambda games_done: None,
) -> MatchResult:
    """Play `games` games in pairs.

    Args:
        games: even; half as many openings are drawn.
        seed: of the openings and of the players' random streams.
        opening_plies: random plies before the players take over; None: `default_plies`.
        on_progress: told after each ply how many games are done, an unfinished one counting as far as its
            board is filled.
    Raises: ValueError for an odd number of games, or where no such opening exists; IllegalMove from a player
        of our own.
    """
    names = players[0].name, players[1].name
    played: list[PartResult] = []
    done = 0
    for part in match_parts(game, names, games, seed=seed, opening_plies=opening_plies):

        def tell(games_done: int, before: int = done) -> None:
            on_progress(before + games_done)

        played.append(play_part(players, part, on_progress=tell))
        done += part.games
    return match_result(game, names, played)


@dataclass(frozen=True, slots=True)
class Part:
    """Pairs of a match that are played together, by players who begin anew: all that one must know of them.

    Attributes:
        openings: each is played twice.
        seeds: of the players' random streams.
    """

    openings: tuple[Position, ...]
    seeds: tuple[int, int]

    @property
    def games(self) -> int:
        """How many that are."""
        return 2 * len(self.openings)


@dataclass(frozen=True, slots=True)
class PartResult:
    """The games of a part, with what each player thought: seconds in all, and moves."""

    records: tuple[GameRecord, ...]
    seconds: tuple[float, float]
    moves: tuple[int, int]


def match_parts(
    game: Game, names: tuple[str, str], games: int, *, seed: int, opening_plies: int | None
) -> list[Part]:
    """What has to be played, in the order of the records. Raises: as `play_match`."""
    check_games(games)
    plies = default_plies(game) if opening_plies is None else opening_plies
    starts = openings(game, games // 2, plies, child_seed(seed, "openings"))
    count = math.ceil(len(starts) / PAIRS_AT_ONCE)
    first, second = names
    streams = first, f"{second} again" if second == first else second
    return [
        Part(
            tuple(starts[len(starts) * i // count : len(starts) * (i + 1) // count]),
            (_part_seed(seed, streams[0], i), _part_seed(seed, streams[1], i)),
        )
        for i in range(count)
    ]


def play_part(
    players: tuple[Player, Player],
    part: Part,
    *,
    on_progress: Callable[[int], None] = lambda games_done: None,
) -> PartResult:
    """Play all games of a part; `on_progress` as for `play_match`."""
    for player, seed in zip(players, part.seeds, strict=True):
        player.reset(seed)
    clock = _Clock()
    running = [_Game(opening, starter) for opening in part.openings for starter in (0, 1)]
    while any(not g.is_over for g in running):
        _advance(running, players, clock)
        on_progress(math.floor(sum(g.progress for g in running)))
    return PartResult(
        tuple(g.record() for g in running),
        (clock.seconds[0], clock.seconds[1]),
        (clock.moves[0], clock.moves[1]),
    )


def match_result(game: Game, names: tuple[str, str], played: Sequence[PartResult]) -> MatchResult:
    """The match whose parts these are."""
    records = tuple(record for part in played for record in part.records)
    seconds = [sum(part.seconds[who] for part in played) for who in (0, 1)]
    moves = [max(1, sum(part.moves[who] for part in played)) for who in (0, 1)]
    return MatchResult(game, names, records, (seconds[0] / moves[0], seconds[1] / moves[1]))


@dataclass(slots=True)
class _Game:
    """A game under way."""

    position: Position
    starter: int
    forfeited: int | None = None  # the player who did
    complaint: str = ""

    @property
    def is_over(self) -> bool:
        return self.forfeited is not None or self.position.is_over

    @property
    def to_move(self) -> int:
        return self.position.player ^ self.starter

    @property
    def progress(self) -> float:
        """Share of the game that is played, at most: 1 when it is over."""
        height, width = self.position.game.board_shape
        return 1.0 if self.is_over else min(0.99, len(self.position.moves) / (height * width))

    def record(self) -> GameRecord:
        if self.forfeited is not None:
            result = -1 if self.forfeited == 0 else 1
        else:
            result = self.position.result if self.starter == 0 else -self.position.result
        return GameRecord(self.position.moves, self.starter, result, self.complaint)


@dataclass(slots=True)
class _Clock:
    seconds: list[float] = field(default_factory=lambda: [0.0, 0.0])
    moves: list[int] = field(default_factory=lambda: [0, 0])


def _advance(running: Sequence[_Game], players: tuple[Player, Player], clock: _Clock) -> None:
    """One ply in each unfinished game."""
    turns = [[g for g in running if not g.is_over and g.to_move == who] for who in (0, 1)]
    for who, (player, waiting) in enumerate(zip(players, turns, strict=True)):
        if not waiting:
            continue
        began = perf_counter()
        if player.is_outside:
            for g in waiting:
                _play_outside(g, who, player)
        else:
            decisions = player.choose_many([g.position for g in waiting])
            for g, decision in zip(waiting, decisions, strict=True):
                g.position = g.position.play(decision.action)
        clock.seconds[who] += perf_counter() - began
        clock.moves[who] += len(waiting)


def _play_outside(g: _Game, who: int, player: Player) -> None:
    """One ply of an outside program, which forfeits the game if it crashes or breaks the rules."""
    try:
        g.position = g.position.play(player.choose(g.position).action)
    except (OutsideFailure, IllegalMove) as error:
        g.forfeited, g.complaint = who, f"{player.name}: {error}"


def _part_seed(seed: int, stream: str, i: int) -> int:
    """Of a player's random stream, which has the player's name, in a part."""
    return child_seed(seed, f"{stream}, part {i}" if i else stream)
