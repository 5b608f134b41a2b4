"""Lanes: the same results in the same order, and the same update however a batch is shared out."""

import threading

import pytest
import torch

from agents.dqn.config import DQNConfig
from agents.dqn.lanes import Lanes, lane_count
from agents.dqn.online import Judged, OnlineNetwork


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_the_order_of_the_parts_and_each_lane_has_its_thread(count):
    lanes = Lanes(count)
    gate = threading.Barrier(count, timeout=10)  # opens only when all parts are under way

    def work(part):
        gate.wait()
        return part, threading.get_ident(), torch.get_num_threads() if part else 1

    answers = lanes.map(work, range(count))
    assert [answer[0] for answer in answers] == list(range(count))
    assert len({answer[1] for answer in answers}) == count
    assert {answer[2] for answer in answers} == {1}


def test_an_error_in_a_lane_reaches_the_caller():
    def work(part):
        raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match="part"):
        Lanes(2).map(work, [0, 1])


@pytest.mark.parametrize(("samples", "parts"), [(1, 1), (15, 1), (16, 2), (23, 2), (24, 3), (100, 3)])
def test_slices_cover_a_batch_once_and_are_never_tiny(samples, parts):
    slices = Lanes(3).slices(samples)
    assert [i for part in slices for i in range(samples)[part]] == list(range(samples))
    assert len(slices) == parts
    sizes = [part.stop - part.start for part in slices]
    assert max(sizes) - min(sizes) <= 1


def test_as_many_lanes_as_cores_are_taken_only_where_it_pays():
    assert lane_count(3, pays=False) == 3
    assert lane_count(0, pays=False) == 1
    assert lane_count(0, pays=True) >= 1


@pytest.mark.parametrize("sizes", [(20, 20), (13, 27), (10, 9, 21)])
def test_an_update_in_parts_is_the_update_of_the_whole(sizes):
    """Unequal parts too: each sample weighs the same."""
    config = DQNConfig(precision="float32", optimiser="sgd", learning_rate=0.5, clip_gradient_norm=0.3)
    obs, target = torch.randn(40, 5), torch.randn(40)

    def updated(parts, lanes):
        torch.manual_seed(0)
        network = OnlineNetwork(config.network((5,), 2), config)
        network.lanes = Lanes(lanes)

        def judge(part):
            q = network.learning()(obs[part])[:, 0]
            return Judged((q - target[part]).square().mean(), q, (q - target[part]).abs())

        metrics, errors = network.update(parts, judge)
        return [metrics["loss"], metrics["q"], metrics["gradient_norm"], errors, *network.online.parameters()]

    parts = torch.arange(40).split(sizes)
    whole, shared = updated([torch.arange(40)], 1), updated(parts, len(parts))
    assert whole[2] > 0.3
    for a, b in zip(whole, shared, strict=True):
        torch.testing.assert_close(a, b)
