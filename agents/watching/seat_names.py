"""What a seat is called on the page: `mcts:value=learned,simulations=400` as people would say it."""

from pathlib import Path

from agents.player_specs import BadSpec, PlayerSpec, parse_spec

KINDS = {
    "random": "Random moves",
    "human": "Human",
    "solver": "Solver, perfect play",
    "greedy": "Greedy",
    "alpha_beta": "Alpha-beta",
    "mcts": "MCTS",
    "gtp": "Engine",
}
VALUES = {"squares": "square weights", "rollout": "random games"}  # the others are "such a value"


def spoken(name: str) -> str:
    """MCTS, learned value, 400 simulations; a name that is no spec stays as it is."""
    try:
        spec = parse_spec(name)
    except BadSpec:
        return name
    return ", ".join([KINDS[spec.kind], *_judgement(spec), *_effort(spec)])


def _judgement(spec: PlayerSpec) -> list[str]:
    words = [] if spec.value is None else [VALUES.get(spec.value, f"{spec.value} value")]
    if spec.model is not None:
        path = Path(spec.model)
        words.append(f"model {path.parent.name if path.stem in ('best', 'last') else path.stem}")
    if spec.command is not None:
        words.append(spec.command)
    return words


def _effort(spec: PlayerSpec) -> list[str]:
    words = [] if spec.depth is None else [f"depth {spec.depth}"]
    counts = ((spec.nodes, "node"), (spec.simulations, "simulation"))
    words += [f"{count:,} {unit}{'s' * (count != 1)}" for count, unit in counts if count is not None]
    return [*words, *([] if spec.seconds is None else [f"{spec.seconds:g} s a move"])]
