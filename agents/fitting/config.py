"""Everything that a fitting depends on, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class FittingConfig:
    """Generations of Othello games by alpha-beta, and the linear models fitted to them; saved in each run.

    The first generation plays with the handcrafted value, each later one with the n-tuple network fitted to
    the games before it. The same games fit the weights of the handcrafted features.
    """

    # Games

    generations: int = 4
    games: int = 40_000  # of each generation
    depth: int = 4  # plies of the search that plays
    exact_empties: int = 12  # from so many empty squares on, who wins is searched to the end
    opening_plies_min: int = 4  # random plies before the first sample; their number is uniform
    opening_plies_max: int = 24
    workers: int = 2  # processes that play

    # Models

    search_share: float = 0.5  # of the search's opinion in a label, beside the result, from generation 2 on
    generations_kept: int = 3  # the newest ones, that a model is fitted to
    ridge: float = 8.0  # imagined samples that speak for a weight of 0, against chance in rare shapes
    iterations: int = 40  # of conjugate gradients

    # Measuring

    match_games: int = 200  # against the handcrafted value at equal depth, after each generation

    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("generations", "games", "depth", "workers", "generations_kept", "iterations"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(0 <= self.exact_empties <= 20, "exact_empties", "in 0..20, or games take hours")
        self._require(
            0 <= self.opening_plies_min <= self.opening_plies_max <= 50,
            "opening_plies_min",
            f"in 0..opening_plies_max ({self.opening_plies_max}), which is at most 50",
        )
        self._require(0 <= self.search_share <= 1, "search_share", "in [0, 1]")
        self._require(self.ridge > 0, "ridge", "above 0: a shape that never occurred has no other weight")
        self._require(self.match_games >= 2 and self.match_games % 2 == 0, "match_games", "even, at least 2")
        self._require(self.seed >= 0, "seed", "at least 0")

    def _require(self, holds: bool, name: str, allowed: str) -> None:
        if not holds:
            raise ValueError(f"FittingConfig.{name} must be {allowed}, got {getattr(self, name)!r}")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "FittingConfig":
        """The inverse of `to_json`. ValueError naming an unknown field."""
        if unknown := set(values) - {field.name for field in fields(cls)}:
            raise ValueError(f"FittingConfig has no field {', '.join(sorted(unknown))}")
        return cls(**values)
