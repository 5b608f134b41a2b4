"""What the actions of an environment are called, and which of them a person at the keyboard means."""

from collections.abc import Collection, Sequence

from envs.atari import AtariConfig, action_names, looks_like_atari

# Facts of gymnasium's classic environments and of our toys, which name no actions themselves.
NAMES: dict[str, tuple[str, ...]] = {
    "CartPole": ("LEFT", "RIGHT"),
    "MountainCar": ("LEFT", "NOOP", "RIGHT"),
    "Acrobot": ("LEFT", "NOOP", "RIGHT"),
    "LunarLander": ("NOOP", "LEFT", "UP", "RIGHT"),
    "FrozenLake": ("LEFT", "DOWN", "RIGHT", "UP"),
    "advantage/Corridor": ("LEFT", "RIGHT"),
    "advantage/Catch": ("LEFT", "NOOP", "RIGHT"),
}
ARROWS = {
    **{"UP": "↑", "RIGHT": "→", "LEFT": "←", "DOWN": "↓"},
    **{"UPRIGHT": "↗", "UPLEFT": "↖", "DOWNRIGHT": "↘", "DOWNLEFT": "↙"},
}
FIRE_KEYS = ("x", "return", "left ctrl")


def names_of(env_id: str, num_actions: int) -> tuple[str, ...]:
    """The actions' names in the order of their numbers; numbers where nobody has named them.

    Short ones, so that a table has room for eighteen: `→` for RIGHT, `↗ F` for UPRIGHTFIRE.
    """
    if looks_like_atari(env_id):
        names = action_names(AtariConfig(env_id=env_id))
    else:
        names = NAMES.get(env_id.rpartition("-v")[0], ())
    shown = tuple(_short(name) for name in names)
    return shown if len(shown) == num_actions else tuple(str(action) for action in range(num_actions))


def _short(name: str) -> str:
    direction = name.removesuffix("FIRE")
    if direction not in ARROWS:
        return name
    return ARROWS[direction] + (" F" if direction != name else "")


def action_of_keys(held: Collection[str], names: Sequence[str]) -> int:
    """The action of the keys that are held down: a digit's number, or the name that arrows and fire make up.

    Where no action has all of them, the nearest that has some; without any key NOOP, else the first action.
    """
    for key in held:
        if len(key) == 1 and key.isdigit() and int(key) < len(names):
            return int(key)
    vertical = "UP" if "up" in held else "DOWN" if "down" in held else ""
    horizontal = "RIGHT" if "right" in held else "LEFT" if "left" in held else ""
    fire = "FIRE" if any(key in held for key in FIRE_KEYS) else ""
    wanted = (
        vertical + horizontal + fire,
        vertical + horizontal,
        horizontal + fire,
        vertical + fire,
        horizontal,
        vertical,
        fire,
        "NOOP",
    )
    return next((names.index(name) for name in map(_short, wanted) if name in names), 0)
