"""Compiled code that is written once and serves every game and every value function.

`kernel` compiles a function with numba; it is the one place that knows numba's options. `generic` declares a
function that has one implementation for each NamedTuple class, resolved when a caller is compiled:

    @generic
    def legal_moves(state): ...

    @legal_moves.register(ConnectFour)
    @kernel
    def _(state): ...

Dispatch on argument types keeps numba's disk cache working, where a closure would be compiled anew in each
process. All of it also runs as plain Python, for debuggers and coverage, under `NUMBA_DISABLE_JIT=1`.

Numba's cache notices an edit in the file of a kernel itself but not in the files it calls, so the cache lies
in a folder named by a hash of all kernel sources.
"""

import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache
from numba.extending import overload

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type[tuple[Any, ...]])
CACHES_KEPT = 6  # compiled states of the sources, the newest ones

_IMPORTS_THIS = re.compile(r"\benvs\.boards(\.| import .*\b)dispatch\b")
_PACKAGES = ("envs", "agents")  # where kernels and the classes they are compiled for live
_OPTIONS: Any = {"nogil": True, "error_model": "numpy"}
_NO_COUNTS: Any = {"_nrt": False}  # numba's reference counts


def kernel_sources(root: Path) -> list[Path]:
    """All files kernels may come from: each folder below `root` where some file imports this module."""
    folders = {
        path.parent
        for package in _PACKAGES
        for path in (root / package).rglob("*.py")
        if _IMPORTS_THIS.search(path.read_text(encoding="utf-8"))
    }
    return sorted({path for folder in folders | {Path(__file__).parent} for path in folder.glob("*.py")})


def cache_folder(root: Path) -> Path:
    """The folder of the user's cache that belongs to the kernel sources below `root` as they are now."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in kernel_sources(root):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "advantage" / "kernels" / digest.hexdigest()[:16]


def _prepare_cache() -> bool:
    """Point numba at the cache folder and drop the oldest ones. False where nothing can be written."""
    folder = cache_folder(Path(__file__).resolve().parents[2])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        print(
            f"advantage: kernels are compiled anew in each process: {folder}: {error.strerror}",
            file=sys.stderr,
        )
        return False
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    for old in sorted(folder.parent.iterdir(), key=_last_used, reverse=True)[CACHES_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)  # another process may be deleting it too
    return True


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # deleted since it was listed
        return 0.0


_CACHE = _prepare_cache()
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    np.seterr(over="ignore")  # 64-bit words wrap around, as they do in compiled code


class _Cache(FunctionCache):
    """Numba's disk cache, but for signatures with classes from elsewhere, such as a test or a user's script.

    They would be named in the index of the kernel, which a process that cannot import them fails to read.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        own = _names_own_classes_only(sig)
        return super().load_overload(sig, target_context) if own else None  # type: ignore[no-untyped-call]

    def save_overload(self, sig: Any, data: Any) -> None:
        if _names_own_classes_only(sig):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


def _names_own_classes_only(signature: Any) -> bool:
    classes = (getattr(each, "instance_class", None) for each in getattr(signature, "args", signature))
    return all(cls is None or cls.__module__.split(".")[0] in _PACKAGES for cls in classes)


def kernel(function: F) -> F:
    """Compile `function` on first call for each combination of argument types; cached on disk."""
    return _compiled(function, _OPTIONS)


def inner_kernel(function: F) -> F:
    """`kernel` without reference counts on arrays: a third of the time of a recursive search.

    For functions that only kernels call, and that neither make arrays nor return them.
    """
    return _compiled(function, _OPTIONS | _NO_COUNTS)


def _compiled(function: F, options: dict[str, Any]) -> F:
    compiled = numba.njit(**options)(function)
    if _CACHE and compiled is not function:  # it is under NUMBA_DISABLE_JIT
        compiled._cache = _Cache(function)  # type: ignore[no-untyped-call]  # as numba's own `cache=True`
    return cast(F, compiled)


def words(cls: C) -> C:
    """Make a NamedTuple class turn its fields into np.uint64, whoever builds it.

    Numba hands words back to Python as plain `int`, and would take those for signed numbers in the next call.
    """
    build: Any = cls.__new__

    @functools.wraps(build)
    def new(cls: type, *fields: int, **named: int) -> Any:
        named_words = {name: np.uint64(field) for name, field in named.items()}
        return build(cls, *(np.uint64(field) for field in fields), **named_words)

    cast(Any, cls).__new__ = new
    return cls


class Generic(Protocol):
    """A function with one implementation for each NamedTuple class."""

    def __call__(self, *args: Any) -> Any:
        """Call the implementation for the first argument that has one. TypeError where none has."""

    def register(self, cls: type) -> Callable[[F], F]:
        """Make the decorated kernel the implementation for `cls`."""


def generic(signature: Callable[..., Any]) -> Generic:
    """Declare a function by its signature and docstring; its body never runs.

    The implementation is chosen by the class of the first argument for which one was registered.
    """
    implementations: dict[type, Callable[..., Any]] = {}

    @functools.wraps(signature)
    def call(*args: Any) -> Any:
        for argument in args:
            implementation = implementations.get(type(argument))
            if implementation is not None:
                return implementation(*args)
        known = ", ".join(sorted(cls.__name__ for cls in implementations)) or "none"
        given = ", ".join(type(argument).__name__ for argument in args)
        raise TypeError(f"{signature.__name__} has no implementation for ({given}); registered: {known}")

    @overload(call, strict=False, jit_options=_OPTIONS)
    def resolve(*types: Any) -> Callable[..., Any] | None:
        for numba_type in types:
            implementation = implementations.get(getattr(numba_type, "instance_class", type(None)))
            if implementation is not None:
                return cast(Callable[..., Any], getattr(implementation, "py_func", implementation))
        return None

    def register(cls: type) -> Callable[[F], F]:
        def add(implementation: F) -> F:
            implementations[cls] = implementation
            return implementation

        return add

    call.register = register  # type: ignore[attr-defined]
    return cast(Generic, call)
