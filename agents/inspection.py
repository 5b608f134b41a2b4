"""What a model has learned and what it sees, as sheets of pictures: weights, feature maps, output, saliency.

A network is shown one observation: a DQN the step its own play reaches, a board network a position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.runs.model import ModelHeader, load_model
from agents.values.learned import rebuild_network
from agents.watching.scenes import open_scene, programme, told
from envs.boards.game import Game, Position, game
from envs.view.colour_maps import diverging, over_grey, rising
from envs.view.episode import as_grey
from envs.view.pictures import ActionValue
from envs.view.sheet import Section, Tile, draw_sheet
from networks.feature_maps import feature_maps, kernels, landmarks, saliency

SIGNED_NOTE = "blue positive, orange negative, dark zero; largest {high:.3g}"
RISING_NOTE = "dark zero, white {high:.3g}"
UNITS_MAX = 128  # tiles of one section
OPENINGS = {
    "tic_tac_toe": "b2a1c3",
    "connect_four": "443524",
    "othello": "f5d6c3d3",
}  # shown if none is given
NUMBERS_MAX = 16  # bars of one section


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture, uint8[H, W, 3], and the name of its file."""

    name: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Specimen:
    """A network and what it is shown."""

    network: Any  # networks.build.Network or RecurrentNetwork
    title: str
    subtitle: str
    obs: torch.Tensor  # [1, *input_shape]; with memory [T, 1, *input_shape]
    input_names: Sequence[str]  # of the planes, or of the numbers
    action_names: Sequence[str]
    position: Position | None = None  # of a board network


def specimen(model: Path, *, moves: str | None = None, at: int = 60, seed: int = 0) -> Specimen:
    """The network of a model file and what it is shown.

    Args:
        model: of any kind.
        moves: of a board network's position; None for a short opening.
        at: the step of a DQN's own play.
        seed: of that play.

    Raises: ValueError from a damaged model; IllegalMove.
    """
    header, tensors = load_model(model)
    network = rebuild_network(header, tensors)
    if header.kind == "dqn":
        return _playing(network, header, model, at, seed)
    rules = game(header.subject)
    moves = OPENINGS[rules.name] if moves is None else moves
    position = rules.position(moves)
    return Specimen(
        network=network,
        title=f"{rules.title} network",
        subtitle=f"{told(model, header)} · position after {moves or 'no move'}",
        obs=_board_obs(header, position),
        input_names=("own stones", "their stones", *(f"plane {i}" for i in range(2, rules.num_planes))),
        action_names=[rules.action_text(action) for action in range(rules.num_actions)],
        position=position,
    )


def sheets(shown: Specimen) -> Iterator[Sheet]:
    """All sheets that the network has, in the order in which it computes."""
    network, subtitle = shown.network, shown.subtitle
    if shown.network.config.trunk == "mlp":
        yield Sheet("first_layer", draw_sheet(f"{shown.title}: first layer", subtitle, _first_layer(shown)))
    else:
        yield Sheet("kernels", draw_sheet(f"{shown.title}: kernels", subtitle, _kernels(shown)))
    maps = {name: values[-1] for name, values in feature_maps(network, shown.obs).items()}
    marks = landmarks(maps)
    for which, name in (("shallow", marks.shallow), ("deep", marks.deep)):
        pixels = draw_sheet(f"{shown.title}: {which} feature maps", subtitle, _maps(name, maps[name]))
        yield Sheet(f"feature_maps_{which}", pixels)
    sections = [] if marks.dense is None else _maps(marks.dense, maps[marks.dense])
    output = draw_sheet(f"{shown.title}: output", subtitle, [*sections, *_output(shown, maps)])
    yield Sheet("output", output)
    yield Sheet("saliency", draw_sheet(f"{shown.title}: saliency", subtitle, _saliency(shown, maps)))


def _playing(network: Any, header: ModelHeader, model: Path, at: int, seed: int) -> Specimen:
    """Let the agent play; a network with memory is shown all steps of the episode."""
    from agents.watching.episode_scene import EpisodeScene

    scene = open_scene(programme([str(model)], seed=seed))
    assert isinstance(scene, EpisodeScene)
    seen = [scene.session.scenery.obs]
    for _ in range(at):
        scene.step_now()
        if scene.session.scenery.step == 0:
            seen.clear()
        seen.append(scene.session.scenery.obs)
    step = scene.session.scenery.step
    scene.close()
    remembers = network.config.memory != "none"
    stacked = torch.from_numpy(np.stack(seen if remembers else seen[-1:]))
    count = seen[-1].shape[0]
    pictures = seen[-1].ndim == 3
    return Specimen(
        network=network,
        title=scene.title,
        subtitle=f"{told(model, header)} · step {step} of its own play",
        obs=stacked[:, None] if remembers else stacked,
        input_names=[f"frame {i + 1} of {count}" if pictures else f"input {i}" for i in range(count)],
        action_names=scene.action_names,
    )


def _board_obs(header: ModelHeader, position: Position) -> torch.Tensor:
    packed = position.game.pack(position.state)[None]
    if header.kind == "board_value":
        return torch.from_numpy(position.game.planes(packed))
    from agents.values.mlp import features

    return torch.from_numpy(features(position.state, packed))


def _kernels(shown: Specimen) -> list[Section]:
    weights = kernels(shown.network)
    high = float(np.abs(weights).max())
    tiles = [Tile(f"{i}", [diverging(plane, high) for plane in kernel]) for i, kernel in enumerate(weights)]
    inputs = ", ".join(shown.input_names)
    title = f"{weights.shape[0]} kernels of {weights.shape[3]} x {weights.shape[2]}: each for {inputs}"
    return [Section(title=title, note=SIGNED_NOTE.format(high=high), tiles=tiles)]


def _first_layer(shown: Specimen) -> list[Section]:
    """Each hidden unit's weights; on boards where the stones lie."""
    weights = next(p for p in shown.network.parameters() if p.ndim == 2).detach().float().numpy()
    high = float(np.abs(weights).max())
    note = SIGNED_NOTE.format(high=high)
    if shown.position is None:
        tile = Tile("one column for each unit, one row for each input", [diverging(weights.T, high)])
        return [Section(title=f"{len(weights)} units of {weights.shape[1]} inputs", note=note, tiles=[tile])]
    rules = shown.position.game
    cells = cells_of_bits(rules)
    tiles = []
    for i, unit in enumerate(weights[:UNITS_MAX]):
        boards = np.zeros((2, *rules.board_shape), np.float32)
        for bit, cell in cells.items():
            boards[:, cell[0], cell[1]] = unit[bit], unit[64 + bit]
        tiles.append(Tile(f"{i}", [diverging(board, high) for board in boards]))
    return [Section(title="Hidden units: own stones, their stones", note=note, tiles=tiles)]


def cells_of_bits(rules: Game) -> dict[int, tuple[int, int]]:
    """Which cell (row, column) each bit of a bitboard is, for the bits that are one."""
    found = {}
    for bit in range(64):
        word = np.uint64(1) << np.uint64(bit)
        own_stone = rules.planes(np.array([[word, word], [word, 0]], np.uint64))[:, 0]
        for row, column in np.argwhere(own_stone.any(axis=0)).tolist():
            found[bit] = (row, column)
    return found


def _maps(name: str, values: NDArray[np.float32]) -> list[Section]:
    """One tile for each channel, or one for a layer without an extent."""
    high = float(np.abs(values).max())
    signed = bool((values < 0).any())
    note = (SIGNED_NOTE if signed else RISING_NOTE).format(high=high)
    paint = diverging if signed else rising
    if values.ndim == 3:
        tiles = [Tile(f"{i}", [paint(channel, high)]) for i, channel in enumerate(values[:UNITS_MAX])]
        shape = f"{len(values)} channels of {values.shape[2]} x {values.shape[1]}"
    else:
        tiles = [Tile("in reading order", [paint(_as_grid(values.ravel()), high)])]
        shape = f"{values.size} units"
    return [Section(title=f"{name}: {shape}", note=note, tiles=tiles)]


def _output(shown: Specimen, maps: dict[str, NDArray[np.float32]]) -> list[Section]:
    sections = []
    if "output.value" in maps:
        value = float(maps["output.value"].ravel()[0])
        title = f"Value for the side to move: {value:+.3f} (-1 lost, 0 drawn, 1 won)"
        sections.append(Section(title=title))
    if "output.logits" in maps:
        moves = _policy(shown, maps["output.logits"].ravel())
        sections.append(Section(title="Policy over the legal moves, in %", numbers=moves))
    if "output.q" in maps:
        q = maps["output.q"].ravel()
        actions = [
            ActionValue(name=name, value=float(value), chosen=i == int(q.argmax()))
            for i, (name, value) in enumerate(zip(shown.action_names, q, strict=True))
        ]
        sections.append(Section(title="Q values", note="bars: from the mean", actions=actions))
    return sections


def _policy(shown: Specimen, logits: NDArray[np.float32]) -> list[tuple[str, float]]:
    """The likeliest legal moves, in %."""
    assert shown.position is not None
    legal = shown.position.legal()
    shares = np.exp(logits[legal] - logits[legal].max())
    best = np.argsort(-shares, kind="stable")[:NUMBERS_MAX]
    return [(shown.action_names[legal[i]], float(100 * shares[i] / shares.sum())) for i in best]


def _saliency(shown: Specimen, maps: dict[str, NDArray[np.float32]]) -> list[Section]:
    """How much each input moves the best action's output (or the value), by gradient."""
    if shown.network.config.head == "q":
        index: int | None = int(maps["output.q"].ravel().argmax())
        target = f"Q of {shown.action_names[index or 0]}"
    else:
        index, target = None, "the value"
    gradient = saliency(shown.network, shown.obs, index)
    moved = np.abs(gradient.reshape(-1, *shown.network.config.input_shape)[-1])
    high = float(moved.max())
    title = f"How much each input moves {target}: size of the gradient"
    if moved.ndim == 1 and moved.size <= NUMBERS_MAX:
        numbers = [(name, float(size)) for name, size in zip(shown.input_names, moved, strict=True)]
        return [Section(title=title, numbers=numbers)]
    if moved.ndim == 1:
        tile = Tile("in reading order", [rising(_as_grid(moved), high)])
        return [Section(title=title, note=RISING_NOTE.format(high=high), tiles=[tile])]
    planes = shown.obs.reshape(-1, *moved.shape)[-1].numpy()
    seen = [Tile(name, [_grey(plane)]) for name, plane in zip(shown.input_names, planes, strict=True)]
    heat = [
        Tile(name, [over_grey(as_grey(plane), part, high)])
        for name, plane, part in zip(shown.input_names, planes, moved, strict=True)
    ]
    return [
        Section(title="What the network sees", tiles=seen),
        Section(title=title, note=f"bright orange {high:.3g}", tiles=heat),
    ]


def _grey(plane: NDArray[Any]) -> NDArray[np.uint8]:
    return as_grey(plane)[..., None].repeat(3, axis=-1)


def _as_grid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A vector as a rectangle about twice as wide as high; what is left over is 0."""
    columns = max(1, min(len(values), round((2 * len(values)) ** 0.5)))
    rows = -(-len(values) // columns)
    grid = np.zeros(rows * columns, np.float32)
    grid[: len(values)] = values
    return grid.reshape(rows, columns)
