import ale_py
import pytest

from agents.arena.human_scores import REFERENCES, human_normalised


def test_every_reference_is_of_a_game_and_people_beat_chance():
    assert len(REFERENCES) == 57
    assert set(REFERENCES) <= set(ale_py.roms.get_all_rom_ids())
    assert all(reference.human > reference.random for reference in REFERENCES.values())


def test_chance_is_zero_and_a_person_one():
    assert human_normalised("ALE/SpaceInvaders-v5", 148.0) == 0
    assert human_normalised("ALE/SpaceInvaders-v5", 1668.7) == 1
    assert human_normalised("ALE/Pong-v5", 14.6 + 35.3) == pytest.approx(2)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "ALE/Tetris-v5"])
def test_where_nobody_was_measured_nothing_is_said(env_id):
    assert human_normalised(env_id, 3.0) is None
