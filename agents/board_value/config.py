"""Everything that a self-play training depends on, as plain data. No torch: a wrong flag is told at once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from agents.workers.config import parse_workers
from envs.boards.game import GAMES, Game, game
from networks.config import NetworkConfig

RANDOM_PLIES_MAX = {"tic_tac_toe": 8, "connect_four": 40, "othello": 58}  # after so many, some games go on


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardValueConfig:
    """A self-play training: how long, how games are played, what is learned; saved in each model and run.

    Two networks learn from the same games: a policy-value network on planes, for MCTS, and a small value
    network on the raw bits, for alpha-beta's compiled code.
    """

    game: str

    # How long, and how many

    minutes: float = 10.0  # wall clock from the first game on, all sittings; self-play in its own processes
    iterations: int | None = None  # instead: so many rounds of games and updates, repeatable to the bit
    then: str | None = None  # the preset that the run goes on as after that, larger for instance
    games_per_iteration: int = 64  # with iterations
    updates_per_iteration: int = 32  # with iterations

    # Self-play

    workers: int | str = 2  # processes, one for each core (the learner mostly waits for games), or ray[:N]
    games_at_once: int = 512  # one leaf of each in every batch
    full_simulations: int = 96  # for the moves that are learned from
    fast_simulations: int = 24  # for all other moves (playout cap randomisation: Wu 2019, section 3.1)
    full_fraction: float = 0.25  # of moves with full simulations (Wu 2019)
    noise_alpha: float = 1.0  # of Dirichlet noise; 10 / mean number of moves (Silver et al. 2018)
    noise_fraction: float = 0.25  # (Silver et al. 2018)
    opening_fraction: float = 0.7  # of games that begin with random moves
    opening_plies_max: int = 14  # random moves at most; their number is uniform from 1
    temperature_plies: int = 10  # moves drawn in proportion to visits, after the opening
    late_temperature: float = 0.35  # exponent 1 / T on visits after that
    solve_from_ply: int = 0  # a solver says how it ends, in trees and games (Connect Four); 0: never

    # Targets and replay

    search_value_share: float = 0.5  # in the value target, beside the outcome; proven values count whole
    window_min: int = 30_000  # samples kept at first
    window_max: int = 300_000  # samples kept at most
    window_share: float = 0.6  # of all samples so far that are kept, between window_min and window_max
    reuse_max: float = 12.0  # how often a sample is learned from, on average; the learner waits at this limit

    # Policy-value network

    channels: int = 32
    blocks: int = 3
    hidden_sizes: tuple[int, ...] = (64,)  # of the value head
    squeezed_planes: int = 4  # of the 1x1 convolutions before both heads
    norm: Literal["none", "batch"] = "none"  # of each layer; folded into its weights for play

    symmetries: int = 1  # images of a position that the finished network is asked about, for their mean

    # Learner

    batch_size: int = 512
    optimiser: Literal["adamw", "muon"] = "adamw"  # of the policy-value network
    learning_rate: float = 2e-3  # after the warm-up; falls in a half cosine with time
    learning_rate_end: float = 5e-5
    warmup_updates: int = 100
    weight_decay: float = 1e-3
    value_weight: float = 1.0  # of the value's squared error beside the policy's cross entropy
    average_decay: float = 0.995  # of the running mean of weights, by which games are played and models saved

    # Small value network for alpha-beta

    mlp_hidden_sizes: tuple[int, int] = (128, 32)
    mlp_batch_size: int = 512  # samples, and as many positions beside them
    mlp_stray_plies_max: int = 3  # random plies between the two
    mlp_learning_rate: float = 2e-3  # of AdamW, on the same schedule

    # Looking and keeping

    held_positions: int = 500  # solved positions of its own, never learned from; 0: none
    held_games: int = 0  # of a match against the handcrafted value, where there is no solver; 0: none
    held_simulations: int = 64  # of the policy-value network's search in both
    held_depth: int = 4  # plies of the small network's search in both
    evaluate_seconds: float = 60.0  # between two looks
    send_seconds: float = 5.0  # between two networks sent to self-play
    save_seconds: float = 60.0  # between two training states: what a power cut may cost
    seed: int = 0

    def __post_init__(self) -> None:
        if self.game not in GAMES:
            raise ValueError(f"BoardValueConfig.game must be one of {', '.join(GAMES)}, got {self.game!r}")
        for name in _POSITIVE:
            _require(getattr(self, name) > 0, name, "above 0", getattr(self, name))
        for name in _SHARES:
            _require(0 <= getattr(self, name) <= 1, name, "in [0, 1]", getattr(self, name))
        for name in ("noise_alpha", "late_temperature", "value_weight"):
            _require(getattr(self, name) > 0, name, "above 0", getattr(self, name))
        for name in (
            "temperature_plies",
            "warmup_updates",
            "weight_decay",
            "held_positions",
            "held_games",
            "solve_from_ply",
            "seed",
        ):
            _require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        on_ray = parse_workers(self.workers).on_ray
        if self.iterations is not None:
            _require(self.iterations > 0, "iterations", "above 0", self.iterations)
            _require(not on_ray, "workers", "a number with iterations, which play here", self.workers)
        allowed = f"at most full_simulations ({self.full_simulations})"
        _require(
            self.fast_simulations <= self.full_simulations, "fast_simulations", allowed, self.fast_simulations
        )
        _require(min(self.mlp_hidden_sizes) > 0, "mlp_hidden_sizes", "above 0", self.mlp_hidden_sizes)
        rules = game(self.game)
        self.network(rules)  # its fields check themselves
        most = rules.num_symmetries
        _require(
            self.symmetries <= most, "symmetries", f"at most {most}, as {self.game} has", self.symmetries
        )
        if self.solve_from_ply:
            _require(self.game == "connect_four", "solve_from_ply", "0 for this game", self.solve_from_ply)
            allowed = f"above opening_plies_max ({self.opening_plies_max})"
            _require(
                self.solve_from_ply > self.opening_plies_max, "solve_from_ply", allowed, self.solve_from_ply
            )
        most = RANDOM_PLIES_MAX[self.game]
        for name in ("opening_plies_max", "solve_from_ply"):
            plies = getattr(self, name)
            _require(plies <= most, name, f"at most {most}: hardly a random game is longer", plies)
        allowed = f"at least window_min ({self.window_min})"
        _require(self.window_max >= self.window_min, "window_max", allowed, self.window_max)

    def network(self, game: Game) -> NetworkConfig:
        """The policy-value network. ValueError for sizes that make none."""
        return NetworkConfig(
            trunk="board_resnet",
            input_shape=(game.num_planes, *game.board_shape),
            head="policy_value",
            num_actions=game.num_actions,
            hidden_sizes=self.hidden_sizes,
            channels=self.channels,
            blocks=self.blocks,
            squeezed_planes=self.squeezed_planes,
            norm=self.norm,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "BoardValueConfig":
        """The inverse of `to_json`. ValueError naming an unknown field."""
        if unknown := set(values) - {field.name for field in fields(cls)}:
            raise ValueError(f"BoardValueConfig has no field {', '.join(sorted(unknown))}")
        as_tuples: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in values.items()
        }
        return cls(**as_tuples)


_POSITIVE = (
    "minutes",
    "games_per_iteration",
    "updates_per_iteration",
    "games_at_once",
    "full_simulations",
    "fast_simulations",
    "opening_plies_max",
    "window_min",
    "reuse_max",
    "batch_size",
    "learning_rate",
    "learning_rate_end",
    "mlp_batch_size",
    "mlp_stray_plies_max",
    "mlp_learning_rate",
    "held_simulations",
    "held_depth",
    "evaluate_seconds",
    "send_seconds",
    "save_seconds",
    "symmetries",
)
_SHARES = (
    "full_fraction",
    "noise_fraction",
    "opening_fraction",
    "search_value_share",
    "window_share",
    "average_decay",
)


def _require(holds: bool, name: str, allowed: str, given: Any) -> None:
    if not holds:
        raise ValueError(f"BoardValueConfig.{name} must be {allowed}, got {given!r}")
