"""The evaluate script: figures as its users read them, and mistakes of its users told in three lines."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agents.dqn.config import DQNConfig
from agents.runs.model import ModelHeader, save_model
from envs.toys import CATCH
from networks.build import build
from scripts.evaluate import main

SOLVED = """\
5554224333234511764415115 4 -8 -8 -8 -8 -1000 4 -8
52753311433677442422121 8 2 3 7 7 8 7 2
"""  # P. Pons, blog.gamesolver.org, set L2_R1, with the score of each column
MATCH_KEYS = {
    "players", "games", "distinct_games", "wins", "draws", "losses", "score", "elo", "elo_low", "elo_high",
}  # fmt: skip
MISTAKES_KEYS = {
    "positions", "mistakes", "rate", "nontrivial_positions", "nontrivial_mistakes", "nontrivial_rate",
}  # fmt: skip


def _figures(tmp_path: Path, *argv: str) -> Any:
    path = tmp_path / "figures.json"
    assert main([*argv, "--json", str(path)]) == 0
    return json.loads(path.read_text())


def test_a_match_writes_its_figures_and_says_who_is_stronger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _figures(
        tmp_path, "match", "connect_four", "alpha_beta:value=handcrafted,depth=2", "random", "--games", "20"
    )
    assert told.keys() >= MATCH_KEYS
    assert told["players"] == ["alpha_beta:value=handcrafted,depth=2", "random"]
    assert told["games"] == told["distinct_games"] == told["wins"] + told["draws"] + told["losses"] == 20
    assert told["elo_low"] > 0
    last = capsys.readouterr().out.split("alpha_beta:value=handcrafted,depth=2 is stronger than random")
    assert len(last) == 2
    assert "20 games, 20 distinct" in " ".join(last[1].split())


def test_the_same_seed_writes_the_same_figures_and_another_seed_others(tmp_path: Path) -> None:
    argv = ["match", "tic_tac_toe", "random", "random", "--games", "20", "--seed"]
    first, again, other = (_figures(tmp_path, *argv, seed) for seed in ("1", "1", "2"))
    assert first == again
    assert first != other


def test_workers_write_the_figures_of_the_serial_match(tmp_path: Path) -> None:
    argv = ["match", "tic_tac_toe", "random", "greedy", "--games", "20"]
    assert _figures(tmp_path, *argv, "--workers", "1") == _figures(tmp_path, *argv)


def test_opening_plies_are_played_before_the_players(tmp_path: Path) -> None:
    told = _figures(
        tmp_path, "match", "connect_four", "random", "random", "--games", "4", "--opening-plies", "6"
    )
    first, second = (record["moves"] for record in told["records"][:2])
    assert first[:6] == second[:6]
    assert first != second


def test_a_tournament_writes_ratings_and_pairings_and_shows_the_table_of_judgements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _figures(
        tmp_path, "tournament", "tic_tac_toe", "random", "greedy", "alpha_beta:depth=9", "--games", "10"
    )
    assert [rating["player"] for rating in told["ratings"]][-1] == "random"
    assert told["ratings"][0].keys() >= {"player", "elo", "elo_low", "elo_high"}
    assert len(told["pairings"]) == 3
    assert all(pairing.keys() >= MATCH_KEYS for pairing in told["pairings"])
    assert told["games"] == 30
    assert "by search and judgement" not in capsys.readouterr().out


def test_episodes_write_a_list_with_the_baselines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = DQNConfig(env_id=CATCH, hidden_sizes=(8,))
    network = config.network((50,), 3)
    header = ModelHeader(
        kind="dqn", subject=CATCH, network=network.to_json(), config=config.to_json(), step=0
    )
    model = str(tmp_path / "model.safetensors")
    save_model(model, build(network).state_dict(), header)
    told = _figures(tmp_path, "episodes", model, "--episodes", "10")
    assert [each["model"] for each in told] == [model, "random", "handcrafted"]
    assert all(each.keys() >= {"model", "env", "episodes", "mean", "low", "high"} for each in told)
    assert all(each["env"] == CATCH and each["episodes"] == 10 for each in told)
    assert "handcrafted 1.00" in capsys.readouterr().out


def test_mistakes_are_counted_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "solved.txt"
    file.write_text(SOLVED)
    told = _figures(tmp_path, "mistakes", "connect_four", "alpha_beta:depth=12", str(file))
    assert told.keys() >= MISTAKES_KEYS
    assert (told["positions"], told["mistakes"], told["nontrivial_positions"]) == (2, 0, 1)
    assert "0 mistakes in 2 positions (0.00%)" in " ".join(capsys.readouterr().out.split())


def test_mistakes_ask_the_solver_where_the_file_tells_no_scores_of_actions(tmp_path: Path) -> None:
    file = tmp_path / "solved.txt"
    file.write_text("\n".join(line.rsplit(maxsplit=7)[0] for line in SOLVED.splitlines()))
    told = _figures(tmp_path, "mistakes", "connect_four", "solver", str(file))
    assert (told["positions"], told["mistakes"], told["nontrivial_positions"]) == (2, 0, 1)


def test_tables_fit_into_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    main(["match", "othello", "greedy:value=handcrafted", "random", "--games", "4"])
    main(
        ["tournament", "tic_tac_toe", "random", "greedy", "alpha_beta", "mcts:simulations=20", "--games", "2"]
    )
    lines = capsys.readouterr().out.splitlines()
    sentences = [line for line in lines if "games, " in line and "Elo" in line]
    assert len(sentences) == 2
    assert max(len(line) for line in lines if line not in sentences) <= 80


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["match", "connect_four", "random", "random", "--games", "7"], "games must be even.*take 6 or 8"),
        (
            ["match", "connect_five", "random", "random"],
            "unknown game 'connect_five'; did you mean connect_four",
        ),
        (
            ["match", "connect_four", "randon", "random"],
            "unknown player kind 'randon'; did you mean 'random'",
        ),
        (["match", "connect_four", "random", "human"], "a person cannot be evaluated"),
        (["match", "connect_four", "random", "mcts:model=nonesuch"], "no model 'nonesuch'"),
        (["match", "connect_four", "random"], "Missing value"),
        (["match", "connect_four", "random", "greedy", "--workers", "0"], "workers must be a number"),
        (["match", "connect_four", "random", "greedy", "--ray-address", "a:1"], "is for --workers ray"),
        (
            ["match", "connect_four", "random", "mcts:seconds=0.1", "--workers", "999"],
            "mcts:seconds=0.1 thinks for a time",
        ),
        (["mach", "connect_four", "random", "random"], "mach"),
        (["match", "connect_four", "random", "random", "--json", "nowhere/x.json"], "no folder nowhere"),
        (["tournament", "connect_four", "random"], "at least 2 players"),
        (["tournament", "connect_four", "mcts", "mcts:simulations=400"], "entered twice"),
        (["mistakes", "connect_four", "random", "nowhere.txt"], "nowhere.txt"),
        (["episodes", "nonesuch"], "no model 'nonesuch'"),
        (["episodes", "nonesuch", "--episodes", "0"], "--episodes must be at least 1"),
        (["episodes", "sb3:dqn:CartPole-v1:nowhere.zip"], "is not a zip file"),
    ],
)
def test_what_a_user_can_mend_is_told_in_three_lines(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert len(lines) <= 3
    assert lines[0].startswith("error: ")
    assert told.out == ""
    assert re.search(message, told.err)


def test_a_wrong_player_is_told_within_a_second_and_help_too() -> None:
    for argv, code in ((["match", "othello", "alphabeta", "random"], 2), (["match", "--help"], 0)):
        started = time.monotonic()
        run = subprocess.run([sys.executable, "scripts/evaluate.py", *argv], capture_output=True, text=True)
        assert time.monotonic() - started < 2.5  # about 0.8 s on an idle machine
        assert run.returncode == code


def test_an_effort_stands_for_the_standard_field_and_mistakes_are_counted_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solved = tmp_path / "solved.txt"
    solved.write_text("2252576253462244111563365343671351441 -1\n7422341735647741166133573473242566 1\n")
    plot = tmp_path / "ratings.png"
    effort = ("--effort", "nodes=20", "--games", "2", "--mistakes", str(solved), "--plot", str(plot))
    told = _figures(tmp_path, "tournament", "connect_four", *effort)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert len(told["ratings"]) == 7
    assert set(told["mistakes"]) == {rating["player"] for rating in told["ratings"]}
    assert all(report["positions"] == 2 for report in told["mistakes"].values())
    assert "mistakes on solved positions" in capsys.readouterr().out


@pytest.mark.parametrize("players", [(), ("random", "greedy", "--effort", "nodes=9")])
def test_a_tournament_takes_players_or_an_effort(
    players: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tournament", "tic_tac_toe", *players, "--games", "2"]) == 2
    assert "either players or --effort" in capsys.readouterr().err
