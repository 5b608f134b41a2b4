"""A model file: weights as safetensors, and all that is needed to rebuild the agent as JSON in its header.

Loading never runs code (there is no pickle), and the header is read without torch, so that a command line
can refuse a wrong model at once. The file is laid out as the safetensors format says: eight bytes of length
(little endian), that much JSON, then the raw tensors. Our header is one entry of the JSON's `__metadata__`.

Where a command takes MODEL, it is a file, a run folder, or a name in `pretrained/`; see `find_model`.
Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args

from agents.runs.atomic import replacing

if TYPE_CHECKING:
    from torch import Tensor

ModelKind = Literal["dqn", "board_value", "board_value_mlp", "board_value_ntuple", "board_value_fitted"]

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PRETRAINED = PROJECT_ROOT / "pretrained"
SUFFIX = ".safetensors"

METADATA_KEY = "advantage"
FORMAT_VERSION = 1
HEADER_BYTES_MAX = 100_000_000  # the limit of the safetensors library itself


class ModelNotFound(ValueError):
    """MODEL names neither a file, nor a run folder with a model, nor a pretrained model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelHeader:
    """What a model file says about itself; `network`, `config` and `notes` hold plain JSON values.

    JSON has no tuples: what went in as a tuple comes back as a list.
    """

    kind: ModelKind  # who can use the weights
    subject: str  # env id or game name
    network: dict[str, Any]  # NetworkConfig.to_json()
    config: dict[str, Any]  # the training config
    step: int  # training steps behind these weights
    score: float | None = None  # by the run's own evaluation, higher is better; None: not evaluated
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in get_args(ModelKind):
            raise ValueError(f"ModelHeader.kind must be one of {get_args(ModelKind)}, got {self.kind!r}")
        if not self.subject or not isinstance(self.subject, str):
            raise ValueError(f"ModelHeader.subject must be an env id or a game name, got {self.subject!r}")
        if not isinstance(self.step, int) or self.step < 0:
            raise ValueError(f"ModelHeader.step must be an int >= 0, got {self.step!r}")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"ModelHeader.score must be finite or None, got {self.score!r}")
        for name in ("network", "config", "notes"):
            if not isinstance(getattr(self, name), dict):
                raise ValueError(f"ModelHeader.{name} must be a dict, got {getattr(self, name)!r}")

    def to_text(self) -> str:
        """The header as JSON. Raises: ValueError where a value is not plain JSON (NaN included)."""
        try:
            return json.dumps({"format": FORMAT_VERSION, **asdict(self)}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"model header of {self.subject} is not plain JSON: {error}") from error


def save_model(path: str | Path, tensors: Mapping[str, Tensor], header: ModelHeader) -> None:
    """Write weights and header, whole or not at all; a reader at any moment finds a complete file.

    Args:
        path: ends in `.safetensors`; its folder is made if missing.
        tensors: any shapes, dtypes (kept) and devices; typically `module.state_dict()`.
        header: what rebuilds the agent.
    Raises: ValueError for another suffix or a header that is not plain JSON; OSError from the disk.
    """
    from safetensors.torch import save

    path = Path(path)
    if path.suffix != SUFFIX:
        raise ValueError(f"a model file is named *{SUFFIX}, got {str(path)!r}")
    # Cloned: safetensors refuses tensors that share memory (tied weights, views).
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    content = save(plain, metadata={METADATA_KEY: header.to_text()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)


def read_header(path: str | Path) -> ModelHeader:
    """The header alone, in under a millisecond and without torch.

    Raises: FileNotFoundError; ValueError when the file is no complete model file of this project.
    """
    path = Path(path)
    with path.open("rb") as file:
        return _parse(file, path, path.stat().st_size)


def load_model(path: str | Path) -> tuple[ModelHeader, dict[str, Tensor]]:
    """Header and weights (on the CPU, dtypes as saved). Raises: as `read_header`."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = Path(path)
    with path.open("rb") as file:  # one open file: a save in between cannot mix two models
        header = _parse(file, path, path.stat().st_size)
        file.seek(0)
        content = file.read()
    try:
        return header, load(content)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}; copy it again") from error


def find_model(model: str | Path, part: str = "") -> Path:
    """The model file that MODEL means.

    In this order: an existing file, itself, whatever `part` is; a run folder, its `best` else its `last`
    model; a name, in the project's `pretrained/` (from any working directory).

    Args:
        model: as typed by the user.
        part: which of several models of one run: "alpha_beta" asks for `best_alpha_beta.safetensors` in a
            folder and for `pretrained/NAME_alpha_beta.safetensors` by name; "" for the main model.
    Raises: ModelNotFound, with the nearest names.
    """
    text, path = str(model), Path(model).expanduser()
    ending = f"_{part}{SUFFIX}" if part else SUFFIX
    if path.is_file():
        return path
    for candidate in (path / f"best{ending}", path / f"last{ending}"):
        if candidate.is_file():
            return candidate
    if path.name == text and (pretrained := PRETRAINED / f"{text}{ending}").is_file():
        return pretrained
    raise ModelNotFound(_not_found(text, path, ending))


def _parse(file: BinaryIO, path: Path, size: int) -> ModelHeader:
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, HEADER_BYTES_MAX):
        raise ValueError(
            f"{path} is not a safetensors file (or cut short); give a model that was saved by training"
        )
    try:
        entries = json.loads(file.read(length))
        data_bytes = max((e["data_offsets"][1] for n, e in entries.items() if n != "__metadata__"), default=0)
        text = entries.get("__metadata__", {}).get(METADATA_KEY)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"{path} is not a safetensors file; give a model that was saved by training"
        ) from error
    if text is None:
        raise ValueError(
            f"{path} has no model header: a safetensors file of another program; save it with save_model"
        )
    if size != 8 + length + data_bytes:
        raise ValueError(f"{path} has {size} bytes where {8 + length + data_bytes} belong; copy it again")
    return _header(text, path)


def _header(text: str, path: Path) -> ModelHeader:
    try:
        values = json.loads(text)
        version = values.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} has a damaged model header; save or copy it again") from error
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has model format {version!r}, this version reads {FORMAT_VERSION}; update the project"
        )
    if wrong := set(values) ^ {f.name for f in fields(ModelHeader)}:
        raise ValueError(
            f"{path} has a model header with missing or unknown fields {sorted(wrong)}; save it again"
        )
    try:
        return ModelHeader(**values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _not_found(text: str, path: Path, ending: str) -> str:
    if path.is_dir():
        there = ", ".join(sorted(p.name for p in path.glob(f"*{SUFFIX}"))) or "no model at all"
        return f"no model in {text}: neither best{ending} nor last{ending}, but {there}"
    pretrained = sorted(p.name.removesuffix(ending) for p in PRETRAINED.glob(f"*{ending}"))
    candidates = [*pretrained, *_run_folders(path, ending)]
    nearest = get_close_matches(text, candidates, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else "give a path or one of these names."
    return (
        f"no model {text!r}: not a file, not a run folder, not a name in pretrained/; {hint}\n"
        f"pretrained: {', '.join(pretrained) or 'none'}"
    )


def _run_folders(path: Path, ending: str) -> Iterator[str]:
    """Folders with a model, as a user types them: in `runs/` and beside the path that was asked for."""
    for root in {Path("runs"), path.parent} - {Path()}:
        for folder in root.glob("*/"):
            if (folder / f"best{ending}").is_file() or (folder / f"last{ending}").is_file():
                yield str(folder)
