"""Configs that are known to work, and where their numbers come from. Imports no torch.

A variant is `replace(PONG, discount=0.997)`, or a flag on the command line. Where a comment gives no source,
the number is this project's choice; `make test-slow` holds the presets of small environments to their
returns on three seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agents.dqn.config import DQNConfig, PQNConfig, TrainingConfig
from envs.names import nearest

# Small vector observations: layer norm and a fresh target (20 updates) keep Q-learning from forgetting what
# it knew.
VECTOR = DQNConfig(
    num_envs=4,
    env_steps=100_000,
    norm="layer",
    n_step=3,
    replay_size=50_000,
    learning_starts=1_000,
    learn_every_steps=2,
    batch_size=64,
    learning_rate=1e-3,
    sync_every_updates=20,
    epsilon_decay_steps=5_000,
    evaluate_every_steps=5_000,
)

CARTPOLE = replace(
    VECTOR,
    env_id="CartPole-v1",
    env_steps=60_000,
    evaluate_every_steps=2_500,
    evaluation_episodes=50,
    stop_at_return=500.0,  # the most an episode can give
)

# Nothing but DQN, and slow enough to be steady: what stable-baselines3's DQN can do too, to compare learning
# curves at equal numbers (`train_peer.py cartpole_plain --settings ours`). At rl-baselines3-zoo's rate of
# 2.3e-3 both swing between 20 and 500, and no few seeds tell them apart.
CARTPOLE_PLAIN = DQNConfig(
    env_id="CartPole-v1",
    num_envs=1,
    env_steps=40_000,
    double=False,
    learn_every_steps=2,
    evaluate_every_steps=2_000,
)

CATCH = replace(
    VECTOR,
    env_id="advantage/Catch-v0",
    env_steps=30_000,
    evaluate_every_steps=2_000,
    evaluation_episodes=50,
    stop_at_return=1.0,
)

CORRIDOR = replace(
    VECTOR,
    env_id="advantage/Corridor-v0",
    env_steps=10_000,
    hidden_sizes=(32,),
    norm="none",  # one-hot observations: a linear network could hold the values exactly
    evaluate_every_steps=1_000,
    stop_at_return=1.0,
)

RECALL = replace(
    VECTOR,
    env_id="advantage/Recall-v0",
    num_envs=8,
    env_steps=40_000,
    hidden_sizes=(32,),
    norm="none",
    memory="lstm",
    memory_size=32,
    n_step=1,
    replay_size=10_000,
    learning_starts=500,
    learn_every_steps=16,
    batch_size=32,
    sequence_length=16,  # covers a whole episode, 10 steps at most
    burn_in=4,
    learning_rate=2e-3,
    sync_every_updates=50,
    evaluate_every_steps=2_500,
    evaluation_episodes=100,
    stop_at_return=1.0,
)

# Atari: Mnih et al. 2015 where nothing else is said. 128 samples for 16 steps are their 32 for 4; one large
# update costs half of four small ones. Adam, its rate (doubled, for the larger batch) and epsilon: Hessel et
# al. 2018.
ATARI = DQNConfig(
    env_id="ALE/Pong-v5",
    num_envs=16,
    env_threads=2,
    env_steps=10_000_000,
    trunk="nature_cnn",
    hidden_sizes=(512,),
    n_step=3,  # Hessel et al. 2018
    double=True,  # van Hasselt et al. 2016
    sync_every_updates=500,  # 8,000 steps (Hessel et al. 2018: 32,000 frames)
    reward_clip=1.0,
    replay_size=200_000,  # the paper's million takes 7 GB
    learning_starts=20_000,  # Hessel et al. 2018: 80,000 frames
    learn_every_steps=16,
    batch_size=128,
    learning_rate=1.25e-4,
    optimiser_epsilon=1.5e-4,
    epsilon_end=0.01,
    epsilon_decay_steps=250_000,  # Hessel et al. 2018: 1,000,000 frames
    evaluate_every_steps=100_000,
    evaluation_episodes=8,
    evaluation_envs=8,
    evaluation_epsilon=0.001,
    log_every_steps=4_000,
    save_every_seconds=180.0,
)

# A quicker schedule for an easy game, where rewards are frequent and clear. An hour on two cores counts here:
# 4 samples a step instead of Mnih et al.'s 8 give half the updates and twice the steps.
PONG = replace(
    ATARI,
    env_id="ALE/Pong-v5",
    env_steps=1_500_000,  # within the hour on two quiet cores
    double=False,  # a third of a forward pass saved; overrated actions do no harm where all returns are small
    batch_size=64,  # Tianshou's DQN on Pong, as the next two
    sync_every_updates=300,  # 4,800 steps
    replay_size=100_000,
    learning_starts=5_000,
    learning_rate=3e-4,  # Tianshou's 1e-4 for an update each 10 steps; fewer updates here
    anneal_learning_rate=True,
    optimiser_epsilon=1e-8,  # torch's default, as Tianshou and CleanRL: gradients are small here
    epsilon_decay_steps=100_000,
    stop_at_return=20.0,
)

BREAKOUT = replace(ATARI, env_id="ALE/Breakout-v5", life_loss_ends=True)  # as Mnih et al. 2015
SEAQUEST = replace(ATARI, env_id="ALE/Seaquest-v5")
SPACE_INVADERS = replace(ATARI, env_id="ALE/SpaceInvaders-v5")

# Mnih et al. 2015 to the letter (extended data table 1), but for its gradient momentum and squared momentum
# of 0.95, which torch's RMSprop has as 0 and 0.99; and with sticky actions instead of no-ops alone.
NATURE_DQN = replace(
    ATARI,
    num_envs=4,
    env_steps=50_000_000,  # 200 M frames
    life_loss_ends=True,
    n_step=1,
    double=False,
    sync_every_updates=10_000,
    replay_size=1_000_000,
    learning_starts=50_000,
    learn_every_steps=4,
    batch_size=32,
    optimiser="rmsprop",
    learning_rate=2.5e-4,
    optimiser_epsilon=0.01,
    clip_gradient_norm=None,
    epsilon_end=0.1,
    epsilon_decay_steps=1_000_000,
    evaluation_epsilon=0.05,
    evaluate_every_steps=1_000_000,
)

# All six refinements together, Hessel et al. 2018, table 1.
RAINBOW = replace(
    NATURE_DQN,
    n_step=3,
    double=True,
    dueling=True,
    noisy=True,
    distribution="categorical",
    priority_exponent=0.5,
    sync_every_updates=2_000,  # 8,000 steps, 32,000 frames
    learning_starts=20_000,
    optimiser="adam",
    learning_rate=6.25e-5,
    optimiser_epsilon=1.5e-4,
    clip_gradient_norm=10.0,
    epsilon_start=0.0,  # the noise explores
    epsilon_end=0.0,
    evaluation_epsilon=0.0,
)

# Atari by parallel Q-learning: CleanRL's numbers (Huang et al. 2022, pqn_atari_envpool) where nothing else is
# said. `--env-id` chooses the game. On Pong with sticky actions: 16.0 after these steps (pretrained/pong.md).
PQN = PQNConfig(
    env_id="ALE/Pong-v5",
    num_envs=32,  # 8 there: the more, the cheaper a step
    env_threads=2,
    env_steps=3_000_000,  # 10 million there
    hidden_sizes=(512,),
    reward_clip=1.0,
    learning_rate=3e-4,  # 2.5e-4 there
    anneal_learning_rate=True,
    average_decay=0.9995,  # 2,000 updates; none there
    rollout_steps=32,  # 128 there: as many steps in all
    epochs=4,
    minibatches=4,  # of 256 steps
    epsilon_end=0.01,
    epsilon_decay_steps=300_000,  # a tenth of the steps, as there
    evaluate_every_steps=100_000,
    evaluation_episodes=8,
    evaluation_envs=8,
    evaluation_epsilon=0.001,
    log_every_steps=4_096,
    save_every_seconds=180.0,
)

# Pong within the hour: 17.5 with sticky actions (pretrained/pong.md).
PONG_PQN = replace(
    PQN,
    env_steps=2_400_000,
    loss="cross_entropy",
    value_min=-4.0,  # a point each 29 steps, for ever, is worth 4; more than any rally gives
    value_max=4.0,
    learning_rate=4e-4,
    epsilon_decay_steps=240_000,
    evaluate_every_steps=200_000,
)

# Breakout in two hours: 88 with sticky actions (pretrained/breakout.md). The small network, for more steps.
BREAKOUT_PQN = replace(
    PONG_PQN,
    env_id="ALE/Breakout-v5",
    playing_area_only=True,
    life_loss_ends=True,
    env_steps=6_000_000,
    trunk="nips_cnn",
    hidden_sizes=(256,),
    value_min=-1.0,
    value_max=10.0,  # a brick each ten steps, for ever
    trace_decay=0.85,
    epsilon_decay_steps=300_000,
    play_ahead=True,
    evaluate_every_steps=500_000,
)

# The other five games of Mnih et al. 2013, in six of that paper's ten million frames, on one core
# (pretrained/seaquest.md and its like).
GAMES_OF_2013 = {
    name: replace(
        BREAKOUT_PQN,
        env_id=env_id,
        playing_area_only=False,
        env_steps=1_500_000,
        play_ahead=False,
        evaluate_every_steps=250_000,
    )
    for name, env_id in {
        "beam_rider_pqn": "ALE/BeamRider-v5",
        "enduro_pqn": "ALE/Enduro-v5",
        "qbert_pqn": "ALE/Qbert-v5",
        "seaquest_pqn": "ALE/Seaquest-v5",
        "space_invaders_pqn": "ALE/SpaceInvaders-v5",
    }.items()
}

# Other image observations (a user's own env): few steps, so smaller and slower in exploring than Atari.
IMAGE = replace(
    ATARI,
    num_envs=8,
    env_steps=500_000,
    replay_size=50_000,
    learning_starts=2_000,
    epsilon_end=0.05,
    epsilon_decay_steps=50_000,
    reward_clip=None,
    evaluate_every_steps=20_000,
)

PRESETS: Mapping[str, TrainingConfig] = {
    "cartpole": CARTPOLE,
    "cartpole_plain": CARTPOLE_PLAIN,
    "catch": CATCH,
    "corridor": CORRIDOR,
    "recall": RECALL,
    "pong": PONG,
    "breakout": BREAKOUT,
    "seaquest": SEAQUEST,
    "space_invaders": SPACE_INVADERS,
    "nature_dqn": NATURE_DQN,
    "rainbow": RAINBOW,
    "pqn": PQN,
    "pong_pqn": PONG_PQN,
    "breakout_pqn": BREAKOUT_PQN,
    **GAMES_OF_2013,
}


def config_named(name: str) -> TrainingConfig:
    """The preset of that name, or a default for a gymnasium id (`LunarLander-v3`, `my_module:MyEnv-v0`).

    Raises: ValueError with the nearest names; where the env's spaces do not suit a Q-network.
    """
    if name in PRESETS:
        return PRESETS[name]
    if not any(mark in name for mark in ("-v", "/", ":")):
        raise ValueError(
            f"no preset {name!r}; nearest: {nearest(name, PRESETS)}\n"
            f"presets: {', '.join(PRESETS)}, or any gymnasium id with discrete actions"
        )
    from envs.atari import looks_like_atari, rom_name  # late: gymnasium takes its time to import
    from envs.vector import make_env

    if looks_like_atari(name):
        rom_name(name)
        return replace(ATARI, env_id=name)
    env = make_env(name)
    shape = env.observation_space.shape or ()
    env.close()
    return replace(VECTOR if len(shape) == 1 else IMAGE, env_id=name)
