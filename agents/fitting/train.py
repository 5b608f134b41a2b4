"""A fitting from the first game to the last model: play, fit, measure, and again with the better value.

Games are played in chunks, each with a seed of its own and kept as a file of the run folder. So a run that
was stopped goes on with the chunks that are missing, and the same seed gives the same models on any number of
processes.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agents.arena.match import play_match
from agents.fitting.config import FittingConfig
from agents.fitting.games import Samples, play_games
from agents.fitting.models import fit_features, fit_ntuple, labels
from agents.runs.atomic import replacing
from agents.runs.model import ModelHeader, ModelKind
from agents.runs.run import Run
from agents.runs.seeding import child_seed
from agents.search.alpha_beta_player import AlphaBetaPlayer
from agents.search.limits import Limits
from agents.values.fitted import FittedValue
from agents.values.handcrafted import HandcraftedValue
from agents.values.ntuple import NTupleValue
from agents.values.value import Value, ValueKernel
from envs.boards.game import game

CHUNK_GAMES = 250
NTUPLE_PART, FITTED_PART = "alpha_beta", "fitted"  # of the run's models


@dataclass(frozen=True, slots=True)
class Chunk:
    """Games that one process plays in one go."""

    path: Path  # of the file that they become
    games: int
    seed: int


class Fitting:
    """The generations of one run.

    Args:
        run: its folder; chunks of games and models that lie in it are used again.
        config: of the run.
    """

    def __init__(self, run: Run, config: FittingConfig) -> None:
        self.config = config
        self.game = game("othello")
        self._run = run

    def chunks(self, generation: int) -> list[Chunk]:
        """All chunks of a generation, from 1 on."""
        config, chunks = self.config, []
        for first in range(0, config.games, CHUNK_GAMES):
            name = f"games-{generation}-{first // CHUNK_GAMES:04d}"
            games = min(CHUNK_GAMES, config.games - first)
            chunks.append(Chunk(self._run.path / f"{name}.npz", games, child_seed(config.seed, name)))
        return chunks

    def play(self, generation: int) -> Iterator[int]:
        """Play the chunks that are missing; yields how many games of the generation are done."""
        chunks = self.chunks(generation)
        missing = [chunk for chunk in chunks if not chunk.path.is_file()]
        done = sum(chunk.games for chunk in chunks) - sum(chunk.games for chunk in missing)
        yield done
        teacher = None if generation == 1 else self._model_path(generation - 1)
        pool = ProcessPoolExecutor(
            self.config.workers,
            mp_context=get_context("spawn"),
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),  # Ctrl-C is ours: a chunk that is begun is finished
        )
        try:
            played = {pool.submit(play_chunk, teacher, self.config, chunk): chunk for chunk in missing}
            for future in as_completed(played):
                future.result()
                done += played[future].games
                yield done
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def fit(self, generation: int) -> dict[str, float]:
        """Fit both models to the games so far, save them; returns what their match and samples say."""
        samples, targets = self._learned_from(generation)
        values: dict[str, tuple[Value, ModelKind, dict[str, NDArray[np.generic]]]] = {}
        weights = fit_ntuple(samples, targets, self.config)
        values[NTUPLE_PART] = NTupleValue(weights), "board_value_ntuple", weights._asdict()
        of_features = fit_features(samples, targets)
        values[FITTED_PART] = FittedValue(of_features), "board_value_fitted", {"weights": of_features}
        figures = {"samples": float(len(samples))}
        for part, (value, kind, arrays) in values.items():
            score = self._match_score(value)
            figures[f"{part}_score"] = score
            header = ModelHeader(
                kind=kind,
                subject=self.game.name,
                network={},
                config=self.config.to_json(),
                step=generation,
                score=score,
                notes={"samples": len(samples)},
            )
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            self._run.save_model(tensors, header, part)
        with replacing(self._model_path(generation)) as file:
            np.savez(file, **weights._asdict())
        self._run.log(generation, figures)
        self._run.save_state({"step": generation})
        return figures

    def _learned_from(self, generation: int) -> tuple[Samples, NDArray[np.float32]]:
        """The samples of the newest generations with what the models should say of them."""
        first = max(1, generation - self.config.generations_kept + 1)
        parts, targets = [], []
        for each in range(first, generation + 1):
            samples = joined([load_samples(chunk.path) for chunk in self.chunks(each)])
            # The handcrafted value of generation 1 does not count discs: only the results teach.
            targets.append(labels(samples, self.config.search_share if each > 1 else 0.0))
            parts.append(samples)
        return joined(parts), np.concatenate(targets)

    def _match_score(self, value: Value) -> float:
        """Points for each game against the handcrafted value, both as deep as the games were played."""
        limits = Limits(depth=self.config.depth)
        players = (
            AlphaBetaPlayer("fitted", value, limits),
            AlphaBetaPlayer("handcrafted", HandcraftedValue(self.game), limits),
        )
        seed = child_seed(self.config.seed, "match")
        return play_match(self.game, players, self.config.match_games, seed=seed).score

    def _model_path(self, generation: int) -> Path:
        """What the next generation plays with, in a file that compiled code can use without torch."""
        return self._run.path / f"ntuple-{generation}.npz"


def play_chunk(teacher: Path | None, config: FittingConfig, chunk: Chunk) -> None:
    """Play the games of a chunk and write its file; in a process of its own.

    Args:
        teacher: the n-tuple network that both sides play with; None: the handcrafted value.
    """
    samples = play_games(_kernel(teacher), config, chunk.games, chunk.seed)
    with replacing(chunk.path) as file:
        np.savez(file, states=samples.states, result=samples.result, score=samples.score)


def load_samples(path: Path) -> Samples:
    """The samples of a chunk's file."""
    with np.load(path) as arrays:
        return Samples(**arrays)


def joined(parts: Sequence[Samples]) -> Samples:
    """All samples one after the other."""
    return Samples(
        np.concatenate([part.states for part in parts]),
        np.concatenate([part.result for part in parts]),
        np.concatenate([part.score for part in parts]),
    )


@cache
def _kernel(teacher: Path | None) -> ValueKernel:
    from agents.values.ntuple import NTupleWeights

    if teacher is None:
        return HandcraftedValue(game("othello")).kernel
    with np.load(teacher) as arrays:
        return NTupleWeights(**arrays)
