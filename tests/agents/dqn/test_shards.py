"""Shards: one optimiser's steps, whoever takes which rows."""

from copy import deepcopy
from functools import partial

import pytest
import torch
from torch import nn

from agents.dqn.lanes import Lanes
from agents.dqn.shards import WHOLE_MAX, Shards
from networks.config import ELEMENTWISE_OPTIMISERS
from networks.optimisers import make_optimiser

LIMIT, RATE, MEAN_SHARE = 0.5, 0.01, 0.25


def network():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(4, 70, 12), nn.BatchNorm2d(70), nn.Linear(5, 7001), nn.Linear(9, 2))
    assert sum(weight.numel() > WHOLE_MAX for weight in layers.parameters()) == 2
    return layers.to(memory_format=torch.channels_last)


def gradients(weights, parts, seed, dtype=torch.float32):
    """Of each part, in the memory layout of a contiguous weight, whatever that of the weight is."""
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(weight.shape, generator=generator).to(dtype) for weight in weights] for _ in range(parts)
    ]


class Sharded:
    def __init__(self, name, lanes):
        self.net, self.mean = network(), network()
        self.copy = deepcopy(self.net).to(torch.bfloat16)
        weights = [list(each.parameters()) for each in (self.net, self.copy, self.mean)]
        self.shards = Shards(*weights, partial(make_optimiser, name, learning_rate=1.0), Lanes(lanes))

    def step(self, parts, shares):
        norm = self.shards.gather(parts, shares)
        self.shards.step(norm, LIMIT, RATE, MEAN_SHARE)
        return norm


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("name", ELEMENTWISE_OPTIMISERS)
def test_steps_of_any_number_of_lanes_are_those_of_torch(name, lanes):
    sharded, plain = Sharded(name, lanes), network()
    weights, mean = list(plain.parameters()), list(network().parameters())
    rule = make_optimiser(name, weights, RATE)
    shares = [0.25, 0.75]
    for seed in range(8):  # RAdam waits for five
        parts = gradients(weights, 2, seed, torch.bfloat16)
        for weight, first, second in zip(weights, *parts, strict=True):
            weight.grad = torch.empty_like(weight).copy_(0.25 * first.float() + 0.75 * second.float())
        norm = nn.utils.clip_grad_norm_(weights, LIMIT)
        rule.step()
        for old, new in zip(mean, weights, strict=True):
            old.data.lerp_(new.data, MEAN_SHARE)
        torch.testing.assert_close(sharded.step(parts, shares), norm)
    for ours, copied, theirs in zip(
        sharded.net.parameters(), sharded.copy.parameters(), weights, strict=True
    ):
        torch.testing.assert_close(ours, theirs)
        assert torch.equal(copied, ours.bfloat16())
    for ours, theirs in zip(sharded.mean.parameters(), mean, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ELEMENTWISE_OPTIMISERS)
def test_a_state_goes_on_with_any_number_of_lanes(name):
    before = Sharded(name, 2)
    weights = list(before.net.parameters())
    for seed in range(7):
        before.step(gradients(weights, 1, seed), [1.0])
    state = before.shards.state_dict()
    kept = deepcopy(state)
    after = {lanes: Sharded(name, lanes) for lanes in (1, 2, 3)}
    for other in after.values():
        other.net.load_state_dict(before.net.state_dict())
        other.shards.load_state_dict(state)
    for each in (before, *after.values()):
        each.step(gradients(weights, 1, 9), [1.0])
    for other in after.values():
        for ours, theirs in zip(other.net.parameters(), weights, strict=True):
            torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(state, kept)  # the loaded ones work on memory of their own
