"""A published model is half as large and plays the same game."""

import numpy as np
import pytest
import torch

from agents.dqn.agent import DQNAgent
from agents.dqn.config import DQNConfig
from agents.runs.model import ModelHeader, load_model, save_model
from networks.build import build
from scripts.publish_model import main


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(0)
    config = DQNConfig()
    network = config.network((4,), 3)
    header = ModelHeader(
        kind="dqn", subject="X", network=network.to_json(), config=config.to_json(), step=7, score=1.5
    )
    save_model(tmp_path / "run" / "best.safetensors", build(network).state_dict(), header)
    return tmp_path / "run"


def test_the_trunk_is_rounded_the_head_and_the_header_are_kept(trained, tmp_path, capsys):
    assert main([str(trained), "mine", "--folder", str(tmp_path / "shop")]) == 0
    published = tmp_path / "shop" / "mine.safetensors"
    header, weights = load_model(published)
    original_header, original = load_model(trained / "best.safetensors")
    assert header == original_header
    for name, tensor in weights.items():
        assert tensor.dtype == (torch.float32 if name.startswith("head.") else torch.bfloat16)
        torch.testing.assert_close(tensor.float(), original[name], rtol=2**-8, atol=0)
    assert published.stat().st_size < 0.6 * (trained / "best.safetensors").stat().st_size
    assert "step 7 is now" in capsys.readouterr().out
    obs, starts = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), np.zeros(50, np.bool_)
    agents = [DQNAgent.load(path) for path in (published, trained / "best.safetensors")]
    for agent in agents:
        agent.reset(50, 0)
    one, two = (agent.q_values(obs, starts) for agent in agents)
    assert np.abs(one - two).max() < 0.02
    assert (one != two).any()


def test_a_wrong_model_or_name_is_refused(trained, capsys):
    assert main(["nothing", "x"]) == 2
    assert main([str(trained), "a/b"]) == 2
    assert "must be a plain name" in capsys.readouterr().err
