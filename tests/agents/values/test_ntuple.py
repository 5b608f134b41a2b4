"""The n-tuple network against its definition, square by square."""

from pathlib import Path

import numpy as np
import pytest
import torch

from agents.runs.model import ModelHeader, save_model
from agents.values.ntuple import (
    NUM_LOOKED_AT,
    NUM_WEIGHTS,
    STAGES,
    TUPLES,
    VIEWS,
    NTupleValue,
    NTupleWeights,
    fill_indices,
    shared_weights,
    stage,
)
from agents.values.value import SCORE_MAX, score
from envs.boards import rules
from envs.boards.game import game
from envs.boards.othello import Othello

OTHELLO = game("othello")


def random_states(count: int) -> list[Othello]:
    """Unfinished positions of random games."""
    rng = np.random.default_rng(3)
    found: list[Othello] = []
    while len(found) < count:
        position = OTHELLO.start()
        for _ in range(rng.integers(56)):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if not position.is_over:
            found.append(position.state)
    return found


def random_weights(shared: bool = True) -> NTupleWeights:
    rng = np.random.default_rng(5)
    tables = rng.integers(-300, 300, size=(STAGES, NUM_WEIGHTS)).astype(np.int16)
    if shared:
        tables = np.ascontiguousarray(tables[:, shared_weights()])
    return NTupleWeights(tables, rng.integers(-50, 50, size=65).astype(np.int16))


def indices_by_definition(state: Othello) -> list[int]:
    """Each tuple read off a board of digits, which is turned by hand."""
    board = np.array([(int(state.own) >> i & 1) + 2 * (int(state.opponent) >> i & 1) for i in range(64)])
    board = board.reshape(8, 8)
    starts: dict[str, int] = {}
    total = 0
    for name, squares in TUPLES:
        if name not in starts:
            starts[name], total = total, total + 3 ** len(squares)
    found = []
    for _ in range(VIEWS):
        for name, squares in TUPLES:
            found.append(starts[name] + sum(int(board[square]) * 3**i for i, square in enumerate(squares)))
        board = np.rot90(board)
    return found


def test_indices_are_those_of_the_definition() -> None:
    states = random_states(40)
    indices = np.zeros((len(states), NUM_LOOKED_AT), np.int32)
    fill_indices(np.array(states, np.uint64), indices)
    for state, found in zip(states, indices, strict=True):
        assert found.tolist() == indices_by_definition(state)
    assert indices.max() < NUM_WEIGHTS


def test_a_score_is_the_sum_of_the_weights_of_its_stage_and_the_turn() -> None:
    weights = random_weights(shared=False)
    for state in random_states(40):
        empties = 64 - (int(state.own) | int(state.opponent)).bit_count()
        table = weights.tables[(empties - 1) // 4].astype(int)
        total = table[indices_by_definition(state)].sum() + weights.bias[empties]
        assert score(weights, state) == np.clip(total, -SCORE_MAX, SCORE_MAX)


def test_the_board_is_worth_the_same_however_it_is_turned_or_mirrored() -> None:
    weights = random_weights()
    for state in random_states(30):
        for symmetry in range(OTHELLO.num_symmetries):
            assert score(weights, rules.transform(state, symmetry)) == score(weights, state)


def test_without_shared_weights_a_mirror_would_show() -> None:
    weights = random_weights(shared=False)
    state = random_states(1)[0]
    assert len({score(weights, rules.transform(state, k)) for k in range(8)}) > 1


def test_sharing_names_one_weight_for_both_images_and_itself() -> None:
    shared = shared_weights()
    np.testing.assert_array_equal(shared[shared], shared)
    assert np.all(shared <= np.arange(NUM_WEIGHTS))


def test_stages_cover_all_numbers_of_empty_squares() -> None:
    assert [stage(empties) for empties in (0, 1, 4, 5, 8, 57, 60)] == [0, 0, 0, 1, 1, 14, 14]


def test_a_file_brings_the_same_value_back_and_another_shape_is_refused(tmp_path: Path) -> None:
    weights = random_weights()
    header = ModelHeader(kind="board_value_ntuple", subject="othello", network={}, config={}, step=1)
    tensors = {name: torch.from_numpy(array) for name, array in weights._asdict().items()}
    save_model(tmp_path / "value.safetensors", tensors, header)
    loaded = NTupleValue.load(tmp_path / "value.safetensors")
    states = np.array(random_states(20), np.uint64)
    np.testing.assert_array_equal(loaded.values(states), NTupleValue(weights).values(states))
    save_model(tmp_path / "short.safetensors", tensors | {"bias": torch.zeros(3, dtype=torch.int16)}, header)
    with pytest.raises(ValueError, match="other tuples or stages"):
        NTupleValue.load(tmp_path / "short.safetensors")
