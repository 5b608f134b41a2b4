"""Independent random streams with names, all grown from one seed, and their states for an exact resume.

A stream depends on the seed and on its own name only: asking for one more stream never shifts another.
Everything but `seed_everything` avoids global state; code below `scripts/` receives its generator.
Source: numpy's SeedSequence (M. E. O'Neill's seed_seq mixing), with the name's SHA-256 as spawn key.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

SEED_BOUND = 2**31  # child seeds stay below it: ALE and gymnasium spaces take a signed 32-bit number


def generators(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """One numpy generator for each name. Raises: ValueError for a negative seed."""
    return {name: np.random.Generator(np.random.PCG64(_sequence(seed, name))) for name in names}


def torch_generators(seed: int, *names: str, device: str = "cpu") -> dict[str, torch.Generator]:
    """One torch generator on `device` for each name. Raises: ValueError for a negative seed."""
    import torch

    return {name: torch.Generator(device).manual_seed(child_seed(seed, name)) for name in names}


def child_seed(seed: int, name: str) -> int:
    """A seed in [0, 2^31) for what wants a number: environments, opponents, worker processes."""
    return int(_sequence(seed, name).generate_state(1, np.uint64)[0]) % SEED_BOUND


def capture(streams: Mapping[str, np.random.Generator | torch.Generator]) -> dict[str, Any]:
    """The states of streams as dicts, numbers and tensors, which a `weights_only=True` load accepts."""
    return {
        name: stream.bit_generator.state if isinstance(stream, np.random.Generator) else stream.get_state()
        for name, stream in streams.items()
    }


def restore(streams: Mapping[str, np.random.Generator | torch.Generator], states: Mapping[str, Any]) -> None:
    """Set each stream, in place, to its captured state; its next number is the one that was due.

    Raises: ValueError when the names differ, or a state is of another kind of generator.
    """
    if wrong := set(streams) ^ set(states):
        raise ValueError(f"random streams {sorted(wrong)} are not in both the run and its saved state")
    for name, stream in streams.items():
        try:
            if isinstance(stream, np.random.Generator):
                stream.bit_generator.state = states[name]
            else:
                stream.set_state(states[name])
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"the saved state of random stream {name!r} does not fit: {error}") from error


def seed_everything(seed: int) -> None:
    """Seed the global generators of python, numpy and torch (network initialisation); for scripts, once."""
    import torch

    random.seed(seed)
    np.random.seed(child_seed(seed, "numpy"))  # noqa: NPY002 - libraries that still draw from the global one
    torch.manual_seed(child_seed(seed, "torch"))


def _sequence(seed: int, name: str) -> np.random.SeedSequence:
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed!r}")
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.SeedSequence(seed, spawn_key=tuple(np.frombuffer(digest, np.uint32).tolist()))
