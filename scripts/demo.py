"""python scripts/demo.py: play, train and measure for a few minutes, and leave a report.

Every step is one of the project's own command lines, shown as you would type it; what it finds is read from
the JSON it writes.
"""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.runs.report import Report
from scripts.command_line import command, parse

PROJECT = Path(__file__).resolve().parents[1]
GAME = "connect_four"
JUDGEMENTS = ("handcrafted", "learned")
SEARCHES = {"alpha_beta": "depth=6", "mcts": "simulations=200"}


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """How much of everything the demo does."""

    out: Path = Path("runs/demo")  # a new folder beside it where it exists
    games: int = 40  # for each pairing of the tournament and for each match
    train_minutes: float = 2.0  # self-play training of a Connect Four value from nothing
    pong_steps: int = 600  # filmed decisions; 15 a second

    def __post_init__(self) -> None:
        if self.games < 2 or self.games % 2:
            raise ValueError(f"--games must be even and at least 2 (colours are swapped), got {self.games}")
        if self.train_minutes <= 0:
            raise ValueError(f"--train-minutes must be positive, got {self.train_minutes}")
        if self.pong_steps < 1:
            raise ValueError(f"--pong-steps must be at least 1, got {self.pong_steps}")


class Demo:
    """Runs the steps in order and tells the report what came out."""

    def __init__(self, config: DemoConfig, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.report = Report("Advantage: engineered or learned judgement?", folder / "index.html")

    def run(self, *arguments: str | Path) -> None:
        """Run one command line, show it on the screen and in the report, and stop the demo if it fails."""
        line = shlex.join(["python", *map(str, arguments)])
        print(f"\n$ {line}", flush=True)
        self.report.command(line)
        code = subprocess.run([sys.executable, *map(str, arguments)], cwd=PROJECT, check=False).returncode
        if code != 0:
            raise ValueError(f"this step of the demo ended with exit code {code}:\n{line}")

    def measure(self, name: str, *arguments: str | Path) -> Any:
        """Run a command line that can write JSON and return what it wrote."""
        found = self.folder / f"{name}.json"
        self.run(*arguments, "--json", found)
        return json.loads(found.read_text(encoding="utf-8"))

    def deep_blue_v_alphago(self) -> None:
        """Alpha-beta and MCTS, each with both judgements, all against all."""
        self.report.section("1. Deep Blue v AlphaGo, on Connect Four")
        players = [
            f"{search}:value={value},{limit}" for search, limit in SEARCHES.items() for value in JUDGEMENTS
        ]
        found = self.measure(
            "tournament", "scripts/evaluate.py", "tournament", GAME, *players, "random",
            "--games", str(self.config.games),
        )  # fmt: skip
        elo = {rating["player"]: rating for rating in found["ratings"]}
        self.report.text(
            f"Elo with 95 % interval from {found['games']} games, {found['distinct_games']} of them distinct."
        )
        self.report.table(
            ["search", *JUDGEMENTS],
            [
                [search, *(_elo(elo[f"{search}:value={value},{limit}"]) for value in JUDGEMENTS)]
                for search, limit in SEARCHES.items()
            ],
        )
        self.run(
            "scripts/watch.py", GAME, players[1], players[2], "--headless", "--at", "12",
            "--screenshot", self.folder / "board.png",
        )  # fmt: skip
        self.report.picture(
            self.folder / "board.png", "Both judgements of one position, learned and handcrafted"
        )

    def learn_to_judge_a_board(self) -> None:
        """Train a Connect Four value by self-play from nothing; measure it before and after."""
        self.report.section("2. A judgement learned by self-play")
        self.run(
            "scripts/train_board_value.py", GAME, "--minutes", str(self.config.train_minutes),
            "--runs-dir", self.folder,
        )  # fmt: skip
        run = _newest(self.folder, GAME)
        rows = []
        for when, model in (("before", run / "initial.safetensors"), ("after", run)):
            found = self.measure(
                f"match_{when}", "scripts/evaluate.py", "match", GAME,
                f"mcts:value=learned,simulations=100,model={model}", "mcts:value=handcrafted,simulations=100",
                "--games", str(self.config.games),
            )  # fmt: skip
            score = f"{100 * found['score']:.0f} %"
            rows.append([f"{when} training", score, _elo(found), str(found["distinct_games"])])
        self.report.text("The same search with the value being learned, against the handcrafted one:")
        self.report.table(["", "score", "Elo difference (95 %)", "distinct games"], rows)
        self.report.picture(run / "curve.png", "Training from nothing")

    def learn_from_pixels(self) -> None:
        """Train a DQN on the small Catch, then play Pong with the shipped agent and look inside it."""
        self.report.section("3. DQN")
        self.run("scripts/train_dqn.py", "catch", "--runs-dir", self.folder)
        run = _newest(self.folder, "catch")
        episodes = self.measure("episodes", "scripts/evaluate.py", "episodes", run, "--episodes", "100")
        self.report.text("Catch: the best possible mean return is 1.")
        self.report.table(
            ["model", "mean return (95 %)", "episodes"],
            [
                [
                    entry["model"],
                    f"{entry['mean']:.2f} ({entry['low']:.2f} to {entry['high']:.2f})",
                    str(entry["episodes"]),
                ]
                for entry in episodes
            ],
        )
        self.report.picture(run / "curve.png", "Learning Catch")
        film, inside = self.folder / "pong.mp4", self.folder / "inside"
        self.run(
            "scripts/watch.py", "pong", "--headless", "--steps", str(self.config.pong_steps), "--record", film
        )
        self.report.picture(film, "The shipped agent plays Pong")
        self.run("scripts/inspect_network.py", "pong", "--out", inside)
        for sheet in sorted(inside.glob("*.png")):
            self.report.picture(sheet, sheet.stem.replace("_", " "))


def _elo(found: dict[str, Any]) -> str:
    return f"{found['elo']:+.0f} ({found['elo_low']:+.0f} to {found['elo_high']:+.0f})"


def _newest(folder: Path, name: str) -> Path:
    """The newest run folder of that name."""
    return max(folder.glob(f"{name}-*/"), key=lambda path: path.stat().st_mtime)


def _new_folder(wanted: Path) -> Path:
    """Make `wanted`, or `wanted-2`, `-3`, ... where it exists."""
    folder, count = wanted, 1
    while folder.exists():
        count += 1
        folder = wanted.with_name(f"{wanted.name}-{count}")
    folder.mkdir(parents=True)
    return folder


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo."""
    config = parse(DemoConfig, argv, description=__doc__ or "")
    started = time.monotonic()
    demo = Demo(config, _new_folder(config.out))
    for step in (demo.deep_blue_v_alphago, demo.learn_to_judge_a_board, demo.learn_from_pixels):
        print(f"\n=== {step.__doc__}", flush=True)
        step()
        page = demo.report.write()
    print(
        f"\nDone in {(time.monotonic() - started) / 60:.1f} minutes. Report: {page}\nNext:\n"
        f"  python scripts/watch.py {GAME} human mcts:value=learned   # play against the learned judgement\n"
        "  python scripts/watch.py pong                                # watch a Q-network and its values\n"
        f"  python scripts/train_board_value.py {GAME} --minutes 10   # train a stronger one\n"
        "  python scripts/train_dqn.py cartpole                        # train a DQN of your own"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
