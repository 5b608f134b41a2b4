"""Neural networks: tensors in, tensors out. This package knows nothing of games, environments or agents.

The story in the order of reading: `blocks` (activation, norm, dropout, residual block), `noisy` layers, the
trunks `mlp`, `cnn` and `lstm`, the `heads` on top of them, `build` (a `NetworkConfig` becomes a module), then
what trains them (`losses`, `optimisers`) and what looks inside (`feature_maps`).
"""
