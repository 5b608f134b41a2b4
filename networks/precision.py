"""Which arithmetic a device is good at.

bfloat16 keeps float32's range with 8 bits of precision: enough for convolutions, and twice as fast or more
where the device multiplies it natively. Weights that are trained, losses and optimisers stay float32.
"""

import torch

_CPU_INSTRUCTIONS = ("avx512_bf16", "amx_tile", "bf16")  # x86, x86 matrix units, Arm


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16 products; without them it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _CPU_INSTRUCTIONS)
