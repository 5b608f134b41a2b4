"""The benchmark measures what it says, repeats its signature, and writes the promised keys."""

import json
from pathlib import Path

import pytest

from agents.search.end_games import read_end_games
from agents.watching import timing
from scripts import benchmark


def test_a_rate_counts_units_over_time_and_leaves_the_first_call_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.5, 11.0, 12.0])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(clock))
    units = iter([1000.0, 30.0, 50.0])  # the first call may compile
    assert benchmark.rate(lambda: next(units), seconds=1.5) == 40.0


def test_the_ratio_is_ours_over_the_peers_and_absent_without_one() -> None:
    assert benchmark.Figure(ours=6.0, peer=2.0, peer_name="p", unit="x/s", what="").ratio == 3.0
    assert benchmark.Figure(ours=6.0, unit="x/s", what="").ratio is None


def test_the_json_has_ours_peer_ratio_and_unit_for_each_name(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    assert benchmark.main(["rules", "--seconds", "0.01", "--json", str(found)]) == 0
    figures = json.loads(found.read_text())
    assert set(figures) == {"tic_tac_toe_perft", "connect_four_perft", "othello_perft"}
    for figure in figures.values():
        assert {"ours", "peer", "ratio", "unit"} <= set(figure)
        assert figure["ratio"] == pytest.approx(figure["ours"] / figure["peer"])


def shorten_searches(monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    monkeypatch.setattr(benchmark, "SIGNATURE_DEPTHS", {"connect_four": depth})
    monkeypatch.setattr(benchmark, "LEARNED_DEPTHS", {"connect_four": 2})
    monkeypatch.setattr(benchmark, "SOLVED_PLIES", 26)


def test_the_signature_repeats_to_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_searches(monkeypatch, depth=5)
    first, second = (
        dict(benchmark.search_figures(benchmark.BenchmarkConfig(seconds=0.01))) for _ in range(2)
    )
    assert first["signature"].ours == second["signature"].ours > 1000
    speeds = {"connect_four_alpha_beta", "connect_four_alpha_beta_learned", "connect_four_solver"}
    assert set(first) == {"signature"} | speeds
    assert all(first[name].ours > 0 for name in speeds)


def test_late_moves_are_told_beside_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "LIMITED", [("mcts", "handcrafted")])
    monkeypatch.setattr(benchmark, "LIMIT_MOVES", 2)
    monkeypatch.setattr(benchmark, "LIMIT_SECONDS", 0.01)
    figures = dict(benchmark.limit_figures(benchmark.BenchmarkConfig()))
    assert list(figures) == ["connect_four_mcts_handcrafted_late", "othello_mcts_handcrafted_late"]
    for figure in figures.values():
        assert (figure.unit, figure.goal) == ("ms", "at most 5")
        assert -10 < figure.ours < 1_000


def test_end_games_are_solved_and_wrong_ones_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten_searches(monkeypatch, depth=2)
    board = "XXXOXXXXOXXXXXXXOOXXXXXXOOOXXXXXOOOXXOO-OOOOO---OOOOOOO-OOOOOOO- X"  # of the FFO end-game suite
    file = tmp_path / "x.obf"
    file.write_text(f"{board}; H5:+6; G6:-2; F6:-4; H6:-10;\n{board}; H5:+8;\n")
    assert benchmark.main(["search", "--seconds", "0.01", "--end-games", str(file)]) == 0
    assert "2 end games, 1 wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no positions"),
        ("X-O X; A1:+2", "x.obf:1: expected 64 of X, O, -"),
        ("X" * 64 + " Y; A1:+2", "x.obf:1: expected 64 of X, O, -"),
        ("X" * 64 + " X; A1", "x.obf:1: expected moves such as G8:"),
        ("X" * 64 + " X", "x.obf:1: expected moves such as G8:"),
    ],
)
def test_a_line_that_is_no_end_game_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.obf"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_end_games(file)


def test_the_viewers_figures_stand_beside_what_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(benchmark, "VIEWED", {"game": ("tic_tac_toe", "random", "random")})
    monkeypatch.setattr(benchmark, "VIEW_STEPS", 1)
    monkeypatch.setattr(benchmark, "THINKER", "mcts:value=handcrafted,seconds=60")
    found = tmp_path / "found.json"
    assert benchmark.main(["view", "--think-seconds", "1", "--json", str(found)]) == 0
    figures = json.loads(found.read_text())
    pages = {f"game_{page}_page" for page in ("play", "tree", "inside")}
    assert set(figures) == {"game_first_picture", "answer"} | pages
    assert figures["game_first_picture"]["ours"] > 100  # ms: Python and pygame alone take longer
    assert figures["answer"]["ours"] > 0
    assert "asked: under 50" in capsys.readouterr().out


def test_a_command_that_draws_nothing_has_no_first_picture(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="drew nothing"):
        timing.first_picture_seconds(["no_such_game"])


def test_an_unknown_benchmark_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["speed"]) == 2
    told = capsys.readouterr().err
    assert "speed" in told
    assert "search" in told
