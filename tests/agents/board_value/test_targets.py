"""Targets worked out by hand."""

import numpy as np
import pytest

from agents.board_value.targets import ILLEGAL as NO_MOVE
from agents.board_value.targets import Samples, joined, policy_targets, value_targets
from agents.search.mcts_tree import UNPROVEN

ILLEGAL, OPEN = int(NO_MOVE), int(UNPROVEN)


def policy(visits: list[int], proofs: list[int], root: int) -> list[float]:
    row = policy_targets(
        np.array([visits], np.int32), np.array([proofs], np.int8), np.array([root], np.int8)
    )[0]
    assert row.dtype == np.float32
    return [pytest.approx(share) for share in row.tolist()]


def test_open_positions_teach_their_visits() -> None:
    assert policy([6, 0, 3, 3], [OPEN, ILLEGAL, OPEN, OPEN], OPEN) == [0.5, 0, 0.25, 0.25]


def test_a_move_proven_lost_is_not_taught_however_often_it_was_tried() -> None:
    assert policy([6, 90, 3, 3], [OPEN, -1, OPEN, OPEN], OPEN) == [0.5, 0, 0.25, 0.25]


def test_where_only_lost_moves_were_tried_the_others_are_taught_alike() -> None:
    assert policy([3, 0, 0, 0], [-1, OPEN, ILLEGAL, OPEN], OPEN) == [0, 0.5, 0, 0.5]


def test_a_drawn_move_keeps_its_visits_while_others_are_open() -> None:
    assert policy([4, 0, 12], [0, ILLEGAL, OPEN], OPEN) == [0.25, 0, 0.75]


def test_a_won_position_teaches_all_winning_moves_alike_also_without_visits() -> None:
    assert policy([0, 0, 0, 0], [OPEN, 1, OPEN, 1], 1) == [0, 0.5, 0, 0.5]


def test_a_drawn_position_teaches_its_drawing_moves() -> None:
    assert policy([50, 2, 1], [-1, 0, -1], 0) == [0, 1, 0]


def test_a_lost_position_teaches_all_moves_alike() -> None:
    assert policy([9, 0, 1], [-1, ILLEGAL, -1], -1) == [0.5, 0, 0.5]


def test_value_targets_mix_outcome_and_search_and_a_proof_replaces_both() -> None:
    outcome = np.array([1, -1, 0, 1], np.float32)
    search = np.array([0.5, 0.2, -0.6, -0.9], np.float32)
    proof = np.array([OPEN, OPEN, OPEN, -1], np.int8)
    mixed = value_targets(outcome, search, proof, 0.25)
    np.testing.assert_allclose(mixed, [0.875, -0.7, -0.15, -1], atol=1e-6)
    np.testing.assert_array_equal(value_targets(outcome, search, proof, 0.0)[:3], outcome[:3])


def test_samples_of_many_games_are_joined_in_order() -> None:
    def one(value: float) -> Samples:
        return Samples(
            np.zeros((2, 2), np.uint64), np.zeros((2, 9), np.float32), np.full(2, value, np.float32)
        )

    assert joined([one(0.25), one(0.5)], 9).value.tolist() == [0.25, 0.25, 0.5, 0.5]
    assert len(joined([], 9)) == 0
    assert joined([], 9).policy.shape == (0, 9)
