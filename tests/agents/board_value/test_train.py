"""Whole trainings, tiny: the same again, the same after a stop, better than chance, clean ends."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.arena.match import play_match
from agents.board_value import workers
from agents.board_value.config import BoardValueConfig
from agents.board_value.presets import PRESETS, TIC_TAC_TOE
from agents.board_value.train import Training
from agents.players import RandomPlayer
from agents.search.mcts import MCTSPlayer
from agents.workers.processes import ProcessSite
from envs.boards.game import game
from tests.agents.workers.harvest_log import check_counts, lines, logged_to

TINY = replace(
    TIC_TAC_TOE,
    iterations=4,
    workers=1,
    games_per_iteration=12,
    updates_per_iteration=3,
    full_simulations=12,
    fast_simulations=6,
    channels=8,
    blocks=1,
    batch_size=32,
    mlp_batch_size=32,
    held_positions=0,
)


def weights(training: Training) -> dict[str, torch.Tensor]:
    both = {"large": training.learner, "small": training.mlp_learner}
    return {
        f"{size}.{name}": tensor
        for size, learner in both.items()
        for name, tensor in (learner.average.state_dict() | learner.network.state_dict()).items()
    }


def same(ours: Training, theirs: Training) -> bool:
    other = weights(theirs)
    return all(torch.equal(tensor, other[name]) for name, tensor in weights(ours).items())


def finished(config: BoardValueConfig) -> Training:
    training = Training(config)
    for _ in training.run():
        pass
    return training


def test_a_seed_repeats_a_training_and_another_does_not() -> None:
    first = finished(TINY)
    assert same(first, finished(TINY))
    assert not same(first, finished(replace(TINY, seed=1)))
    assert first.counts.games == 48
    assert first.learner.updates == 12


def test_a_resumed_training_equals_one_that_was_never_stopped(tmp_path: Any) -> None:
    through = finished(TINY)
    stopped = Training(TINY)
    progress = list(islice(stopped.run(), 2))[-1]
    assert progress.fraction == 0.5
    torch.save(stopped.state_dict(), tmp_path / "state.pt")
    resumed = Training(TINY)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    fractions = [progress.fraction for progress in resumed.run()]
    assert fractions == [0.75, 1.0]
    assert same(through, resumed)
    assert resumed.counts == through.counts


def test_a_short_training_side_by_side_learns_from_games_of_the_worker() -> None:
    training = Training(replace(TINY, iterations=None, minutes=0.25, send_seconds=0.5))
    for _ in training.run():
        pass
    assert training.learner.updates > 10
    assert training.counts.games > 20
    assert training.learner.updates * 32 <= TINY.reuse_max * training.window.total + 32
    assert 15 <= training.seconds < 20  # the wait for the worker does not count
    assert not multiprocessing.active_children()


def test_a_killed_worker_is_replaced_and_no_game_is_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "harvests"
    monkeypatch.setattr(workers, "SelfPlayJob", logged_to(log))
    training = Training(replace(TINY, iterations=None, minutes=60, workers=2, send_seconds=0.2))
    running = training.run()

    def train_until(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 200
        while not holds():
            next(running)
            assert time.monotonic() < deadline

    def players() -> set[int]:
        return {line[0] for line in lines(log)}

    train_until(lambda: len(players()) == 2 and training.learner.updates > 3)
    os.kill(lines(log)[-1][0], signal.SIGKILL)
    train_until(lambda: len(training.deaths) == 1)
    games = training.counts.games
    train_until(lambda: len(players()) == 3 and training.counts.games > games + 20)
    running.close()
    assert training.deaths == ["exit code -9"]
    check_counts(log, training.counts.games, training.window.total)
    assert not multiprocessing.active_children()


def test_a_network_that_was_sent_is_not_changed_by_what_is_learned_later() -> None:
    class Keeping(ProcessSite):
        """Shares nothing but remembers what it was given, and has no room for workers."""

        shared: Any = None

        def share(self, value: Any) -> Any:
            self.shared = value
            return value

    site, weights = Keeping(0), {"w": torch.ones(3)}
    with workers.SelfPlayCrew(site, TINY, 1, weights):
        weights["w"].zero_()
        assert site.shared["w"].tolist() == [1, 1, 1]


@pytest.mark.slow
def test_twenty_seconds_of_training_beat_chance_soundly() -> None:
    training = finished(replace(TIC_TAC_TOE, minutes=1 / 3, held_positions=0))
    board_game = game("tic_tac_toe")
    player = MCTSPlayer("learned", board_game, training.value(), simulations=16)
    result = play_match(board_game, (player, RandomPlayer()), 200, seed=5)
    assert result.score > 0.9
    assert result.count(-1) <= 4


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_is_the_same_after_json(name: str) -> None:
    config = PRESETS[name]
    assert BoardValueConfig.from_json(config.to_json()) == config
    played = game(config.game)
    assert config.network(played).num_actions == played.num_actions


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"game": "chess"}, "BoardValueConfig.game must be one of"),
        ({"minutes": 0.0}, "BoardValueConfig.minutes must be above 0, got 0.0"),
        ({"full_fraction": 1.5}, r"BoardValueConfig.full_fraction must be in \[0, 1\]"),
        ({"fast_simulations": 1000}, "BoardValueConfig.fast_simulations must be at most full_simulations"),
        ({"window_max": 3}, "BoardValueConfig.window_max must be at least window_min"),
        ({"seed": -1}, "BoardValueConfig.seed must be at least 0"),
        ({"opening_plies_max": 9}, "opening_plies_max must be at most 8: hardly a random game is longer"),
        ({"iterations": 0}, "BoardValueConfig.iterations must be above 0"),
        ({"squeezed_planes": 0}, "NetworkConfig.squeezed_planes must be an integer of at least 1, got 0"),
        ({"hidden_sizes": (0,)}, "NetworkConfig.hidden_sizes must be a tuple of positive integers"),
        ({"mlp_hidden_sizes": (16, 0)}, "BoardValueConfig.mlp_hidden_sizes must be above 0"),
        ({"workers": 0}, "workers must be a number of processes from 1, or ray"),
        ({"workers": "rai:2"}, "got 'rai:2'"),
        ({"workers": "ray", "iterations": 1}, "BoardValueConfig.workers must be a number with iterations"),
    ],
)
def test_fields_outside_their_range_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        replace(TIC_TAC_TOE, **changes)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(ValueError, match="has no field colour"):
        BoardValueConfig.from_json(TIC_TAC_TOE.to_json() | {"colour": "red"})
