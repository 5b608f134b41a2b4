"""Random streams: apart by seed and by name, and continued to the bit after a resume."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from agents.runs.seeding import capture, child_seed, generators, restore, seed_everything, torch_generators


def numbers(stream, count=8):
    if isinstance(stream, np.random.Generator):
        return stream.standard_normal(count).tolist() + stream.integers(0, 7, count, np.int32).tolist()
    return torch.randn(count, generator=stream).tolist()


KINDS = pytest.mark.parametrize("make", [generators, torch_generators])


@KINDS
def test_same_seed_and_name_give_the_same_stream(make):
    assert numbers(make(7, "replay")["replay"]) == numbers(make(7, "replay")["replay"])


@KINDS
def test_another_seed_or_another_name_gives_another_stream(make):
    streams = make(7, "replay", "actions") | {"other seed": make(8, "replay")["replay"]}
    assert len({tuple(numbers(stream)) for stream in streams.values()}) == 3


@KINDS
def test_a_stream_does_not_depend_on_which_others_were_asked_for_or_how_much_they_drew(make):
    alone = numbers(make(7, "replay")["replay"])
    several = make(7, "actions", "replay", "noise")
    numbers(several["actions"], 100)
    assert numbers(several["replay"]) == alone


def test_streams_are_the_same_in_another_process_whatever_its_hash_seed():
    code = (
        "from agents.runs.seeding import generators; print(generators(7, 'replay')['replay'].integers(10**9))"
    )
    environments = ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    outputs = [
        subprocess.check_output([sys.executable, "-c", code], env=env, text=True) for env in environments
    ]
    assert outputs == [f"{generators(7, 'replay')['replay'].integers(10**9)}\n"] * 2


def test_a_restored_stream_goes_on_to_the_bit_through_a_file_that_holds_only_data(tmp_path):
    streams = generators(7, "replay", "actions") | torch_generators(7, "network")
    for stream in streams.values():
        numbers(stream, 5)
    torch.save(capture(streams), tmp_path / "state.pt")
    due = {name: numbers(stream) for name, stream in streams.items()}

    fresh = generators(0, "replay", "actions") | torch_generators(0, "network")
    restore(fresh, torch.load(tmp_path / "state.pt", weights_only=True))
    assert {name: numbers(stream) for name, stream in fresh.items()} == due


def test_a_captured_state_does_not_move_with_its_stream():
    streams = generators(7, "a") | torch_generators(7, "b")
    states = capture(streams)
    due = {name: numbers(stream) for name, stream in streams.items()}
    restore(streams, states)
    assert {name: numbers(stream) for name, stream in streams.items()} == due


def test_a_state_for_other_streams_is_refused_with_their_names():
    with pytest.raises(ValueError, match=r"random streams \['actions', 'replay'\] are not in both"):
        restore(generators(7, "replay"), capture(generators(7, "actions")))


def test_a_state_of_another_kind_of_generator_is_refused_with_the_stream():
    for streams, others in ((generators, torch_generators), (torch_generators, generators)):
        with pytest.raises(ValueError, match="saved state of random stream 'replay' does not fit"):
            restore(streams(7, "replay"), capture(others(7, "replay")))


def test_child_seeds_fit_a_signed_32_bit_number_and_differ():
    seeds = [child_seed(seed, name) for seed in range(200) for name in ("env", "opponent")]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == 400


def test_a_negative_seed_is_refused():
    for make in (generators, torch_generators, child_seed):
        with pytest.raises(ValueError, match="seed must be >= 0, got -1"):
            make(-1, "replay")


def test_seed_everything_repeats_the_three_global_generators():
    def draw():
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002 - the global one is meant

    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))
