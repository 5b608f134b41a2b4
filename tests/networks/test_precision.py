"""bfloat16 is chosen where the processor says that it has the instructions."""

import platform
from pathlib import Path

import pytest
import torch

from networks.precision import computes_bfloat16

CPU_FLAGS = Path("/proc/cpuinfo")


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not CPU_FLAGS.exists(), reason="reads Linux's x86 flags"
)
def test_a_cpu_computes_bfloat16_exactly_where_the_kernel_reports_its_instructions() -> None:
    flags = set(CPU_FLAGS.read_text().split())
    assert computes_bfloat16(torch.device("cpu")) == bool(flags & {"avx512_bf16", "amx_tile"})


@pytest.mark.parametrize("capability", ["avx512_bf16", "amx_tile", "bf16", None])
def test_any_of_the_instruction_sets_is_enough_and_none_is_not(
    monkeypatch: pytest.MonkeyPatch, capability: str | None
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, capability: True})
    assert computes_bfloat16(torch.device("cpu")) == (capability is not None)
