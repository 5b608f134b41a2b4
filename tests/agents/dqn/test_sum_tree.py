"""The sum tree against numpy's own sums, and its draws against the shares they should have."""

import numpy as np
import pytest

from agents.dqn.sum_tree import SumTree, tree_bytes


def levels(tree):
    """The sums level by level, from the leaves up: each by numpy from the leaves alone."""
    leaves = tree.sums[len(tree.sums) // 2 :]
    width = 1
    while width <= len(leaves):
        yield (
            tree.sums[len(leaves) // width : 2 * len(leaves) // width],
            leaves.reshape(-1, width).sum(axis=1),
        )
        width *= 2


@pytest.mark.parametrize("size", [1, 2, 3, 64, 100, 1_000])
def test_every_sum_is_that_of_its_leaves_after_random_updates(size):
    tree, rng, expected = SumTree(size), np.random.default_rng(size), np.zeros(size)
    for _ in range(50):
        leaves = rng.integers(size, size=rng.integers(0, 40))  # some come twice
        values = rng.exponential(size=len(leaves)) * (rng.random(len(leaves)) < 0.8)
        tree.set(leaves, values)
        for leaf, value in zip(leaves, values, strict=True):
            expected[leaf] = value
    assert (tree.leaves == expected).all()
    assert tree.total == pytest.approx(expected.sum(), rel=1e-12)
    for sums, by_numpy in levels(tree):
        assert sums == pytest.approx(by_numpy, rel=1e-12)


def test_sums_follow_from_the_leaves_to_the_bit_after_a_million_updates():
    tree, rng = SumTree(300), np.random.default_rng(0)
    for _ in range(1_000):
        tree.set(rng.integers(300, size=1_000), 10.0 ** rng.uniform(-12, 12, size=1_000))
    copy = SumTree(300)
    copy.fill(tree.leaves)
    assert (copy.sums == tree.sums).all()
    tree.set(np.arange(300), np.zeros(300))
    assert tree.total == 0.0  # adding differences would leave some 1e-4


def test_leaves_are_drawn_in_proportion_to_their_values():
    values = np.array([3.0, 0.0, 1.0, 0.5, 0.0, 2.5, 0.0])
    tree, generator = SumTree(7), np.random.default_rng(0)
    tree.set(np.arange(7), values)
    counts = np.zeros(7)
    for _ in range(2_000):
        counts += np.bincount(tree.draw(25, generator), minlength=7)
    expected = 50_000 * values / values.sum()
    assert (np.abs(counts - expected) <= 5 * expected**0.5).all()
    assert (counts[values == 0] == 0).all()


def test_each_equal_part_of_the_total_gives_one_leaf():
    tree = SumTree(5)
    tree.fill(np.array([1.0, 2.0, 0.0, 4.0, 1.0]))
    for seed in range(20):
        drawn = tree.draw(8, np.random.default_rng(seed))
        assert drawn.tolist() == [0, 1, 1, 3, 3, 3, 3, 4]


class Highest:
    """A generator whose numbers are the largest below 1."""

    def random(self, count):
        return np.full(count, np.nextafter(1.0, 0.0))


class Lowest:
    def random(self, count):
        return np.zeros(count)


@pytest.mark.parametrize("extreme", [Highest(), Lowest()])
def test_a_leaf_of_value_0_is_never_drawn_however_sums_round(extreme):
    rng = np.random.default_rng(0)
    for _ in range(500):
        tree = SumTree(37)
        tree.fill(10.0 ** rng.uniform(-18, 18, size=37) * (rng.random(37) < 0.3))
        if tree.total:
            drawn = tree.draw(64, extreme)
            assert (drawn < 37).all()
            assert (tree.leaves[drawn] > 0).all()


def test_a_tree_takes_the_bytes_it_says():
    for size in (1, 5, 64, 65, 1_000):
        assert SumTree(size).sums.nbytes == tree_bytes(size)
