"""The time of day for compiled code, so that a search itself sees that its time is up.

A timer thread has to be woken, gets Python's lock and sets a byte: on a loaded machine that is 10-20 ms late.
The kernel asks the C library's `clock_gettime` instead. It is called by name, which the linker resolves in
each process, so numba's disk cache keeps working, as it would not with an address.
"""

import time
from collections.abc import Callable
from typing import Any

import llvmlite.ir
import numba.core.cgutils
from numba import types
from numba.extending import intrinsic, overload

NEVER = 2**63 - 1  # ns
_CLOCK = time.CLOCK_MONOTONIC
_NANOSECONDS = 1_000_000_000
_ir: Any = llvmlite.ir  # neither has types
_cgutils: Any = numba.core.cgutils


def now_ns() -> int:
    """Nanoseconds of a clock that only goes forward; works from Python and inside kernels alike."""
    return time.clock_gettime_ns(_CLOCK)


def deadline_ns(seconds: float | None, since: int | None = None) -> int:
    """The time `seconds` after `since`, or after now; NEVER for None."""
    since = now_ns() if since is None else since
    return NEVER if seconds is None else min(NEVER, since + int(seconds * _NANOSECONDS))


@intrinsic
def _clock_gettime(typing_context: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, clock_id = _ir.IntType(64), _ir.IntType(32)
        timespec = _cgutils.alloca_once(builder, _ir.ArrayType(word, 2))
        declared = _ir.FunctionType(_ir.IntType(32), [clock_id, timespec.type])
        function = _cgutils.get_or_insert_function(builder.module, declared, "clock_gettime")
        builder.call(function, [_ir.Constant(clock_id, _CLOCK), timespec])
        seconds = builder.load(_cgutils.gep_inbounds(builder, timespec, 0, 0))
        nanoseconds = builder.load(_cgutils.gep_inbounds(builder, timespec, 0, 1))
        return builder.add(builder.mul(seconds, _ir.Constant(word, _NANOSECONDS)), nanoseconds)

    return types.int64(), generate


@overload(now_ns, strict=False)
def _compiled_now() -> Callable[[], int]:
    def read() -> int:
        return _clock_gettime()  # type: ignore[call-arg]

    return read
