"""What is known without learning."""

import numpy as np
import pytest

from envs.toys import Corridor


@pytest.fixture
def corridor_q():
    """Q* [cells, actions] of the corridor for a discount, by value iteration; the two ends are no states.

    Q*(c, right) = g^(distance - 1), Q*(c, left) = max(g * V*(c - 1), the lure).
    """

    def iterate(discount, length=8):
        value = np.zeros(length)
        for _ in range(100):
            q = np.zeros((length, 2))
            for cell in range(1, length - 1):
                for action, to in enumerate((cell - 1, cell + 1)):
                    pays = {0: Corridor.LURE_REWARD, length - 1: 1.0}.get(to, 0.0)
                    q[cell, action] = pays + (discount * value[to] if 0 < to < length - 1 else 0.0)
            value = q.max(axis=1)
        return q

    return iterate
