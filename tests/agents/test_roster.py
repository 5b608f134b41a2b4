"""The roster: all kinds play all games, a wrong spec costs no time."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from agents.arena.openings import openings
from agents.player_specs import parse_spec
from agents.roster import build_player
from agents.runs.model import ModelHeader, ModelKind, save_model
from agents.values.learned import LearnedValue, planes_shape
from agents.values.mlp import network_config
from envs.boards.game import GAMES, game
from networks.build import build
from networks.config import NetworkConfig


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each game, with the two untrained networks of a run."""
    root = tmp_path_factory.mktemp("runs")
    torch.manual_seed(0)
    for name in GAMES:
        played = game(name)
        shown = NetworkConfig(
            trunk="board_resnet",
            input_shape=planes_shape(played),
            head="policy_value",
            num_actions=played.num_actions,
            channels=8,
            blocks=1,
        )
        _save(root / name / "best.safetensors", "board_value", name, shown)
        _save(root / name / "best_alpha_beta.safetensors", "board_value_mlp", name, network_config((16, 8)))
    return root


PLAYERS = [
    "random",
    "solver",
    "greedy:value=handcrafted",
    "greedy:model={models}",
    "alpha_beta:value=handcrafted,depth=2",
    "alpha_beta:value=handcrafted,nodes=500",
    "alpha_beta:value=handcrafted,seconds=0.01",
    "alpha_beta:depth=2,model={models}",
    "alpha_beta:depth=1,model={models}/best.safetensors",
    "mcts:value=handcrafted,simulations=10",
    "mcts:value=rollout,simulations=10",
    "mcts:value=rollout,seconds=0.01",
    "mcts:simulations=10,model={models}",
    "mcts:simulations=10,root=gumbel,model={models}",
]


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("template", PLAYERS)
def test_every_kind_plays_every_game_by_the_rules_and_repeats_itself(
    name: str, template: str, run_folder: Path
) -> None:
    played = game(name)
    spec = template.format(models=run_folder / name)
    player = build_player(spec, played, seed=3)
    assert player.name == parse_spec(spec).text
    late = {"connect_four": 24, "othello": 48}.get(name, 3)  # to solve the start takes minutes, or for ever
    positions = openings(played, 4, late if template == "solver" else 3, seed=0)
    decisions = player.choose_many(positions)
    for position, decision in zip(positions, decisions, strict=True):
        assert decision.action in position.legal()
        assert decision.value is None or -1 <= decision.value <= 1
        if decision.policy is not None:
            assert decision.policy.sum() == pytest.approx(1)
            assert decision.policy[played.legal_mask(position.state)].sum() == pytest.approx(1)
    if "seconds" not in spec:
        again = build_player(spec, played, seed=3).choose_many(positions)
        player.reset(3)
        assert [d.action for d in player.choose_many(positions)] == [d.action for d in decisions]
        assert [(d.action, d.value) for d in again] == [(d.action, d.value) for d in decisions]


@pytest.mark.parametrize("spec", ["random", "mcts:value=rollout,simulations=30"])
def test_players_of_chance_follow_their_seed(spec: str) -> None:
    positions = openings(game("connect_four"), 20, 4, seed=0)

    def decided(seed: int) -> list[tuple[int, float | None]]:
        decisions = build_player(spec, game("connect_four"), seed).choose_many(positions)
        return [(decision.action, decision.value) for decision in decisions]

    assert decided(1) == decided(1)
    assert decided(1) != decided(2)


def test_alpha_beta_takes_the_compiled_network_of_a_run_and_mcts_the_one_with_priors(
    run_folder: Path,
) -> None:
    models = run_folder / "connect_four"
    start = game("connect_four").start()
    alpha_beta = build_player(f"alpha_beta:depth=2,model={models}", start.game)
    assert alpha_beta.value.kernel is not None  # type: ignore[attr-defined]
    mcts = build_player(f"mcts:simulations=5,model={models}", start.game)
    large = LearnedValue.load(models / "best.safetensors")
    _, priors = large.evaluate(start.game.pack(start.state)[None])
    visits = mcts.choose(start).visits
    assert visits is not None
    assert visits.argmax() == priors[0].argmax()


@pytest.mark.parametrize(
    "spec",
    ["alphabeta", "mcts:sims=3", "solver:depth=3", "mcts:value=learned,model=nonesuch", "alpha_beta:depth=0"],
)
def test_a_wrong_spec_fails_within_a_second_and_without_torch(spec: str) -> None:
    program = (
        "import sys\n"
        "from agents.roster import build_player\n"
        "from envs.boards.game import game\n"
        "try:\n"
        f"    build_player({spec!r}, game('othello'))\n"
        "except ValueError as error:\n"
        "    print('torch' in sys.modules, error)\n"
    )
    started = time.monotonic()
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert time.monotonic() - started < 2  # about 0.4 s on an idle machine
    assert run.stdout.startswith("False ")


def _save(path: Path, kind: ModelKind, subject: str, network: NetworkConfig) -> None:
    header = ModelHeader(kind=kind, subject=subject, network=network.to_json(), config={}, step=0)
    save_model(path, build(network).state_dict(), header)
