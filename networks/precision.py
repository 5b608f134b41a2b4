"""Which arithmetic a device is good at.

bfloat16 keeps float32's range with 8 bits of precision: enough for convolutions, and twice as fast or more
where the device has wide units for it. Weights that are trained, losses and optimisers stay float32.
"""

import torch


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device is quicker at bfloat16 products than at float32's.

    Instructions are not enough on x86: an AMD EPYC gains by vectors of bfloat16 (avx512_bf16), a Xeon only
    by its matrix units (AMX). Without these, as in many a virtual machine, it was measured at 1.9 times the
    speed with float32 products of 1024x1024 matrices, at 1.3 times with a whole training on Pong.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    if capabilities.get("amx_tile") or capabilities.get("bf16"):  # x86 matrix units; Arm
        return True
    return bool(capabilities.get("avx512_bf16")) and "intel" not in capabilities.get("cpu_name", "").lower()
