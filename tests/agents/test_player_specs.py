"""The language of players: specs are read, completed, spelt one way and checked; errors name the cure."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.player_specs import KINDS, BadSpec, PlayerSpec, check_spec, help_text, parse_spec
from agents.runs.model import METADATA_KEY, ModelHeader, ModelNotFound


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("random", "random"),
        ("solver", "solver"),
        ("greedy", "greedy:value=handcrafted"),
        ("alpha_beta", "alpha_beta:value=handcrafted,depth=8"),
        ("alpha_beta:seconds=0.10", "alpha_beta:value=handcrafted,seconds=0.1"),
        ("alpha_beta:nodes=5000,depth=03", "alpha_beta:value=handcrafted,depth=3,nodes=5000"),
        ("alpha_beta:nodes=9,reductions=true", "alpha_beta:value=handcrafted,nodes=9,reductions=true"),
        ("mcts", "mcts:value=handcrafted,simulations=400"),
        ("mcts:value=rollout,seconds=2", "mcts:value=rollout,seconds=2"),
        ("mcts:root=gumbel,simulations=16", "mcts:value=handcrafted,simulations=16,root=gumbel"),
        ("mcts:model=runs/a=b:c", "mcts:value=learned,simulations=400,model=runs/a=b:c"),
        ("alpha_beta:value=learned,depth=4", "alpha_beta:value=learned,depth=4"),
        ("gtp:command=engine", "gtp:command=engine,seconds=10"),
        ('gtp:seconds=2.5,command="engine -l 3"', 'gtp:command="engine -l 3",seconds=2.5'),
        ("gtp:command=engine -l 3,seconds=1", 'gtp:command="engine -l 3",seconds=1'),  # from a shell
        ('gtp:command="engine --sizes 8,8"', 'gtp:command="engine --sizes 8,8",seconds=10'),
        (r'gtp:command="sh -c \"a, b\""', r'gtp:command="sh -c \"a, b\"",seconds=10'),
        ('mcts:model="a,b"', 'mcts:value=learned,simulations=400,model="a,b"'),
    ],
)
def test_a_spec_gets_its_defaults_and_one_spelling(text: str, canonical: str) -> None:
    spec = parse_spec(text)
    assert spec.text == canonical
    assert parse_spec(canonical) == spec


@given(
    kind=st.sampled_from(["alpha_beta", "mcts"]),
    value=st.sampled_from(["handcrafted", "learned"]),
    seconds=st.floats(1e-9, 1e9),
)
def test_every_number_survives_the_spelling(kind: str, value: str, seconds: float) -> None:
    spec = parse_spec(f"{kind}:value={value},seconds={seconds!r}")
    assert spec.seconds == seconds
    assert parse_spec(spec.text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "alphabeta",
            "unknown player kind 'alphabeta'; did you mean 'alpha_beta'? "
            "kinds: random, human, solver, greedy, alpha_beta, mcts, gtp",
        ),
        ("", "unknown player kind ''; kinds: random, human, solver, greedy, alpha_beta, mcts, gtp"),
        (
            "mcts:sim=3",
            "player mcts:sim=3: unknown key 'sim'; did you mean 'simulations'? "
            "keys of mcts: value, simulations, seconds, root, model",
        ),
        (
            "mcts:depth=3",
            "player mcts:depth=3: unknown key 'depth'; "
            "keys of mcts: value, simulations, seconds, root, model",
        ),
        ("random:depth=3", "player random:depth=3: random takes no keys; write random"),
        (
            "mcts:seconds=1,",
            "player mcts:seconds=1,: unknown key ''; keys of mcts: value, simulations, seconds, root, model",
        ),
        ("alpha_beta:depth=3,depth=4", "player alpha_beta:depth=3,depth=4: depth is given twice"),
        (
            "alpha_beta:depth=x",
            "player alpha_beta:depth=x: depth must be a number of plies, 1 to 120, got 'x'",
        ),
        (
            "alpha_beta:depth=121",
            "player alpha_beta:depth=121: depth must be a number of plies, 1 to 120, got '121'",
        ),
        (
            "alpha_beta:depth",
            "player alpha_beta:depth: depth must be a number of plies, 1 to 120, got nothing",
        ),
        ("alpha_beta:nodes=0", "player alpha_beta:nodes=0: nodes must be a whole number from 1, got '0'"),
        (
            "mcts:simulations=1.5",
            "player mcts:simulations=1.5: simulations must be a whole number from 1, got '1.5'",
        ),
        ("mcts:seconds=0", "player mcts:seconds=0: seconds must be a number above 0, got '0'"),
        ("mcts:seconds=inf", "player mcts:seconds=inf: seconds must be a number above 0, got 'inf'"),
        ("mcts:seconds=nan", "player mcts:seconds=nan: seconds must be a number above 0, got 'nan'"),
        (
            "mcts:model=",
            "player mcts:model=: model must be a model file, a run folder or a name in pretrained/, got ''",
        ),
        (
            "alpha_beta:value=learnt",
            "player alpha_beta:value=learnt: unknown value 'learnt'; did you mean 'learned'? "
            "values: handcrafted, fitted, learned, squares",
        ),
        (
            "alpha_beta:value=rollout",
            "player alpha_beta:value=rollout: unknown value 'rollout'; "
            "values: handcrafted, fitted, learned, squares",
        ),
        (
            "mcts:simulations=9,seconds=1",
            "player mcts:simulations=9,seconds=1: give either simulations or seconds, not both",
        ),
        (
            "alpha_beta:reductions=yes",
            "player alpha_beta:reductions=yes: reductions must be true or false, got 'yes'",
        ),
        ("mcts:root=ucb", "player mcts:root=ucb: root must be puct or gumbel, got 'ucb'"),
        (
            "mcts:seconds=1,root=gumbel",
            "player mcts:seconds=1,root=gumbel: root=gumbel shares out simulations; give those, not seconds",
        ),
        ("gtp", 'player gtp: command is missing; write command="PROGRAM ARGUMENT ..."'),
        (
            "gtp:command=",
            "player gtp:command=: command must be a program and its arguments, all quotes closed, got ''",
        ),
        (
            "gtp:command=sh -c 'x",
            "player gtp:command=sh -c 'x: command must be a program and its arguments, all quotes closed, "
            'got "sh -c \'x"',
        ),
        (
            'gtp:command="sh -c,seconds=1',
            'player gtp:command="sh -c,seconds=1: command begins with a quotation mark; '
            'the next, not \\", must end the value',
        ),
        (
            'gtp:command="sh"x',
            'player gtp:command="sh"x: command begins with a quotation mark; '
            'the next, not \\", must end the value',
        ),
        (
            "greedy:value=handcrafted,model=x",
            "player greedy:value=handcrafted,model=x: a model is for value=learned or fitted, "
            "not value=handcrafted",
        ),
    ],
)
def test_a_wrong_spec_says_what_is_wrong_and_what_is_near(text: str, message: str) -> None:
    with pytest.raises(BadSpec) as error:
        parse_spec(text)
    assert str(error.value) == message


def test_a_kind_refuses_a_game_it_does_not_play(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(KINDS["solver"], games=("tic_tac_toe", "connect_four"))
    monkeypatch.setitem(KINDS, "solver", small)
    with pytest.raises(BadSpec, match="player solver: plays tic_tac_toe and connect_four, not othello"):
        check_spec(PlayerSpec(kind="solver"), "othello")


def test_a_missing_program_is_told_before_anything_is_played() -> None:
    with pytest.raises(BadSpec, match="there is no program 'no-such-engine'; install it or give its path"):
        check_spec(parse_spec("gtp:command=no-such-engine -l 3"), "othello")


def test_a_missing_model_is_named_with_its_neighbours(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no model 'nonesuch'"):
        check_spec(parse_spec("mcts:model=nonesuch"), "connect_four")
    with pytest.raises(ModelNotFound, match="no model in"):
        check_spec(parse_spec(f"alpha_beta:model={tmp_path}"), "connect_four")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"kind": "dqn", "subject": "connect_four"}, "is a dqn model, not board_value or board_value_mlp or"),
        ({"kind": "board_value", "subject": "othello"}, "was trained on othello, not connect_four"),
    ],
)
def test_a_model_of_another_kind_or_game_is_refused(
    tmp_path: Path, header: dict[str, str], message: str
) -> None:
    model = _header_only(tmp_path / "model.safetensors", **header)
    with pytest.raises(BadSpec, match=message):
        check_spec(parse_spec(f"mcts:model={model}"), "connect_four")


@pytest.mark.parametrize("value", ["fitted", "squares"])
def test_a_value_for_one_game_is_refused_for_another(value: str) -> None:
    with pytest.raises(BadSpec, match=f"value={value} judges othello, not connect_four"):
        check_spec(parse_spec(f"alpha_beta:value={value}"), "connect_four")


def test_alpha_beta_prefers_the_small_network_of_a_run_and_takes_the_large_one_without_it(
    tmp_path: Path,
) -> None:
    _header_only(tmp_path / "best.safetensors", kind="dqn", subject="connect_four")
    spec = parse_spec(f"alpha_beta:model={tmp_path}")
    with pytest.raises(BadSpec, match=r"best.safetensors is a dqn model, not board_value or board_value_mlp"):
        check_spec(spec, "connect_four")
    _header_only(tmp_path / "best_alpha_beta.safetensors", kind="board_value_mlp", subject="connect_four")
    check_spec(spec, "connect_four")


def test_help_names_every_kind_and_key_within_100_columns() -> None:
    text = help_text()
    assert all(len(line) <= 100 for line in text.splitlines())
    for name, kind in KINDS.items():
        assert f"  {name}" in text
        assert all(f"{key}=" in text for key in kind.keys)


def _header_only(path: Path, kind: str, subject: str) -> Path:
    """A model file without weights, as the safetensors format lays it out."""
    header = ModelHeader(kind=kind, subject=subject, network={}, config={}, step=0)  # type: ignore[arg-type]
    content = json.dumps({"__metadata__": {METADATA_KEY: header.to_text()}}).encode()
    path.write_bytes(len(content).to_bytes(8, "little") + content)
    return path
