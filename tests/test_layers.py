"""Imports point down: scripts -> agents -> {envs, networks}. Every import in the tree is read and held to it.

Read from the source, not by importing: a lazy import inside a function counts for the layers and for cycles.
Whether a config loads torch is a matter of what runs when it is imported, so there only other imports count.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "scripts": {"scripts", "agents", "envs", "networks"},
    "agents": {"agents", "envs", "networks"},
    "envs": {"envs"},
    "networks": {"networks"},
}
ONLY_FOREIGN = {"networks": {"torch", "numpy"}}  # besides the standard library
LOADS_TORCH = {"torch", "stable_baselines3"}
NO_FOREIGN = {"envs": LOADS_TORCH}
WITHOUT_TORCH = ("config", "presets")  # modules of these names must load in well under a second


@dataclass(frozen=True)
class Import:
    """One imported name: `from a.b import c` is a.b.c if there is such a module, else a.b."""

    importer: str
    target: str
    line: int
    at_load: bool  # runs when the importer is loaded

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def modules(root: Path) -> dict[str, Path]:
    """The modules of the four packages by dotted name."""
    found = {}
    for package in MAY_IMPORT:
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path) -> list[Import]:
    """All imports of all modules but those for type checkers alone."""
    known = modules(root)
    found = []
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node, at_load in import_nodes(tree.body, True):
            targets = (resolved(target, known) for target in targets_of(node, package))
            found += [Import(name, target, node.lineno, at_load) for target in targets]
    return found


def import_nodes(body: list[ast.stmt], at_load: bool) -> Iterator[tuple[ast.stmt | ast.Call, bool]]:
    """Import statements and `import_module("...")` calls, each with whether it runs at load."""
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from import_nodes(statement.orelse, at_load)
            continue
        in_function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
        inner_blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
        inner_blocks += [handler.body for handler in getattr(statement, "handlers", [])]
        inner_blocks += [case.body for case in getattr(statement, "cases", [])]
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement, at_load
        elif not any(inner_blocks):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                    yield node, at_load
        for block in inner_blocks:
            yield from import_nodes(block, at_load and not in_function)


def targets_of(node: ast.stmt | ast.Call, package: str) -> list[str]:
    """The dotted names that the node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parents = package.split(".")
            base = ".".join(parents[: len(parents) - node.level + 1] + base.split(".") * bool(base))
        return [f"{base}.{alias.name}" for alias in node.names]
    assert isinstance(node, ast.Call)
    return [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]


def resolved(target: str, known: dict[str, Path]) -> str:
    """The longest beginning of a dotted name that is a module of ours; the whole name where none is."""
    name = target
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or target


def top(name: str) -> str:
    return name.partition(".")[0]


def wrong_directions(root: Path) -> list[str]:
    """Imports that point up or sideways, or at a foreign package that the layer must do without."""
    wrong = []
    for each in imports(root):
        layer, target = top(each.importer), top(each.target)
        standard = target in sys.stdlib_module_names
        only = ONLY_FOREIGN.get(layer)
        if target in MAY_IMPORT:
            allowed = target in MAY_IMPORT[layer]
        else:
            allowed = target not in NO_FOREIGN.get(layer, ()) and (only is None or standard or target in only)
        if not allowed:
            wrong.append(str(each))
    return wrong


def cycles(root: Path) -> list[str]:
    """Rings of modules that import each other, each told once."""
    graph: dict[str, set[str]] = {name: set() for name in modules(root)}
    for each in imports(root):
        if each.target in graph and each.target != each.importer:
            graph[each.importer].add(each.target)
    found, finished = [], set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append(" -> ".join([*path[path.index(name) :], name]))
        elif name not in finished:
            for target in sorted(graph[name]):
                visit(target, [*path, name])
            finished.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def configs_with_torch(root: Path) -> list[str]:
    """Config and preset modules whose loading would load torch, each with the way there."""
    known = modules(root)
    at_load: dict[str, set[str]] = {name: set() for name in known}
    for each in imports(root):
        if each.at_load:
            at_load[each.importer].add(each.target)
    found = []
    for name in sorted(known):
        if not name.rpartition(".")[2].endswith(WITHOUT_TORCH):
            continue
        ways, seen = [[name]], {name}
        while ways:
            way = ways.pop(0)
            target = way[-1]
            if top(target) in LOADS_TORCH:
                found.append(" -> ".join(way))
                break
            parents = {
                target.rsplit(".", i)[0] for i in range(1, target.count(".") + 1)
            }  # their __init__ runs too
            new = sorted((at_load.get(target, set()) | (parents & known.keys())) - seen)
            seen.update(new)
            ways += [[*way, step] for step in new]
    return found


def test_imports_point_down():
    assert wrong_directions(ROOT) == []


def test_no_module_imports_itself_in_a_ring():
    assert cycles(ROOT) == []


def test_configs_and_presets_load_without_torch():
    assert configs_with_torch(ROOT) == []


def test_the_whole_tree_was_read():
    names = modules(ROOT)
    assert {"envs.boards.game", "envs.boards", "envs"} <= names.keys()
    told = {str(each) for each in imports(ROOT)}
    assert any(
        each.startswith("envs.boards.game:") and each.endswith("imports envs.boards.rules") for each in told
    )


def grow(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("envs/a.py", "import agents.dqn", "envs.a:1 imports agents.dqn"),
        ("envs/a.py", "from networks import mlp", "envs.a:1 imports networks.mlp"),
        ("envs/a.py", "import numpy\ndef f():\n    import torch", "envs.a:3 imports torch"),
        (
            "envs/a.py",
            "from importlib import import_module\nx = import_module('torch.nn')",
            "envs.a:2 imports torch.nn",
        ),
        ("networks/a.py", "from envs.boards import game", "networks.a:1 imports envs.boards.game"),
        ("networks/a.py", "import gymnasium", "networks.a:1 imports gymnasium"),
        ("agents/dqn/a.py", "from scripts import demo", "agents.dqn.a:1 imports scripts.demo"),
        (
            "agents/dqn/a.py",
            "try:\n    pass\nexcept OSError:\n    import scripts.b",
            "agents.dqn.a:4 imports scripts.b",
        ),
        ("agents/dqn/a.py", "from ...scripts import b", "agents.dqn.a:1 imports scripts.b"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path, file, text, told):
    assert wrong_directions(grow(tmp_path, {file: text})) == [told]


def test_imports_that_point_down_are_not_told(tmp_path):
    files = {
        "scripts/a.py": "from agents.b import c\nimport rich",
        "agents/b.py": "from envs import d\nimport networks.e\nimport torch",
        "envs/d.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import agents.b\nimport numba",
        "networks/e.py": "import math\nimport numpy\nfrom torch import nn",
    }
    root = grow(tmp_path, files)
    assert (wrong_directions(root), cycles(root)) == ([], [])


def test_a_ring_of_modules_is_found_even_if_one_import_is_lazy(tmp_path):
    files = {
        "envs/__init__.py": "",
        "envs/a.py": "from envs import b",
        "envs/b.py": "from envs.c import x",
        "envs/c.py": "def f():\n    import envs.a",
    }
    assert cycles(grow(tmp_path, files)) == ["envs.a -> envs.b -> envs.c -> envs.a"]


def test_a_config_that_loads_torch_is_found_with_the_way_there(tmp_path):
    files = {
        "agents/dqn/config.py": "from agents.dqn.sizes import N",
        "agents/dqn/sizes.py": "import torch",
        "agents/dqn/presets.py": "def lazily():\n    import torch",
        "agents/values/__init__.py": "from stable_baselines3 import DQN",
        "agents/values/value_config.py": "",
    }
    assert configs_with_torch(grow(tmp_path, files)) == [
        "agents.dqn.config -> agents.dqn.sizes -> torch",
        "agents.values.value_config -> agents.values -> stable_baselines3.DQN",
    ]
