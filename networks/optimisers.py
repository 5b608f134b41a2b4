"""The rules that turn gradients into updates, by name: SGD, RMSProp, Adam and three of its relatives.

With gradient g, learning rate a, all per weight w:
  sgd      v = momentum * v + g;  w -= a * v
  rmsprop  s = 0.99 * s + 0.01 * g^2;  w -= a * g / (sqrt(s) + epsilon)              (Hinton 2012)
  adam     m, s = running means of g (0.9) and g^2 (0.999), corrected for their start at 0;
           w -= a * m / (sqrt(s) + epsilon)                                          (Kingma & Ba 2015)
  adamw    adam, with weight decay apart from g: w -= a * weight_decay * w          (Loshchilov & Hutter 2019)
  radam    adam that waits, as plain momentum, until s can be trusted                (Liu et al. 2020)
  muon     adamw for vectors; of a matrix or kernel W all singular values of the momentum become alike:
           W -= a * 15 * the orthogonal matrix that is nearest to m                  (Jordan et al. 2024)
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from networks.config import OPTIMISERS, check_choice

MATRIX_RATE = 15.0  # muon: steps of matrices, in those of vectors; 5 learned less, 40 no more
MATRIX_MOMENTUM = 0.95  # muon


def make_optimiser(
    name: str,
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    *,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    epsilon: float = 1e-8,
) -> torch.optim.Optimizer:
    """A torch optimiser over `parameters`.

    Args:
        name: one of `networks.config.OPTIMISERS`.
        parameters: what it updates.
        learning_rate: step size a, above 0.
        momentum: of sgd and rmsprop, in [0, 1).
        weight_decay: pull of each weight towards 0, at least 0.
        epsilon: keeps the division finite; not used by sgd.
    Raises: ValueError for an unknown name (naming the nearest one), a learning rate not above 0, or
        momentum for one of the Adam family, which has its own.
    """
    check_choice("optimiser", name, OPTIMISERS)
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be above 0, got {learning_rate!r}")
    if momentum != 0 and name not in ("sgd", "rmsprop"):
        raise ValueError(f"momentum is for sgd and rmsprop, got {momentum!r} for {name}")
    if name == "sgd":
        return torch.optim.SGD(parameters, learning_rate, momentum=momentum, weight_decay=weight_decay)
    if name == "rmsprop":
        return torch.optim.RMSprop(
            parameters, learning_rate, momentum=momentum, weight_decay=weight_decay, eps=epsilon
        )
    if name == "radam":
        return RAdam(parameters, learning_rate, weight_decay=weight_decay, eps=epsilon, fused=True)
    kinds: dict[str, type[torch.optim.Adam]]
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "muon": Muon}
    return kinds[name](parameters, learning_rate, weight_decay=weight_decay, eps=epsilon, fused=True)


class RAdam(torch.optim.Adam):
    """Rectified Adam on torch's fused Adam: the same weights as `torch.optim.RAdam` in a fifth of the time.

    Once the running mean of g^2 can be trusted, RAdam is Adam whose rate is rectified (and whose epsilon is
    added before the correction of s, not after it); before that, in the first five steps, it is momentum.
    Source: Liu et al. 2020, algorithm 2.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of all weights that have a gradient."""
        for group in self.param_groups:
            rate, epsilon = group["lr"], group["eps"]
            beta1, beta2 = group["betas"]
            t = 1 + max((int(self.state[w]["step"]) for w in group["params"] if w in self.state), default=0)
            correction1, correction2 = 1 - beta1**t, 1 - beta2**t
            longest = 2 / (1 - beta2) - 1
            length = longest - 2 * t * beta2**t / correction2  # steps that the mean of g^2 stands for
            trusted = length > 5
            group["lr"] = rate * _rectification(length, longest) if trusted else 0.0
            group["eps"] = epsilon / math.sqrt(correction2)
            super().step()
            group["lr"], group["eps"] = rate, epsilon
            if not trusted:
                for weight in group["params"]:
                    if weight.grad is not None:
                        weight.sub_(self.state[weight]["exp_avg"], alpha=rate / correction1)


class Muon(torch.optim.AdamW):
    """AdamW for vectors; matrices, and kernels as [outputs, inputs * H * W], move by an orthogonal matrix.

    No direction of a layer's inputs is learned faster than the others. Source: Jordan et al. 2024, "Muon",
    kellerjordan.github.io/posts/muon, with Nesterov momentum and a step of sqrt(outputs / inputs), at least
    1. There, first and last layers are left to AdamW. (torch.optim.Muon refuses kernels and vectors.)
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of all weights that have a gradient; those of matrices are used up."""
        for group in self.param_groups:
            rate = MATRIX_RATE * group["lr"]
            for weight in group["params"]:
                if weight.ndim < 2 or weight.grad is None:
                    continue
                kept = self.state[weight]
                if not kept:
                    kept["step"], kept["exp_avg"] = torch.tensor(0.0), torch.zeros_like(weight)
                kept["step"] += 1
                momentum = kept["exp_avg"].lerp_(weight.grad, 1 - MATRIX_MOMENTUM)
                ahead = weight.grad.lerp(momentum, MATRIX_MOMENTUM).flatten(1)
                turn = orthogonalised(ahead) * max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
                weight.mul_(1 - rate * group["weight_decay"])
                weight.sub_(turn.reshape(weight.shape), alpha=rate)
                weight.grad = None
        super().step()


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of `matrix` and singular values of about 1: 0.7 to 1.2.

    Five steps of a Newton-Schulz iteration whose coefficients, Jordan's, lift small values fast; values below
    a thousandth of the largest stay smaller.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x.T if tall else x


def _rectification(length: float, longest: float) -> float:
    """The share of Adam's rate that a mean over `length` steps deserves, in (0, 1)."""
    return math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
