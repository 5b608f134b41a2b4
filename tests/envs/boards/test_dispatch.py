"""The cache of compiled kernels, and the same code without compilation. Each case is a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import envs
from envs.boards.dispatch import CACHES_KEPT, kernel_sources

ROOT = Path(envs.__file__).parents[1]
COUNT_GAMES = """
from envs.boards.game import game
from envs.boards.perft import perft
print(perft(game("connect_four").initial, 3), sum(perft.stats.cache_hits.values()))
"""
SUMMARY = """
import json
import numpy as np
from envs.boards import batches, rules
from envs.boards.game import GAMES, game
from envs.boards.perft import perft

facts = {}
for name in GAMES:
    board = game(name)
    position = board.start()
    while not position.is_over and len(position.moves) < 30:
        legal = position.legal()
        position = position.play(legal[len(position.moves) * 7 % len(legal)])
        packed = board.pack(position.state)[None]
        facts[board.moves_text(position.moves)] = [
            int(rules.hash_key(position.state)),
            board.legal_masks(packed).astype(int).tolist(),
            board.planes(packed).astype(int).tolist(),
            [[int(word) for word in rules.transform(position.state, k)] for k in range(board.num_symmetries)],
        ]
    facts[name] = [int(perft(board.initial, 3)), position.text()]
"""


def run(code: str, folder: Path, cache: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code on the packages in `folder` with kernels cached below `cache`."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )


def copy_of_the_rules(folder: Path) -> Path:
    """The part of the tree that board rules need, to be edited."""
    shutil.copytree(
        ROOT / "envs" / "boards", folder / "envs" / "boards", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "envs" / "__init__.py", folder / "envs")
    return folder / "envs" / "boards"


def test_an_edited_rule_is_seen_and_an_unchanged_one_comes_from_the_cache(tmp_path):
    rules_folder = copy_of_the_rules(tmp_path)
    cache = tmp_path / "cache"
    assert run(COUNT_GAMES, tmp_path, cache).stdout.split() == ["343", "0"]
    assert run(COUNT_GAMES, tmp_path, cache).stdout.split() == ["343", "1"]

    rule = rules_folder / "connect_four.py"  # perft.py, whose kernel calls this one, is not touched
    text = rule.read_text()
    edited = text.replace(
        "for column in range(NUM_COLUMNS):\n        legal", "for column in range(5):\n        legal"
    )
    assert edited != text
    rule.write_text(edited)
    assert run(COUNT_GAMES, tmp_path, cache).stdout.split() == ["125", "0"]
    rule.write_text(text)
    assert run(COUNT_GAMES, tmp_path, cache).stdout.split() == ["343", "1"]


def test_a_cache_folder_that_cannot_be_written_is_mentioned_once_and_done_without(tmp_path):
    blocked = tmp_path / "a_file"
    blocked.write_text("")
    done = run(COUNT_GAMES, ROOT, blocked)
    assert done.stdout.split() == ["343", "0"]
    assert done.stderr.count("advantage: kernels are compiled anew in each process") == 1
    assert str(blocked) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_only_the_newest_caches_are_kept(tmp_path):
    kernels = tmp_path / "advantage" / "kernels"
    for i in range(9):
        folder = kernels / f"old_{i}"
        folder.mkdir(parents=True)
        os.utime(folder, (i, i))
    run("import envs.boards.dispatch", ROOT, tmp_path, NUMBA_DISABLE_JIT="1")
    left = sorted(path.name for path in kernels.iterdir())
    assert len(left) == CACHES_KEPT
    assert [name for name in left if name.startswith("old")] == [
        f"old_{i}" for i in range(10 - CACHES_KEPT, 9)
    ]


def test_uncompiled_kernels_say_the_same_as_compiled_ones(tmp_path):
    uncompiled = run(SUMMARY + "print(json.dumps(facts))", ROOT, tmp_path, NUMBA_DISABLE_JIT="1")
    assert uncompiled.stderr == ""  # no overflow warnings
    compiled: dict[str, object] = {}
    exec(SUMMARY, compiled)
    assert json.loads(uncompiled.stdout) == compiled["facts"]


def test_a_class_from_elsewhere_is_compiled_for_and_leaves_no_trace_in_the_cache(tmp_path):
    (tmp_path / "elsewhere.py").write_text(
        "from envs.boards.connect_four import ConnectFour\nclass Mine(ConnectFour): pass\n"
    )
    drop = "from envs.boards.connect_four import INITIAL, drop\n"
    mine = "from elsewhere import Mine\nprint(int(drop(Mine(*INITIAL), 3).occupied))"
    ours = "print(int(drop(INITIAL, 3).occupied), sum(drop.stats.cache_hits.values()))"
    paths = os.pathsep.join([str(ROOT), str(tmp_path)])
    assert run(drop + mine, ROOT, tmp_path, PYTHONPATH=paths).stdout.split() == [str(1 << 21)]
    for hits in "01":  # the first process fills the cache, the second reads it; neither knows `Mine`
        assert run(drop + ours, ROOT, tmp_path).stdout.split() == [str(1 << 21), hits]


def test_kernels_outside_the_boards_count_as_sources_too(tmp_path):
    copy_of_the_rules(tmp_path)
    judgement = tmp_path / "agents" / "values"
    judgement.mkdir(parents=True)
    (judgement / "terms.py").write_text("from envs.boards.dispatch import kernel\n")
    (judgement / "weights.py").write_text("CENTRE = 3\n")
    search = tmp_path / "agents" / "search"
    search.mkdir()
    (search / "minimax.py").write_text("from envs.boards import bits, dispatch\n")
    (tmp_path / "agents" / "plots.py").write_text("import matplotlib\n")
    names = {path.name for path in kernel_sources(tmp_path)}
    assert {"terms.py", "weights.py", "minimax.py", "connect_four.py"} <= names
    assert "plots.py" not in names
