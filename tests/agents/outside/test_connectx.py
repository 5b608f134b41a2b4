"""The ConnectX agent: one file, the network's own numbers, wins taken, threats stopped, results proven."""

import ast
import random
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from agents.arena.openings import openings
from agents.outside import connectx_agent
from agents.outside.connectx_agent import Solver, column_of, moves_of, non_losing
from agents.runs.model import ModelHeader, load_model, save_model
from agents.search import connect_four_solver as exact_solver
from agents.values.learned import LearnedValue, planes_shape
from envs.boards.game import Position, game
from networks.build import build
from networks.config import NetworkConfig
from scripts.export_connectx import main

CONNECT_FOUR = game("connect_four")
STANDARD = SimpleNamespace(columns=7, rows=6, inarow=4, actTimeout=0.2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network with two blocks and two hidden layers, and biases that are not 0."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    torch.manual_seed(0)
    config = NetworkConfig(
        trunk="board_resnet",
        input_shape=planes_shape(CONNECT_FOUR),
        head="policy_value",
        num_actions=7,
        channels=8,
        blocks=2,
        hidden_sizes=(16, 8),
    )
    network = build(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    header = ModelHeader(
        kind="board_value", subject="connect_four", network=config.to_json(), config={}, step=1
    )
    save_model(path, network.state_dict(), header)
    return path


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kaggle") / "submission.py"
    assert main([str(model), str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def names(exported: Path) -> dict[str, Any]:
    """What the file defines when it is run as Kaggle runs it."""
    found: dict[str, Any] = {}
    exec(compile(exported.read_text(), "submission", "exec"), found)
    return found


def _observation(position: Position) -> dict[str, Any]:
    return {"board": CONNECT_FOUR.cell_owner(position).ravel().tolist(), "mark": 1 + position.player}


def test_the_file_stands_alone_and_its_last_function_is_the_agent(
    exported: Path, names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    tree = ast.parse(exported.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert foreign == {"numpy"}
    assert [name for name, each in names.items() if callable(each)][-1] == "agent"


def test_the_numpy_network_gives_the_numbers_of_the_torch_network(model: Path, names: dict[str, Any]) -> None:
    value = LearnedValue.load(model, dtype=torch.float32)
    positions = [
        CONNECT_FOUR.position(moves) for moves in ("", "4", "4435", "1122", "5554224333234511764415115")
    ]
    values, priors = value.evaluate(np.array([CONNECT_FOUR.pack(each.state) for each in positions]))
    states = [(int(each.state.own), int(each.state.occupied)) for each in positions]
    logits, ours = names["network"]()(states)
    legal = np.array([CONNECT_FOUR.legal_mask(each.state) for each in positions])
    weights = np.exp(logits) * legal
    np.testing.assert_allclose(ours, values, atol=2e-3)  # half precision
    np.testing.assert_allclose(weights / weights.sum(1, keepdims=True), priors, atol=2e-3)
    assert np.ptp(values) > 0.02  # so that equal numbers tell something


def _wins(position: Position) -> set[int]:
    """The moves that win at once."""
    after = ((action, position.play(action)) for action in position.legal())
    return {action for action, played in after if played.is_over and played.result != 0}


def test_it_wins_at_once_stops_a_win_and_does_not_allow_one(names: dict[str, Any]) -> None:
    rng = random.Random(3)
    seen = {"win": 0, "stop": 0, "not allow": 0}
    while min(seen.values()) < 20:
        position = CONNECT_FOUR.start()
        for _ in range(rng.randrange(6, 36)):
            position = position.play(rng.choice(position.legal()))
            if position.is_over:
                break
        if position.is_over:
            continue
        wins = _wins(position)
        calm = {action for action in position.legal() if not _wins(position.play(action))} - wins
        kind = "win" if wins else "stop" if len(calm) == 1 else "not allow"
        allowed = wins or calm
        if not allowed or len(allowed) == len(position.legal()) or seen[kind] >= 20:
            continue
        seen[kind] += 1
        fast = {**vars(STANDARD), "actTimeout": 0.05}
        observation = _observation(position)
        assert names["agent"](observation, fast) in allowed, (kind, position.moves)
        assert names["agent"](SimpleNamespace(**observation), SimpleNamespace(**fast)) in allowed


def test_what_the_solver_leaves_is_best_by_the_exact_solver() -> None:
    exact, results = exact_solver.Solver(), set()
    for position in openings(CONNECT_FOUR, 40, 24, seed=0):
        own, occupied = int(position.state.own), int(position.state.occupied)
        candidates = moves_of(non_losing(own, occupied))
        if not candidates:
            continue
        left = Solver().good_moves(own, occupied, candidates, time.perf_counter() + 60)
        values = exact.analyse(position.state, weak=True)
        best = max(values.values())
        results.add(best)
        assert left
        assert {values[column_of(move)] for move in left} == {best}
        if best == 0:
            assert len(left) == sum(value == 0 for value in values.values())
    assert results == {-1, 0, 1}


def test_the_solver_excludes_nothing_without_time() -> None:
    state = CONNECT_FOUR.position("44").state
    own, occupied = int(state.own), int(state.occupied)
    candidates = moves_of(non_losing(own, occupied))
    assert Solver().good_moves(own, occupied, candidates, 0.0) == candidates


def test_it_beats_chance_from_both_sides_in_its_time(names: dict[str, Any]) -> None:
    rng = random.Random(1)
    for side in (0, 1):
        position = CONNECT_FOUR.start()
        while not position.is_over:
            if position.player == side:
                began = time.monotonic()
                action = names["agent"](_observation(position), STANDARD)
                assert time.monotonic() - began < 2
            else:
                action = rng.choice(position.legal())
            position = position.play(action)
        assert position.result == (1 if side == 0 else -1)


@pytest.mark.parametrize("sizes", [{"columns": 8}, {"rows": 7}, {"inarow": 5}])
def test_another_board_is_refused(names: dict[str, Any], sizes: dict[str, int]) -> None:
    configuration = {**vars(STANDARD), **sizes}
    with pytest.raises(ValueError, match="this agent plays 7 columns, 6 rows, 4 in a row; the board has"):
        names["agent"](_observation(CONNECT_FOUR.start()), configuration)


def test_models_that_it_cannot_run_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, tensors = load_model(model)
    for name, change in (("tic_tac_toe", {"subject": "tic_tac_toe"}), ("mlp", {"kind": "board_value_mlp"})):
        other = tmp_path / f"{name}.safetensors"
        save_model(other, tensors, ModelHeader(**{**_fields(header), **change}))
        assert main([str(other), str(tmp_path / "out.py")]) == 2
        assert "ConnectX needs a board_value model for connect_four" in capsys.readouterr().err
    other = tmp_path / "norm.safetensors"
    network = {**header.network, "norm": "batch"}
    save_model(other, tensors, ModelHeader(**{**_fields(header), "network": network}))
    assert main([str(other), str(tmp_path / "out.py")]) == 2
    assert "not board_resnet policy_value relu batch" in capsys.readouterr().err
    assert main([str(model), str(tmp_path / "out.txt")]) == 2
    assert "OUT must end in .py" in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_the_agents_own_file_holds_no_weights() -> None:
    assert connectx_agent.WEIGHTS == ""


def _fields(header: ModelHeader) -> dict[str, Any]:
    return {name: getattr(header, name) for name in header.__dataclass_fields__}
