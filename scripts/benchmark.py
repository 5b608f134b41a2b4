"""python scripts/benchmark.py [NAME ...]: how fast this is, beside peers on the same work in the same run.

Absolute figures depend on the machine and on what else it does; quote the ratios. `search` prints the
node-count signature: the same number on every machine, until somebody changes what the search visits. With
`--end-games FILE`, such as fforum-20-39.obf of the Edax program, it also solves a file of Othello positions.
`limits` prints how late moves come when time is limited, `view` what the viewer takes, each beside what is
asked of it.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import tyro

from agents.dqn.config import TrainingConfig
from agents.players import Player
from scripts.command_line import check_output, command, parse

SIGNATURE_DEPTHS = {"tic_tac_toe": 9, "connect_four": 9, "othello": 7}
SIGNATURE_OPENINGS = 8  # positions a game, from random openings of SIGNATURE_PLIES
SIGNATURE_PLIES = 4
LEARNED_DEPTHS = {"connect_four": 9, "othello": 6}
SOLVED_PLIES = 14  # played at random before the solver begins; 28 are to go
LIMITED = [(kind, value) for kind in ("alpha_beta", "mcts") for value in ("handcrafted", "learned")]
LIMIT_SECONDS = 0.05
LIMIT_MOVES = 30
VIEWED = {
    "pong": ("pong",),
    "connect_four": ("connect_four", "mcts:value=learned", "alpha_beta:value=handcrafted"),
}
VIEW_STEPS = 8  # of the game or episode, for each page
VIEW_GAMES = 100  # more than are played
THINKER = "mcts:value=learned,seconds=60"  # longer than anybody measures


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One speed, and the peer's on the same work; `ratio` is ours over the peer's.

    `goal`: what is asked for instead, in words.
    """

    ours: float
    unit: str
    what: str
    peer: float | None = None
    peer_name: str | None = None
    goal: str | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the peer's speed."""
        return None if self.peer is None else self.ours / self.peer


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """Which speeds to measure, and for how long."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()  # of BENCHMARKS; all if none
    seconds: float = 3.0  # for each measurement, ours and the peer's
    think_seconds: float = 10.0  # of the agent in `view`, while keys are pressed
    seed: int = 0  # of the positions searched, to which the signature belongs, and of all that learns
    # `search` also solves these: board, side to move, scores of the moves (.obf)
    end_games: Path | None = None
    json: Path | None = None  # write {name: {ours, peer, ratio, unit, ...}}

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in BENCHMARKS:
                raise ValueError(f"no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}")
        if self.json is not None:
            check_output("--json", self.json)
        if self.end_games is not None and not self.end_games.is_file():
            raise ValueError(f"--end-games {self.end_games}: no such file")
        if self.seconds <= 0:
            raise ValueError(f"--seconds must be positive, got {self.seconds}")
        if not 1 <= self.think_seconds <= 50:
            raise ValueError(f"--think-seconds must be in [1, 50], got {self.think_seconds}")


def rate(work: Callable[[], float], seconds: float) -> float:
    """Units a second of `work`, which does some and says how many; a first call, to compile, is not timed."""
    work()
    started, done = time.perf_counter(), 0.0
    while (elapsed := time.perf_counter() - started) < seconds:
        done += work()
    return done / elapsed


def rules_figures(config: BenchmarkConfig) -> Iterator[tuple[str, Figure]]:
    """Perft: games of a fixed length counted, beside open_spiel driven from Python."""
    import pyspiel

    from envs.boards.game import game
    from envs.boards.perft import perft

    depths = {"tic_tac_toe": 8, "connect_four": 8, "othello": 8}

    def peer_perft(state: Any, depth: int) -> int:
        if depth == 0 or state.is_terminal():
            return depth == 0
        return sum(peer_perft(state.child(action), depth - 1) for action in state.legal_actions())

    for name, depth in depths.items():
        start, peer_start = game(name).initial, pyspiel.load_game(name).new_initial_state()
        yield (
            f"{name}_perft",
            Figure(
                ours=rate(partial(perft, start, depth), config.seconds),
                peer=rate(partial(peer_perft, peer_start, 4), config.seconds),
                peer_name="open_spiel from Python",
                unit="leaves/s",
                what=f"perft {depth}, the peer's perft 4",
            ),
        )


def search_figures(config: BenchmarkConfig) -> Iterator[tuple[str, Figure]]:
    """Alpha-beta's and the solver's nodes a second, and the signature: all nodes of fixed searches."""
    from agents.arena.openings import openings
    from agents.roster import build_player
    from agents.search.connect_four_solver import Solver
    from envs.boards.connect_four import ConnectFour
    from envs.boards.game import game

    def searches(name: str, value: str, depth: int) -> Callable[[], float]:
        player = build_player(f"alpha_beta:value={value},depth={depth}", game(name))
        positions = openings(game(name), SIGNATURE_OPENINGS, SIGNATURE_PLIES, config.seed)

        def nodes() -> float:
            player.reset(0)
            return sum(player.choose(position).statistics["nodes"] for position in positions)

        return nodes

    signature = 0
    for name, depth in SIGNATURE_DEPTHS.items():
        nodes = searches(name, "handcrafted", depth)
        signature += int(nodes())
        speed = rate(nodes, config.seconds)
        yield f"{name}_alpha_beta", Figure(ours=speed, unit="nodes/s", what=f"handcrafted, depth {depth}")
    yield "signature", Figure(ours=signature, unit="nodes", what="the same on every machine")
    for name, depth in LEARNED_DEPTHS.items():
        speed = rate(searches(name, "learned", depth), config.seconds)
        yield f"{name}_alpha_beta_learned", Figure(ours=speed, unit="nodes/s", what=f"learned, depth {depth}")

    solver = Solver()
    solved = openings(game("connect_four"), SIGNATURE_OPENINGS, SOLVED_PLIES, config.seed)

    def solver_nodes() -> float:
        count = 0
        for position in solved:
            assert isinstance(position.state, ConnectFour)
            solver.forget()
            solver.solve(position.state)
            count += solver.nodes
        return count

    what = f"the exact score, each of {len(solved)} positions from an empty table"
    yield "connect_four_solver", Figure(ours=rate(solver_nodes, config.seconds), unit="nodes/s", what=what)
    if config.end_games is not None:
        yield from _end_game_figures(config.end_games)


def _end_game_figures(path: Path) -> Iterator[tuple[str, Figure]]:
    """Othello end games solved one after the other, each from an empty table; compilation is not timed."""
    from agents.search.end_games import read_end_games
    from agents.search.othello_solver import OthelloSolver

    end_games = read_end_games(path)
    solver = OthelloSolver()
    solver.solve(min(end_games, key=lambda each: each.num_empty).state)
    wrong = nodes = 0
    elapsed = processor = 0.0
    for end_game in end_games:
        solver.forget()
        started, processor_started = time.perf_counter(), time.process_time()
        wrong += solver.solve(end_game.state) != end_game.score
        elapsed += time.perf_counter() - started
        processor += time.process_time() - processor_started
        nodes += solver.nodes
    what = f"{len(end_games)} end games, {wrong} wrong, {processor:.1f} s of one processor"
    yield "end_games", Figure(ours=elapsed, unit="s", what=what)
    yield "end_games_nodes", Figure(ours=nodes / elapsed, unit="nodes/s", what=f"{nodes:,} nodes")


def limit_figures(config: BenchmarkConfig) -> Iterator[tuple[str, Figure]]:
    """How late moves come at a limit of time: the latest of some positions, each player and game."""
    from agents.arena.openings import openings
    from agents.roster import build_player
    from envs.boards.game import game

    for name in ("connect_four", "othello"):
        positions = openings(game(name), LIMIT_MOVES, SIGNATURE_PLIES, config.seed)
        for kind, value in LIMITED:
            player = build_player(f"{kind}:value={value},seconds={LIMIT_SECONDS}", game(name))
            player.choose(positions[0])  # compiles
            late = []
            for position in positions:
                started = time.perf_counter()
                player.choose(position)
                late.append(1000 * (time.perf_counter() - started - LIMIT_SECONDS))
            what = (
                f"{1000 * LIMIT_SECONDS:.0f} ms a move: the latest of {len(late)}, median {median(late):.1f}"
            )
            figure = Figure(ours=max(late), unit="ms", what=what, goal="at most 5")
            yield f"{name}_{kind}_{value}_late", figure


def mcts_figures(config: BenchmarkConfig) -> Iterator[tuple[str, Figure]]:
    """MCTS on Connect Four from the start, beside open_spiel's C++ bot."""
    import pyspiel

    from agents.roster import build_player
    from envs.boards.game import game

    simulations = 10_000
    start = game("connect_four").start()
    peer_game = pyspiel.load_game("connect_four")
    bot = pyspiel.MCTSBot(
        peer_game,
        pyspiel.RandomRolloutEvaluator(1, config.seed),
        1.4,
        simulations,
        64,
        False,
        config.seed,
        False,
    )
    peer_start = peer_game.new_initial_state()
    peer = rate(lambda: (bot.mcts_search(peer_start), simulations)[1], config.seconds)
    for value in ("rollout", "handcrafted"):
        player = build_player(f"mcts:value={value},simulations={simulations}", start.game)

        def search(player: Player = player) -> float:
            player.reset(0)
            return player.choose(start).statistics["simulations"]

        yield (
            f"connect_four_mcts_{value}",
            Figure(
                ours=rate(search, config.seconds),
                peer=peer,
                peer_name="open_spiel MCTSBot, one random rollout",
                unit="simulations/s",
                what=f"{simulations} simulations, one thread",
            ),
        )


def dqn_figures(config: BenchmarkConfig) -> Iterator[tuple[str, Figure]]:
    """Steps a second while learning Pong, acting and emulation included, beside stable-baselines3's DQN.

    The Nature network and one-step targets throughout. Ours runs as the presets do, PQN with the two epochs
    of its paper; the peer has its own settings for Atari, on one thread or on all cores, whichever is faster.
    """
    from dataclasses import replace

    from agents.dqn.lanes import lane_count
    from agents.dqn.presets import ATARI, PQN

    starts = 1_000
    plain = replace(
        ATARI, n_step=1, double=False, replay_size=20_000, learning_starts=starts, epsilon_start=0.1,
        epsilon_end=0.1, seed=config.seed,
    )  # fmt: skip
    large = replace(plain, batch_size=256, learn_every_steps=32)
    small = replace(plain, batch_size=32, learn_every_steps=4)
    parallel = replace(
        PQN, num_envs=64, epochs=2, minibatches=8, epsilon_start=0.1, epsilon_end=0.1, seed=config.seed
    )
    peer = max(
        _peer_dqn(starts, config.seconds, config.seed, threads) for threads in {1, lane_count(0, pays=True)}
    )
    for name, learning, what in (
        ("pong_dqn", large, "8 samples a step: ours 256 each 32 steps, the peer's 32 each 4"),
        ("pong_dqn_preset", plain, "8 samples a step: ours 128 each 16 steps, as the presets"),
        ("pong_dqn_same_updates", small, "32 samples each 4 steps, ours and the peer's"),
        ("pong_pqn", parallel, "ours without a replay, 2 samples a step; the peer 8"),
    ):
        ours = _learning_speed(learning, 2 * starts, config.seconds)
        yield name, Figure(ours=ours, peer=peer, peer_name="stable-baselines3", unit="env steps/s", what=what)


def view_figures(config: BenchmarkConfig) -> Iterator[tuple[str, Figure]]:
    """The viewer: until the first picture, frames of each page, answers to keys while an agent thinks."""
    from agents.watching.scenes import open_scene, programme
    from agents.watching.timing import answer_seconds, first_picture_seconds, page_frames

    for name, what in VIEWED.items():
        first_picture_seconds(what)  # warms the disk, and compiles
        seconds = first_picture_seconds(what)
        told = f"watch.py {name}, the second start"
        yield f"{name}_first_picture", Figure(ours=1000 * seconds, unit="ms", what=told, goal="under 3,000")
    for name, what in VIEWED.items():
        scene = open_scene(programme(what, seed=config.seed, games=VIEW_GAMES))
        for page in page_frames(scene, steps=VIEW_STEPS):
            processor = 1000 * page.processor_seconds / len(page.seconds)
            slowest = 1000 * max(page.seconds)
            told = (
                f"{len(page.seconds)} pictures, {processor:.1f} ms of a processor; slowest {slowest:.0f} ms"
            )
            figure = Figure(ours=page.rate, unit="frames/s", what=told, goal="60")
            yield f"{name}_{page.page.lower()}_page", figure
        scene.close()
    scene = open_scene(programme(("connect_four", THINKER, "human"), seed=config.seed))
    answers = answer_seconds(scene, config.think_seconds)
    median = 1000 * sorted(answers)[len(answers) // 2]
    told = f"the slowest of {len(answers)} keys while {THINKER} thinks; median {median:.0f} ms"
    yield "answer", Figure(ours=1000 * max(answers), unit="ms", what=told, goal="under 50")


def _learning_speed(config: TrainingConfig, warm_up: int, seconds: float) -> float:
    """Env steps a second of a training, after `warm_up` steps and one stride."""
    from agents.dqn.supervise import make_training

    strides = make_training(config).run()
    while next(strides).step < warm_up:
        pass

    def stride() -> float:
        next(strides)
        return config.stride

    return rate(stride, seconds)


def _peer_dqn(starts: int, seconds: float, seed: int, threads: int) -> float:
    """Env steps a second of stable-baselines3's DQN with its own settings for Atari."""
    from dataclasses import replace

    import torch
    from stable_baselines3.common.callbacks import BaseCallback

    from agents.dqn.presets import ATARI
    from agents.peer_settings import ZOO_ATARI
    from agents.peer_training import make_peer

    class Stopwatch(BaseCallback):
        """Times the steps after `starts`, and ends the training."""

        started, steps, elapsed = 0.0, 0, 0.0

        def _on_step(self) -> bool:
            if self.num_timesteps <= starts:
                self.started = time.perf_counter()
                return True
            self.steps = self.num_timesteps - starts
            self.elapsed = time.perf_counter() - self.started
            return self.elapsed < seconds

    settings = replace(
        ZOO_ATARI, buffer_size=10_000, learning_starts=starts, exploration_fraction=1e-6,
        exploration_final_eps=0.1,
    )  # fmt: skip
    model = make_peer(replace(ATARI, seed=seed, device="cpu"), settings)
    watch = Stopwatch()
    torch.set_num_threads(threads)
    model.learn(10**9, callback=watch)
    if model.env is not None:
        model.env.close()
    return watch.steps / watch.elapsed


BENCHMARKS: dict[str, Callable[[BenchmarkConfig], Iterator[tuple[str, Figure]]]] = {
    "rules": rules_figures,
    "search": search_figures,
    "limits": limit_figures,
    "mcts": mcts_figures,
    "dqn": dqn_figures,
    "view": view_figures,
}


def as_row(name: str, figure: Figure) -> str:
    """One figure on one line."""
    row = f"{name:<28} {figure.ours:>15,.0f} {figure.unit:<14}"
    if figure.ratio is not None:
        row += f" {figure.ratio:7.1f} x {figure.peer_name}"
    if figure.goal is not None:
        row += f" asked: {figure.goal}"
    return f"{row}  ({figure.what})"


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print one line for each figure."""
    config = parse(BenchmarkConfig, argv, description=__doc__ or "")
    found: dict[str, dict[str, Any]] = {}
    for benchmark in config.names or tuple(BENCHMARKS):
        for name, figure in BENCHMARKS[benchmark](config):
            print(as_row(name, figure), flush=True)
            found[name] = asdict(figure) | {"ratio": figure.ratio}
    if config.json is not None:
        config.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"written to {config.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
