"""Where games are played: a worker takes networks and gives samples. The learner knows no more about it.

`ProcessWorker` plays all the time in a process of its own, with one torch thread; further machines need only
another class of this face. The repeatable form of a training asks `SelfPlay` itself, in turn with the
learner.
"""

import multiprocessing
import queue
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.board_value.config import BoardValueConfig
from agents.board_value.self_play import SelfPlay, SelfPlayCounts
from agents.board_value.targets import Samples
from agents.runs.allocator import keep_freed_memory
from agents.runs.seeding import generators
from agents.values.learned import LearnedValue
from envs.boards.game import game
from networks.build import build

ROUNDS_AT_ONCE = 16  # batches between two looks at the mail
CLOSE_SECONDS = 5.0  # that a process may take to end by itself

Weights = Mapping[str, Tensor]  # the state dict of a policy-value network


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a worker has finished since it was asked last, and its counts since its start."""

    samples: Samples
    counts: SelfPlayCounts


class Worker(Protocol):
    """Plays games with the newest network it was sent."""

    def send(self, weights: Weights) -> None:
        """Play with this network from now on."""

    def receive(self) -> list[Harvest]:
        """What has been finished; does not wait. ChildProcessError when the worker has died."""

    def close(self) -> None:
        """Stop playing; games that are not finished are lost."""


class ProcessWorker:
    """A worker in a process of its own. It ends with the process that made it, however that one ends.

    Args:
        config: of the training.
        seed: of this worker's games.
    """

    def __init__(self, config: BoardValueConfig, seed: int) -> None:
        context = multiprocessing.get_context("spawn")  # torch and numba threads do not survive a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, config.to_json(), seed), daemon=True)
        self._process.start()
        theirs.close()
        self._received: queue.SimpleQueue[Harvest | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, weights: Weights) -> None:
        """Play with this network from now on."""
        try:
            self._connection.send({name: tensor.numpy() for name, tensor in weights.items()})
        except OSError as error:
            raise ChildProcessError(f"the self-play process has died ({self._exit_text()})") from error

    def receive(self) -> list[Harvest]:
        """What has been finished; does not wait. ChildProcessError when the worker has died."""
        harvests: list[Harvest] = []
        while not self._received.empty():
            harvest = self._received.get()
            if harvest is None:
                raise ChildProcessError(f"the self-play process has died ({self._exit_text()})")
            harvests.append(harvest)
        return harvests

    def close(self) -> None:
        """Stop playing; games that are not finished are lost."""
        self._process.terminate()
        self._process.join(CLOSE_SECONDS)
        self._reader.join(CLOSE_SECONDS)
        self._connection.close()

    def _read(self) -> None:
        """Take samples out of the pipe at once, so that the player never waits for the learner."""
        while True:
            try:
                self._received.put(self._connection.recv())
            except (EOFError, OSError):
                self._received.put(None)
                return

    def _exit_text(self) -> str:
        self._process.join(CLOSE_SECONDS)
        return f"exit code {self._process.exitcode}"


def _serve(connection: Connection, config_json: Mapping[str, Any], seed: int) -> None:
    """The life of a worker process: wait for a network, then play until the learner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the learner closes us
    torch.set_num_threads(1)
    keep_freed_memory()
    config = BoardValueConfig.from_json(config_json)
    board_game = game(config.game)
    network = build(config.network(board_game))
    rng = generators(seed, "self_play")["self_play"]
    try:
        network.load_state_dict(_tensors(connection.recv()))
        player = SelfPlay(board_game, LearnedValue(board_game, network), config, rng)
        while True:
            samples = player.play_rounds(ROUNDS_AT_ONCE)
            connection.send(Harvest(samples, player.counts))
            weights = None
            while connection.poll():
                weights = connection.recv()
            if weights is not None:
                network.load_state_dict(_tensors(weights))
                player.use(LearnedValue(board_game, network))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the learner is gone


def _tensors(arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
