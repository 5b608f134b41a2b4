"""The report is one HTML page whose links work from the folder it lies in."""

from pathlib import Path

import pytest

from agents.runs.report import Report


def test_a_report_keeps_its_order_and_links_relative_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    picture, film = tmp_path / "pictures" / "board.png", tmp_path / "pong.mp4"
    picture.write_bytes(b"")
    film.write_bytes(b"")
    report = Report("Findings", tmp_path / "index.html")
    report.section("Boards")
    report.table(["player", "Elo"], [["alpha_beta", "+12"]])
    report.picture(picture, "A board")
    report.picture(film, "A game")
    page = report.write().read_text()
    marks = [
        "<h1>Findings",
        "<h2>Boards",
        "<td>+12</td>",
        'img src="pictures/board.png"',
        'video src="pong.mp4"',
    ]
    places = [page.index(mark) for mark in marks]
    assert places == sorted(places)


def test_text_is_escaped(tmp_path: Path) -> None:
    report = Report("a < b", tmp_path / "index.html")
    report.text("f: Board -> R & more")
    assert "f: Board -&gt; R &amp; more" in report.write().read_text()


def test_a_missing_picture_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        Report("x", tmp_path / "index.html").picture(tmp_path / "absent.png", "none")
