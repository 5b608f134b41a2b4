"""A run folder: all that one training leaves behind, and all that it needs to go on after a stop.

    runs/pong-20260131-142233/
      config.json             the training config as given, or as changed at the last resume
      origin.json             the command line, the commit and the versions behind it, and of each resume
      metrics.jsonl           see metrics.py; tensorboard/ beside it
      best.safetensors        the model with the best evaluation score (the last is often not the best)
      last.safetensors        the newest model; a second network of a run adds its part: best_PART, last_PART
      initial.safetensors     the model before its first step: what learning is measured against
      training_state.pt       optimiser, replay, counters, random streams: what only a resume needs
      curve.png               see plots.py

The best score so far is kept nowhere but in the header of the best model, so the two cannot disagree.
"""

from __future__ import annotations

import json
import math
import platform
import shlex
import shutil
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from agents.runs.atomic import replacing, write_text
from agents.runs.metrics import MetricsLog
from agents.runs.model import PROJECT_ROOT, SUFFIX, ModelHeader, read_header, save_model

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

RECORDED_PACKAGES = ("torch", "numpy", "numba", "gymnasium", "ale-py")
LOCK = ".lock"
PLAIN_TYPES = (bool, int, float, str, bytes, type(None))


class Run:
    """An open run folder; make one with `Run.create` or `Run.open`, close it or use it in a `with`.

    While it is open no other process, and no other `Run`, can open the folder.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        self._lock = FileLock(path / LOCK, blocking=False, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ValueError(
                f"{path} is still being trained by another process; stop that one first"
            ) from error
        self.metrics = MetricsLog(path)

    @classmethod
    def create(cls, root: str | Path, name: str, config: Mapping[str, Any]) -> Self:
        """Make the new folder `root/name-YYYYMMDD-HHMMSS`; if anything fails, no folder is left.

        Args:
            root: made if missing, `runs` for the scripts.
            name: what is trained, no path.
            config: plain JSON values.
        Raises: ValueError for a name with a separator or a config that is not plain JSON; OSError.
        """
        if not name or Path(name).name != name:
            raise ValueError(f"a run's name must be a plain folder name, got {name!r}")
        try:
            config_text = json.dumps(dict(config), indent=2, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the config of run {name!r} is not plain JSON: {error}") from error
        path = _new_folder(Path(root), f"{name}-{datetime.now():%Y%m%d-%H%M%S}")
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, path)
            write_text(path / "config.json", config_text + "\n")
            write_text(path / "origin.json", json.dumps(_origin(), indent=2) + "\n")
            run = cls(path, json.loads(config_text))
            undo.pop_all()
            return run

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the folder of an earlier run in order to go on with it (`--resume`).

        Raises: as `resumable_config`; ValueError where another process has the folder open.
        """
        return cls(Path(path), resumable_config(path))

    def go_on(self, config: Mapping[str, Any]) -> None:
        """Record that the run goes on, with this config: plain JSON values, in part perhaps new ones."""
        origin_path = self.path / "origin.json"
        origin = json.loads(origin_path.read_text(encoding="utf-8"))
        origin["resumed"] = [*origin.get("resumed", []), _origin()]
        write_text(origin_path, json.dumps(origin, indent=2) + "\n")
        self.config = dict(config)
        write_text(self.path / "config.json", json.dumps(self.config, indent=2, allow_nan=False) + "\n")

    def log(self, step: int, metrics: Mapping[str, float | Tensor]) -> None:
        """Record metrics (numbers or one-element tensors) of a step; see `MetricsLog.log`."""
        self.metrics.log(step, metrics)

    def model_path(self, which: str, part: str = "") -> Path:
        """Where the "best", the "last" or the "initial" model lies; `part` as in `find_model`."""
        return self.path / f"{which}{'_' if part else ''}{part}{SUFFIX}"

    def best_score(self, part: str = "") -> float | None:
        """The score of the best model so far, None before the first."""
        path = self.model_path("best", part)
        return read_header(path).score if path.is_file() else None

    def is_better(self, score: float, part: str = "") -> bool:
        """Whether `score` beats the best model of this run, the sittings before a resume included.

        Raises: ValueError for NaN and infinity: no evaluation gives them.
        """
        if not math.isfinite(score):
            raise ValueError(f"{self.path}: an evaluation score must be finite, got {score!r}")
        best = self.best_score(part)
        return best is None or score > best

    def save_model(self, tensors: Mapping[str, Tensor], header: ModelHeader, part: str = "") -> bool:
        """Save the last model, and the best one too where `header.score` is better; says whether it was.

        One of step 0 is kept as the initial model.
        """
        save_model(self.model_path("last", part), tensors, header)
        if header.step == 0:
            save_model(self.model_path("initial", part), tensors, header)
        better = header.score is not None and self.is_better(header.score, part)
        if better:
            save_model(self.model_path("best", part), tensors, header)
        return better

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Replace the training state, whole or not at all.

        Args:
            state: nested dicts, lists and tuples of tensors and plain python values, for a load that runs no
                code; `state["step"]` is the step to go on from.
        Raises: ValueError naming the first entry that could not be loaded again.
        """
        import torch

        if not isinstance(state.get("step"), int):
            raise ValueError(f"a training state needs its step as an int, got {state.get('step')!r}")
        _check_loadable(dict(state), "state")
        with replacing(self.path / "training_state.pt") as file:
            torch.save(dict(state), file)

    def load_state(self) -> dict[str, Any]:
        """The saved training state, on the CPU; records beyond its step are dropped, since they come again.

        Raises: ValueError when the file is damaged or holds anything but data.
        """
        import pickle

        import torch

        path = self.path / "training_state.pt"
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(f"{path} is damaged or not a training state; start a new run") from error
        self.metrics.drop_after(state["step"])
        return state

    @property
    def has_metrics(self) -> bool:
        """Whether anything was recorded yet."""
        return self.metrics.path.stat().st_size > 0

    def close(self) -> None:
        """Close the metrics files and let others open the folder."""
        self.metrics.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def resumable_config(path: str | Path) -> dict[str, Any]:
    """The config of a run that can be gone on with.

    Raises: FileNotFoundError when the folder, its config or its training state is missing; ValueError when
    the config is damaged. Each says which, and what to do.
    """
    path = Path(path)
    if not path.is_dir():
        others = ", ".join(sorted(str(p.parent) for p in path.parent.glob("*/config.json"))[-3:])
        raise FileNotFoundError(
            f"no run folder {path}; " + (f"newest there: {others}" if others else "none there")
        )
    if not (path / "config.json").is_file():
        raise FileNotFoundError(f"{path} is not a run folder: it has no config.json")
    if not (path / "training_state.pt").is_file():
        raise FileNotFoundError(
            f"{path} cannot be resumed: it was stopped before its first training_state.pt"
        )
    try:
        config: dict[str, Any] = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path / 'config.json'} is damaged: {error}") from error
    return config


def _new_folder(root: Path, name: str) -> Path:
    """Make `root/name`, or `root/name-2`, `-3`, ... where runs start in the same second."""
    root.mkdir(parents=True, exist_ok=True)
    path, count = root / name, 1
    while True:
        try:
            path.mkdir()
            return path
        except FileExistsError:
            count += 1
            path = root / f"{name}-{count}"


def _origin() -> dict[str, Any]:
    """What would be needed to repeat the run."""
    return {
        "command": shlex.join([sys.executable, *sys.argv]),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "versions": {name: metadata.version(name) for name in RECORDED_PACKAGES},
    }


def _commit() -> str | None:
    """The commit of the code, "-dirty" where it was edited since; None outside a git checkout."""
    if shutil.which("git") is None or not (PROJECT_ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def _check_loadable(value: Any, where: str) -> None:
    """Refuse what `weights_only=True` would refuse at the resume, hours later."""
    import torch

    if type(value) in (dict, OrderedDict):
        for key, entry in value.items():
            _check_loadable(key, f"a key of {where}")
            _check_loadable(entry, f"{where}[{key!r}]")
    elif type(value) in (list, tuple):
        for index, entry in enumerate(value):
            _check_loadable(entry, f"{where}[{index}]")
    elif type(value) not in PLAIN_TYPES and not isinstance(value, torch.Tensor):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise ValueError(
            f"{where} is a {kind}, which a safe load refuses; save a tensor or plain python values"
        )
