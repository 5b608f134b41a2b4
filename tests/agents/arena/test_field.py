"""The standard field: complete, playable, and with one effort for all."""

import pytest

from agents.arena.field import standard_field
from agents.arena.tournament import JUDGEMENTS, SEARCHES
from agents.player_specs import check_spec, parse_spec
from envs.boards.game import GAMES


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("effort", ["seconds=0.05", "nodes=400"])
def test_the_table_is_in_the_field_and_everyone_thinks_as_long(name: str, effort: str) -> None:
    specs = [parse_spec(text) for text in standard_field(name, effort)]
    for spec in specs:
        check_spec(spec, name)
    assert {(s.kind, s.value) for s in specs} >= {(k, v) for k in SEARCHES for v in JUDGEMENTS}
    searchers = [spec for spec in specs if spec.kind in SEARCHES]
    if effort.startswith("seconds"):
        assert {spec.seconds for spec in searchers} == {0.05}
    else:
        assert {spec.nodes or spec.simulations for spec in searchers} == {400}
    assert {"random", "greedy"} <= {spec.kind for spec in specs}
    quick = [spec.model for spec in specs if spec.kind == "mcts" and spec.model]
    assert quick == [f"{name}_alpha_beta"]


def test_othello_shows_the_rungs_between_the_two_judgements() -> None:
    values = [parse_spec(text).value for text in standard_field("othello", "seconds=0.05")]
    assert {"squares", "fitted"} <= set(values)


@pytest.mark.parametrize("effort", ["depth=4", "seconds=0", "seconds=soon", "nodes", "seconds=inf"])
def test_another_effort_is_refused(effort: str) -> None:
    with pytest.raises(ValueError, match="seconds=S or nodes=N"):
        standard_field("connect_four", effort)
