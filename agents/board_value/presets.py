"""Trainings, with the origin of their numbers: one for each game, and those that were shipped.

What all games share stands with the fields of `BoardValueConfig`. The numbers here follow from the size of
the game.
"""

from dataclasses import replace

from agents.board_value.config import BoardValueConfig
from networks.config import GROWING

TIC_TAC_TOE = BoardValueConfig(
    game="tic_tac_toe",
    minutes=1.0,  # 5,478 positions; enough to play perfectly
    games_at_once=128,  # the games are short, so more would only play with older networks
    full_simulations=64,  # nine moves at most; the search proves the later half of a game
    fast_simulations=16,
    noise_alpha=2.0,  # 10 / 5 moves on average
    opening_plies_max=4,  # half a game
    temperature_plies=4,
    window_min=2_000,  # a few seconds of games
    window_max=20_000,
    channels=16,
    blocks=2,
    hidden_sizes=(32,),
    batch_size=128,
    mlp_batch_size=128,
    average_decay=0.98,
    held_positions=300,
    held_simulations=16,
    evaluate_seconds=10.0,
    send_seconds=1.0,
)

CONNECT_FOUR = BoardValueConfig(
    game="connect_four",
    noise_alpha=1.6,  # 10 / 6.3 moves on average
    opening_plies_max=14,  # a third of the board
    symmetries=2,  # a seventh fewer mistakes for the same number of simulations
    squeezed_planes=16,  # this, the norm, and the batch: more is learned in the same time than with
    norm="batch",  # 4, none and 512 (pretrained/connect_four.md)
    batch_size=256,
    learning_rate=4e-3,
    mlp_batch_size=256,
)

OTHELLO = BoardValueConfig(
    game="othello",
    minutes=15.0,
    games_at_once=256,  # games are twice as long and evaluations dearer than in Connect Four,
    full_simulations=64,  # so they are searched less
    fast_simulations=16,
    noise_alpha=1.2,  # 10 / 8.2 moves on average
    opening_plies_max=20,  # a third of the game
    temperature_plies=16,
    window_min=20_000,
    batch_size=256,
    mlp_hidden_sizes=(128, 16),  # the wider first layer costs little: few of its inputs are set
    evaluate_seconds=180.0,
    held_positions=0,  # no exact solver for the middle game
    held_games=40,
)

# A small network makes games quickly; the larger one that it grows into takes most of a core to learn from
# them, so beside one worker instead of two (pretrained/connect_four.md).
CONNECT_FOUR_90 = replace(CONNECT_FOUR, minutes=30.0, window_max=600_000, then="connect_four_grown")
CONNECT_FOUR_GROWN = replace(
    CONNECT_FOUR_90,
    minutes=90.0,
    then=None,
    workers=1,
    channels=64,
    blocks=4,
    squeezed_planes=32,
    hidden_sizes=(128,),
    optimiser="muon",
    opening_plies_max=24,
    mlp_batch_size=128,
    evaluate_seconds=300.0,
    save_seconds=300.0,
)

PRESETS = {
    **{config.game: config for config in (TIC_TAC_TOE, CONNECT_FOUR, OTHELLO)},
    "connect_four_90": CONNECT_FOUR_90,
    "connect_four_grown": CONNECT_FOUR_GROWN,
}


def following(config: BoardValueConfig) -> BoardValueConfig | None:
    """What a run goes on as when this config is done, with its seed. ValueError where it cannot."""
    if config.then is None:
        return None
    if config.then not in PRESETS or PRESETS[config.then].game != config.game:
        names = [name for name, preset in PRESETS.items() if preset.game == config.game]
        raise ValueError(f"BoardValueConfig.then must be one of {', '.join(names)}, got {config.then!r}")
    after = replace(PRESETS[config.then], seed=config.seed)
    if config.iterations is None and after.minutes <= config.minutes:
        raise ValueError(
            f"BoardValueConfig.minutes must be below the {after.minutes:g} that {config.then} ends at, "
            f"got {config.minutes:g}"
        )
    for name in GROWING:
        if getattr(after, name) < getattr(config, name):
            raise ValueError(
                f"BoardValueConfig.{name} must be at most {getattr(after, name)}, as in {config.then}: "
                f"a network can only grow; got {getattr(config, name)}"
            )
    return after
