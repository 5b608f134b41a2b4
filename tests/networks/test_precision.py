"""bfloat16 is chosen where the processor gains by it."""

import pytest
import torch

from networks.precision import computes_bfloat16

XEON, EPYC = "Intel Xeon", "AMD EPYC 9R14"


@pytest.mark.parametrize(
    ("capabilities", "gains"),
    [
        ({"cpu_name": XEON, "avx512_bf16": True, "amx_tile": True}, True),
        ({"cpu_name": XEON, "avx512_bf16": True, "amx_tile": False}, False),
        ({"cpu_name": EPYC, "avx512_bf16": True}, True),
        ({"avx512_bf16": True}, True),
        ({"cpu_name": EPYC, "avx2": True, "avx512_bf16": False}, False),
        ({"architecture": "aarch64", "bf16": True}, True),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_a_cpu_computes_bfloat16_where_its_units_are_wide_enough(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object], gains: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert computes_bfloat16(torch.device("cpu")) is gains
