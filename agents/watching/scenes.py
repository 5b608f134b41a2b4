"""What a window is to show, built from what a person types: a model, or a game and two players.

Everything is checked from names and file headers before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agents.peers import PeerModel, is_peer, parse_peer, require_trust
from agents.player_specs import check_spec, parse_spec
from agents.runs.model import PROJECT_ROOT, ModelHeader, ModelNotFound, find_model, read_header

if TYPE_CHECKING:
    import gymnasium

    from agents.players import Player
    from agents.watching.board_scene import BoardScene
    from agents.watching.episode_scene import EpisodeScene
    from agents.watching.inside_page import InsidePage
    from agents.watching.judges import Judges
    from agents.watching.move_numbers import Numbers
    from envs.atari import AtariConfig
    from envs.boards.game import Game

    Scene: TypeAlias = BoardScene | EpisodeScene

RIVAL = "alpha_beta:value=handcrafted"  # of a board model that is watched alone
MODEL_PLAYERS = {
    "board_value": "mcts",
    "board_value_mlp": "alpha_beta",
}  # the search made for each kind of model


@dataclass(frozen=True, kw_only=True, slots=True)
class Programme:
    """What is shown, checked and not yet built."""

    game: str | None  # None: a model in its environment
    players: tuple[str, ...]  # two specs for a game
    model: Path | None  # a DQN model, or the board model whose judgement is shown
    peer: PeerModel | None = None  # in place of a DQN model of ours
    seed: int
    games: int | None  # or episodes; None: one game, or episodes without end
    speed: float


def programme(
    what: Sequence[str],
    *,
    seed: int = 0,
    games: int | None = None,
    speed: float = 1.0,
    trust_pickle: bool = False,
) -> Programme:
    """Read MODEL, or GAME PLAYER PLAYER.

    Args:
        trust_pickle: the caller vouches for the code in a stable-baselines3 model.
    Raises: ValueError for what cannot be shown: ModelNotFound, BadSpec, an unknown game, a bad number, a
        model that is not trusted.
    """
    if len(what) not in (1, 3):
        raise ValueError(f"give MODEL, or GAME PLAYER PLAYER; got {' '.join(what) or 'nothing'}")
    if games is not None and games < 1:
        raise ValueError(f"--episodes must be at least 1, got {games}")
    if not speed > 0:
        raise ValueError(f"--speed must be above 0, got {speed:g}")
    game_name: str | None
    model: Path | None
    if len(what) == 1 and is_peer(what[0]):
        peer = _trusted_peer(what[0], trust_pickle)
        return Programme(game=None, players=(), model=None, seed=seed, games=games, speed=speed, peer=peer)
    if len(what) == 1:
        model = find_model(what[0])
        header = read_header(model)
        if header.kind == "dqn":
            return Programme(game=None, players=(), model=model, seed=seed, games=games, speed=speed)
        game_name, players = header.subject, (f"{MODEL_PLAYERS[header.kind]}:model={what[0]}", RIVAL)
        for player in players:
            check_spec(parse_spec(player), game_name)
    else:
        game_name, players = what[0], (what[1], what[2])
    _check_game(game_name, players)
    model = _judging_model(game_name, players)
    return Programme(game=game_name, players=players, model=model, seed=seed, games=games, speed=speed)


def open_scene(shown: Programme) -> Scene:
    """The scene at its start."""
    if shown.peer is not None:
        return _peer_scene(shown, shown.peer)
    if shown.game is None:
        return _episode_scene(shown)
    return _board_scene(shown, shown.game)


def _trusted_peer(text: str, trusted: bool) -> PeerModel:
    peer = parse_peer(text)
    if peer.algorithm != "dqn":
        raise ValueError(f"{text}: action values are shown, which {peer.algorithm} has not; give a dqn model")
    require_trust(peer, trusted)
    return peer


def _check_game(name: str, players: Sequence[str]) -> None:
    specs = [parse_spec(player) for player in players]  # before numba is imported
    from envs.boards.game import game

    game(name)
    for spec in specs:
        check_spec(spec, name)


def _judging_model(game_name: str, players: Sequence[str]) -> Path | None:
    """The board model that a player was given, else the game's own; None where there is none."""
    given = [spec.model for spec in map(parse_spec, players) if spec.model is not None]
    for name in (*given, game_name):
        try:
            path = find_model(name)
        except ModelNotFound:
            continue  # alpha-beta's own models are found under another name
        if read_header(path).kind == "board_value":
            return path
    return None


def _board_scene(shown: Programme, game_name: str) -> BoardScene:
    from agents.watching.board_scene import BoardScene
    from agents.watching.board_session import BoardSession
    from envs.boards.game import game

    rules = game(game_name)
    first, second = (_seated(spec, rules, shown.seed) for spec in shown.players)
    session = BoardSession(
        rules,
        (first, second),
        lambda: _judges(rules, shown),
        seed=shown.seed,
        games=shown.games or 1,
        speed=shown.speed,
    )
    searches = any(parse_spec(spec).kind == "mcts" for spec in shown.players)
    numbers: Numbers = "visits" if searches else "learned" if shown.model else "handcrafted"
    return BoardScene(session, numbers, _inside_board(rules, shown.model))


def _inside_board(game: Game, model: Path | None) -> InsidePage | None:
    from agents.watching.inside_page import InsidePage

    if model is None:
        return None
    moves = [game.action_text(action) for action in range(game.num_actions)]
    return InsidePage(model, f"the {game.title} network", moves)


def _seated(spec: str, game: Game, seed: int) -> Player | None:
    """The player of a seat, to be built when it is needed; None for a person."""
    from agents.roster import build_player
    from agents.watching.deferred import DeferredPlayer

    parsed = parse_spec(spec)
    if parsed.kind == "human":
        return None
    return DeferredPlayer(parsed.text, lambda: build_player(spec, game, seed))


def _judges(game: Game, shown: Programme) -> Judges:
    """The learned value is the one that alpha-beta asks, where one does, not the network with the policy."""
    from agents.values.handcrafted import HandcraftedValue
    from agents.watching.judges import Judges

    policy = None
    if shown.model is not None:
        from agents.values.learned import LearnedValue

        policy = LearnedValue.load(shown.model)
    learned = [spec for spec in map(parse_spec, shown.players) if spec.value == "learned"]
    if not learned or learned[0].kind != "alpha_beta":
        return Judges(game, HandcraftedValue(game), policy)
    from agents.roster import build_value

    return Judges(game, HandcraftedValue(game), build_value(learned[0], game), policy)


def _episode_scene(shown: Programme) -> EpisodeScene:
    import torch

    from agents.dqn.agent import DQNAgent
    from agents.dqn.config import config_from_json
    from agents.dqn.train import atari_config
    from agents.watching.actions import names_of
    from agents.watching.episode_scene import EpisodeScene
    from agents.watching.episode_session import EpisodeSession
    from agents.watching.inside_page import InsidePage
    from agents.watching.spread import spread_of

    assert shown.model is not None
    torch.set_num_threads(1)  # one observation at a time leaves nothing to share out
    header = read_header(shown.model)
    config = config_from_json(header.config)
    agent = DQNAgent.load(shown.model)
    atari = atari_config(config)
    env = _env_with_pictures(config.env_id, atari)
    session = EpisodeSession(
        env,
        agent,
        seed=shown.seed,
        episodes=shown.games or 0,
        speed=shown.speed,
        spread_of=spread_of(agent),
    )
    names = names_of(config.env_id, agent.config.num_actions)
    inside = InsidePage(shown.model, f"the {config.env_id} network", names)
    seen = slice(None) if atari is None else atari.seen_rows
    return EpisodeScene(session, config.env_id, told(shown.model, header), names, inside, seen)


def _peer_scene(shown: Programme, peer: PeerModel) -> EpisodeScene:
    from agents.peers import SB3Agent
    from agents.watching.actions import names_of
    from agents.watching.episode_scene import EpisodeScene
    from agents.watching.episode_session import EpisodeSession
    from agents.watching.peer import PeerWithValues

    agent = SB3Agent.load(peer, trusted=True)  # refused by `programme` unless it is
    env = _env_with_pictures(peer.env_id, atari=None)  # by the standard protocol, as it is evaluated
    num_actions = int(env.action_space.n)  # type: ignore[attr-defined]  # discrete, says make_env
    agent.check(env.observation_space.shape or (), num_actions)
    session = EpisodeSession(
        env, PeerWithValues(agent), seed=shown.seed, episodes=shown.games or 0, speed=shown.speed
    )
    return EpisodeScene(
        session, peer.env_id, f"{peer.path} · stable-baselines3", names_of(peer.env_id, num_actions)
    )


def _env_with_pictures(env_id: str, atari: AtariConfig | None) -> gymnasium.Env[Any, Any]:
    """The environment of the training, drawing its state where it can."""
    from envs.vector import make_env

    env = make_env(env_id, atari=atari)
    if "rgb_array" not in env.metadata.get("render_modes", ()):
        return env
    env.close()
    return make_env(env_id, "rgb_array", atari=atari)


def told(path: Path, header: ModelHeader) -> str:
    """A model in one line: where it lies, how long it was trained, how well it did."""
    score = "not evaluated" if header.score is None else f"score {header.score:g}"
    shown = path.relative_to(PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT) else path
    return f"{shown} · step {header.step:,} · {score}"
