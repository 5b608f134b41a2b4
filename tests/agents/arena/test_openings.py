"""Openings: legal, different, unfinished, repeatable."""

import pytest

from agents.arena.openings import default_plies, openings
from envs.boards import rules
from envs.boards.game import GAMES, game


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("plies", [0, 1, 3, 6])
def test_an_opening_has_its_plies_is_legal_and_leaves_no_win_at_once(name: str, plies: int) -> None:
    played = game(name)
    for opening in openings(played, 10, plies, seed=3):
        assert len(opening.moves) == plies
        replayed = played.start()
        for action in opening.moves:
            replayed = replayed.play(action)  # checked
        assert replayed == opening
        assert not opening.is_over
        for action in opening.legal():
            after = opening.play(action)
            assert not after.is_over or after.result != (1 if opening.player == 0 else -1)


@pytest.mark.parametrize("name", GAMES)
def test_the_same_seed_draws_the_same_openings_and_another_seed_others(name: str) -> None:
    plies = default_plies(game(name))
    first, again, other = (openings(game(name), 8, plies, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_openings_differ_even_after_mirroring() -> None:
    drawn = openings(game("connect_four"), 300, 4, seed=0)
    forms = [{tuple(rules.transform(o.state, k)) for k in range(2)} for o in drawn]
    assert len({frozenset(form) for form in forms}) == 300


def test_all_openings_are_used_equally_often_where_there_are_fewer_than_asked_for() -> None:
    # After one move the columns are 1-7; mirrored ones count once: 4 openings.
    drawn = [o.moves for o in openings(game("connect_four"), 12, 1, seed=5)]
    assert len(set(drawn)) == 4
    assert all(drawn.count(moves) == 3 for moves in drawn)


def test_two_plies_of_tic_tac_toe_are_twelve_openings() -> None:
    # Known: 12 positions after two plies up to symmetry (corner 5, edge 5, centre 2).
    assert len({o.moves for o in openings(game("tic_tac_toe"), 100, 2, seed=0)}) == 12


def test_a_win_at_once_is_no_fair_opening() -> None:
    # Six plies of Connect Four can hold three in a row; enumerate many and look for them by play.
    for opening in openings(game("connect_four"), 400, 6, seed=1):
        assert all(not opening.play(a).is_over for a in opening.legal())


def test_a_length_without_openings_is_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match=r"tic_tac_toe has no opening of 9 plies.*--opening-plies"):
        openings(game("tic_tac_toe"), 2, 9, seed=0)


@pytest.mark.parametrize(("count", "plies"), [(0, 2), (2, -1)])
def test_nonsense_counts_are_refused(count: int, plies: int) -> None:
    with pytest.raises(ValueError, match="count >= 1 and plies >= 0"):
        openings(game("tic_tac_toe"), count, plies, seed=0)


def test_the_usual_length_grows_with_the_board() -> None:
    assert [default_plies(game(n)) for n in ("tic_tac_toe", "connect_four", "othello")] == [2, 4, 6]
