"""How every script reads its arguments and reports what it cannot do.

Flags are made from the fields of a dataclass (tyro). Whatever a caller can mend, a wrong flag, name or file,
is reported in at most three lines with exit code 2; `ADVANTAGE_TRACEBACK=1` shows where it was raised.
"""

import contextlib
import functools
import io
import math
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import tyro

from agents.runs.allocator import keep_freed_memory

# Before torch is imported: the networks here are small, and on few cores several threads of several processes
# wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

T = TypeVar("T")

ERROR_LINES_MAX = 3
INTERRUPTED, BROKEN_PIPE = 130, 141  # 128 + SIGINT or SIGPIPE, as shells report them
_FIELD = re.compile(r"\b[A-Z]\w*Config\.(\w+)")
_BOX = "╭╮╰╯│─┃━ "


class UsageError(ValueError):
    """The command line cannot be understood."""


def resumed_path(arguments: Sequence[str]) -> Path | None:
    """The run folder that follows --resume: its config is needed before other flags can be read.

    Returns: None where nothing is to be resumed.
    Raises: UsageError where no folder follows.
    """
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, value = argument.partition("=")
        if name == "--resume":
            if value or following:
                return Path(value or following)
            raise UsageError("--resume needs the folder of a run")
    return None


def check_minutes(minutes: float | None) -> None:
    """Refuse a limit that is none. Raises: UsageError."""
    if minutes is not None and not 0 < minutes < math.inf:
        raise UsageError(f"--minutes must be above 0, got {minutes:g}")


def check_output(flag: str, path: Path) -> None:
    """Refuse, before hours of work, a file that could not be written at their end. Raises: UsageError."""
    if path.is_dir():
        raise UsageError(f"{flag} {path}: this is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{flag} {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{flag} {path}: the folder cannot be written to")


@contextlib.contextmanager
def flags_named() -> Iterator[None]:
    """What a config says of its fields is said of the flags made from them. Raises: UsageError."""
    try:
        yield
    except ValueError as error:
        told = _FIELD.sub(lambda field: "--" + field[1].replace("_", "-"), str(error))
        raise UsageError(told) from error


@overload
def parse(shape: type[T], argv: Sequence[str] | None, *, description: str, default: T | None = None) -> T: ...


@overload
def parse(shape: Any, argv: Sequence[str] | None, *, description: str, default: Any = None) -> Any: ...


def parse(shape: Any, argv: Sequence[str] | None, *, description: str, default: Any = None) -> Any:
    """Read `argv` (None: the process's own) into a dataclass, with `default` for the fields not given.

    --help prints `description` and exits with 0. Raises UsageError on anything that is not valid.
    """
    said = io.StringIO()
    arguments = sys.argv[1:] if argv is None else list(argv)
    options: dict[str, Any] = {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(said), flags_named():
            return tyro.cli(shape, args=arguments, description=textwrap.dedent(description), **options)
    except SystemExit as stop:
        if stop.code == 0:
            raise
        raise UsageError(_plain(said.getvalue())) from None


def _plain(box: str) -> str:
    """What tyro's framed message says, without the frame, on at most two lines."""
    lines = [line.strip(_BOX) for line in box.splitlines()]
    hints = ("For full helptext", "Argument helptext")
    told = [line for line in lines[1:] if line.strip("-") and not line.startswith(hints)]  # - where no ─ is
    said = re.sub(r"^Error parsing [A-Z]\w*: ", "", " ".join(told))  # a dataclass refused
    return said.replace(" Perhaps you meant", "\nPerhaps you meant") + "\n--help shows what is allowed"


def _told(error: Exception) -> str:
    """What an error says; of the system's own, as Unix tools say it: the file, then what ails it."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def command(main: Callable[[Sequence[str] | None], int]) -> Callable[..., int]:
    """Make a script's main report a caller's mistakes in three lines and exit code 2, and Ctrl-C as 130.

    The process keeps the memory that it frees: every script that runs a network gains from it.
    """

    @functools.wraps(main)
    def guarded(argv: Sequence[str] | None = None) -> int:
        keep_freed_memory()
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.append(here)  # for an environment of one's own, my_module:MyEnv-v0
        try:
            return main(argv)
        except BrokenPipeError:  # who reads has seen enough, as `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing to flush at exit
            return BROKEN_PIPE
        except (ValueError, OSError) as error:
            if os.environ.get("ADVANTAGE_TRACEBACK"):
                raise
            lines = f"error: {_told(error)}".splitlines()
            print("\n".join(lines[:ERROR_LINES_MAX]), file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return INTERRUPTED

    return guarded
