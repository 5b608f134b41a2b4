"""How much memory this machine can give, so that a replay that cannot fit is refused before training starts.

A replay's pages are only taken as they are written: without this check a run would die hours later.
"""

from __future__ import annotations

import re
from pathlib import Path

KEPT_FREE = 0.15  # share of the available memory that is left to the networks and to other programs
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def available_bytes(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int | None:
    """Bytes that can still be taken, by the machine and by the container's limit; None where nothing says."""
    bounds = []
    if meminfo.is_file() and (found := re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())):
        bounds.append(int(found[1]) * 1024)
    limit, used, parts = (cgroup / f"memory.{name}" for name in ("max", "current", "stat"))
    if limit.is_file() and used.is_file() and limit.read_text().strip() != "max":
        cached = re.search(r"^inactive_file (\d+)$", parts.read_text(), re.M) if parts.is_file() else None
        reclaimable = int(cached[1]) if cached else 0  # files that were read: given back when asked for
        bounds.append(int(limit.read_text()) - int(used.read_text()) + reclaimable)
    return min(bounds) if bounds else None


def require_memory(needed: int, replay_size: int, available: int | None) -> None:
    """Raise ValueError, with the size that would fit, where a replay of `needed` bytes does not."""
    if available is None or needed <= available * (1 - KEPT_FREE):
        return
    fits = int(replay_size * available * (1 - KEPT_FREE) / needed)
    raise ValueError(
        f"DQNConfig.replay_size {replay_size:,} needs {needed / 2**30:.1f} GiB, "
        f"{available / 2**30:.1f} GiB are available; at most {fits:,} would fit"
    )
