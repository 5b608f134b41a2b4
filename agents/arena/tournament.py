"""All against all: the ratings of many players, and the table that this project is about.

Each pair of players meets over the same openings. The ratings of all come from one likelihood, so a player is
also compared with those it met only through others.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.arena.match import MatchResult, check_games, play_match
from agents.arena.rating import Interval, Pairing, bradley_terry
from agents.player_specs import PlayerSpec, parse_spec
from agents.players import Player
from envs.boards.game import Game

SEARCHES = ("alpha_beta", "mcts")
JUDGEMENTS = ("handcrafted", "learned")


@dataclass(frozen=True, slots=True)
class Standing:
    """What one player achieved; see `bradley_terry` for the zero of the Elo."""

    player: str
    elo: Interval
    games: int
    score: float  # points for each game, in [0, 1]
    forfeits: int = 0  # games lost because an outside program broke down or broke the rules


@dataclass(frozen=True, slots=True)
class TournamentResult:
    """The matches in the order of play, and the standings, best first."""

    game: Game
    matches: tuple[MatchResult, ...]
    standings: tuple[Standing, ...]

    @property
    def games(self) -> int:
        """Games played, all pairings together."""
        return sum(len(match.records) for match in self.matches)

    @property
    def distinct_games(self) -> int:
        """How many different games those were."""
        return len({record.moves for match in self.matches for record in match.records})

    def to_json(self) -> dict[str, Any]:
        """Plain values: `ratings` best first, `pairings` as `match` reports them."""
        return {
            "game": self.game.name,
            "games": self.games,
            "distinct_games": self.distinct_games,
            "ratings": [
                {
                    "player": s.player,
                    "elo": s.elo.estimate,
                    "elo_low": s.elo.low,
                    "elo_high": s.elo.high,
                    "games": s.games,
                    "score": s.score,
                    "forfeits": s.forfeits,
                }
                for s in self.standings
            ],
            "pairings": [match.to_json() for match in self.matches],
        }


def check_entries(games: int, names: Sequence[str]) -> None:
    """ValueError unless a tournament of these players, `games` games for each two of them, can be played."""
    check_games(games)
    if len(names) < 2:
        raise ValueError(f"a tournament needs at least 2 players, got {len(names)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"player {twice[0]} is entered twice; give each player once")


def play_tournament(
    game: Game,
    players: Sequence[Player],
    games: int,
    *,
    seed: int = 0,
    opening_plies: int | None = None,
    on_progress: Callable[[int], None] = lambda games_done: None,
) -> TournamentResult:
    """Play `games` games between each two players.

    Args:
        games: of each pairing; even.
        on_progress: told how many games are done, all pairings together; see `play_match`.
        seed, opening_plies: as for `play_match`.
    Raises: ValueError for an odd number of games, fewer than two players, or two of the same name.
    """
    names = [player.name for player in players]
    check_entries(games, names)
    matches: list[MatchResult] = []
    for pair in itertools.combinations(players, 2):
        before = games * len(matches)

        def tell(games_done: int, before: int = before) -> None:
            on_progress(before + games_done)

        matches.append(
            play_match(game, pair, games, seed=seed, opening_plies=opening_plies, on_progress=tell)
        )
    return tournament_result(game, names, matches)


def tournament_result(game: Game, names: Sequence[str], matches: Sequence[MatchResult]) -> TournamentResult:
    """The tournament of these players whose matches these are, one for each two of them."""
    return TournamentResult(game, tuple(matches), tuple(_standings(names, matches)))


def judgement_table(standings: Sequence[Standing]) -> dict[tuple[str, str], Standing] | None:
    """Standings by (search, value) for {alpha_beta, mcts} x {handcrafted, learned}.

    None unless each of the four is there exactly once; where several share a cell, the one that names
    no `model=` counts.
    """
    cells = {cell: list[tuple[PlayerSpec, Standing]]() for cell in itertools.product(SEARCHES, JUDGEMENTS)}
    for standing in standings:
        spec = parse_spec(standing.player)
        cell = spec.kind, spec.value or ""
        if cell in cells:
            cells[cell].append((spec, standing))
    table = {}
    for cell, found in cells.items():
        counted = found if len(found) == 1 else [each for each in found if each[0].model is None]
        if len(counted) != 1:
            return None
        table[cell] = counted[0][1]
    return table


def _standings(names: Sequence[str], matches: Sequence[MatchResult]) -> list[Standing]:
    pairings = [
        Pairing(
            names.index(match.players[0]),
            names.index(match.players[1]),
            match.pair_scores,
            match.distinct_pairs,
        )
        for match in matches
    ]
    standings = [
        Standing(name, elo, *_record(name, matches))
        for name, elo in zip(names, bradley_terry(len(names), pairings), strict=True)
    ]
    return sorted(standings, key=lambda standing: -standing.elo.estimate)


def _record(name: str, matches: Sequence[MatchResult]) -> tuple[int, float, int]:
    """Games that the player played, points for each, and how many of them it forfeited."""
    played = [(match, match.players.index(name)) for match in matches if name in match.players]
    scores = [match.score if who == 0 else 1 - match.score for match, who in played]
    forfeits = sum(match.forfeits[who] for match, who in played)
    return sum(len(match.records) for match, _ in played), sum(scores) / len(scores), forfeits
