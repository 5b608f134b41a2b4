"""A board game between two seats that a person can pause, step, take back and take over.

The session keeps the game as a list of moments. Players and judges think in threads; `advance` collects what
they found and plays a decision once it has been seen long enough. An abandoned think is stopped where its
player can be, and no player is asked again before its last think has ended.
"""

import time
from collections.abc import Callable
from typing import TypeAlias

from agents.players import Decision, Player
from agents.watching.deferred import stop_player
from agents.watching.judges import Judged, Judges
from agents.watching.moment import Moment
from agents.watching.search_tree import SearchTree, tree_of
from agents.watching.thought import Thought
from envs.boards.game import Game, Position
from envs.boards.rules import PASS

Thinking: TypeAlias = tuple[Decision, SearchTree | None]

MOVE_SECONDS = 0.8  # how long a decision is shown at speed 1
PASS_SECONDS = 1.2  # a person's forced pass is played after so long
NEXT_GAME_SECONDS = 3.0  # how long a finished game is shown at speed 1
CLOSE_SECONDS = 0.6  # at most, for running thinks to end
TICK_SECONDS = 0.1  # between pictures of a running think


class BoardSession:
    """The game, its clock and its thinkers.

    Args:
        game: the rules.
        players: who sits where; None is a person.
        judges: makes the values shown beside the board; called once, in a thread.
        seed: of the first game; each further game adds one.
        games: how many are played one after the other.
        speed: of showing moves; 1 is MOVE_SECONDS each.
    """

    def __init__(
        self,
        game: Game,
        players: tuple[Player | None, Player | None],
        judges: Callable[[], Judges],
        *,
        seed: int = 0,
        games: int = 1,
        speed: float = 1.0,
    ) -> None:
        if games < 1:
            raise ValueError(f"games must be at least 1, got {games!r}")
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed!r}")
        self.game = game
        self.players = players
        self.humans = [player is None for player in players]
        self.games = games
        self.games_begun = 1
        self.speed = speed
        self.paused = False
        self.moments = [Moment(position=game.start())]
        self._make_judges = judges
        self._judges: Judges | None = None
        self._seed = seed
        self._reset_due = True
        self._step_once = False
        self._shown_seconds = 0.0  # since the position appeared
        self._tick = 0.0
        self._thought: Thought[Thinking] | None = None
        self._thinker: Player | None = None
        self._think_started = 0.0
        self._abandoned: list[tuple[Player, Thought[Thinking]]] = []
        self._judging: tuple[Moment, Thought[Judged]] | None = None

    @property
    def now(self) -> Moment:
        """The position on the board."""
        return self.moments[-1]

    @property
    def position(self) -> Position:
        """The position on the board."""
        return self.now.position

    @property
    def is_finished(self) -> bool:
        """Whether the last of the games is over."""
        return self.position.is_over and self.games_begun >= self.games

    @property
    def think_seconds(self) -> float | None:
        """How long the player to move has been thinking; None when he is not."""
        return None if self._thought is None else time.monotonic() - self._think_started

    def agent_of(self, seat: int) -> Player | None:
        """Who moves for a seat: its own player, else the other seat's; None where a person sits."""
        return None if self.humans[seat] else self.players[seat] or self.players[1 - seat]

    # What passes by itself

    def advance(self, seconds: float) -> bool:
        """Collect thoughts, start new ones, play what is due. Returns whether anything to see has changed."""
        changed = self._collect_judgement() | self._collect_decision()
        self._judge_next()
        self._shown_seconds += seconds
        if self.position.is_over:
            return self._next_game_when_due() or changed
        changed |= self._play_when_due()
        self._think_if_wanted()
        self._tick += seconds
        if self._thought is not None and self._tick >= TICK_SECONDS:
            self._tick = 0.0
            self.now.tree = tree_of(self._thinker, self.position)
            changed = True
        return changed

    def settle(self) -> None:
        """Judge all positions and have the agent decide in the last one, here and now."""
        for moment in self.moments:
            if moment.judged is None:
                moment.judged = self._judge(moment.position)
        agent = None if self.position.is_over else self.agent_of(self.position.player)
        if agent is not None and self.now.decision is None:
            self.now.decision, self.now.tree = self._decide(agent, self.position)

    def step_now(self) -> bool:
        """Play one agent's move, here and now, or begin the next game; False when all games are over.

        Raises: ValueError when a person is to move.
        """
        if self.is_finished:
            return False
        if self.position.is_over:
            self._next_game()
            return True
        if self.humans[self.position.player]:
            raise ValueError("a person is to move, who needs a window: name two agents")
        self.settle()
        assert self.now.decision is not None
        self.play(self.now.decision.action)
        return True

    # What people do

    def play(self, action: int) -> None:
        """Play an action in the position on the board. Raises: IllegalMove."""
        self._abandon()
        self.moments.append(Moment(position=self.position.play(action)))
        self._shown_seconds = 0.0

    def go_back_to(self, ply: int) -> None:
        """Take back to an earlier position of this game, whoever is to move there."""
        self._abandon()
        del self.moments[ply + 1 :]
        self._shown_seconds = 0.0

    def undo(self) -> bool:
        """Take back to where a person was to move, or one move where only agents play. False at the start."""
        if len(self.moments) == 1:
            return False
        self._abandon()
        self.moments.pop()
        while len(self.moments) > 1 and any(self.humans) and not self.humans[self.position.player]:
            self.moments.pop()
        self.paused = self.paused or not any(self.humans)
        self._shown_seconds = 0.0
        return True

    def step(self) -> None:
        """Let one move pass, then pause."""
        self.paused = True
        self._step_once = True

    def restart(self) -> None:
        """Begin a new game with the next seed."""
        self._abandon()
        self._seed += 1
        self._reset_due = True
        self.moments = [Moment(position=self.game.start())]
        self._shown_seconds = 0.0

    def hand_over(self, seat: int) -> bool:
        """Give a seat to a person, or back to an agent; False where there is no agent for it."""
        if self.humans[seat] and self.players[seat] is None and self.players[1 - seat] is None:
            return False
        self._abandon()
        self.humans[seat] = not self.humans[seat]
        return True

    def close(self) -> None:
        """End all thinking; what does not end at once is left to the end of the program."""
        self._abandon()
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._abandoned and time.monotonic() < deadline:
            for player, thought in self._abandoned:
                stop_player(player)  # again, should the first call have come before the search began
                thought.wait(0.02)
            self._forget_ended()
        if self._judging is not None:
            self._judging[1].wait(max(0.0, deadline - time.monotonic()))

    # Players

    def _play_when_due(self) -> bool:
        if self.humans[self.position.player]:
            must_pass = self.position.legal() == [PASS]
            if must_pass and self._shown_seconds >= PASS_SECONDS:
                self.play(PASS)
            return must_pass
        due = self._step_once or (not self.paused and self._shown_seconds >= MOVE_SECONDS / self.speed)
        if self.now.decision is None or not due:
            return False
        self._step_once = False
        self.play(self.now.decision.action)
        return True

    def _think_if_wanted(self) -> None:
        agent = self.agent_of(self.position.player)
        if agent is None:
            self._step_once = False  # a person does not move at the press of a key
            return
        idle = self.paused and not self._step_once
        if idle or self._thought is not None or self.now.decision is not None or self.position.is_over:
            return
        self._forget_ended()
        if self._abandoned:  # players are not made for two threads
            return
        position = self.position
        self._thinker, self._think_started = agent, time.monotonic()
        self._thought = Thought(lambda: self._decide(agent, position))

    def _decide(self, agent: Player, position: Position) -> Thinking:
        if self._reset_due:
            self._reset_due = False
            for seat, player in enumerate(self.players):
                if player is not None:
                    player.reset(2 * self._seed + seat)
        decision = agent.choose(position)
        return decision, tree_of(agent, position)

    def _collect_decision(self) -> bool:
        if self._thought is None or not self._thought.ready:
            return False
        self.now.decision, self.now.tree = self._thought.result()
        self._thought, self._thinker = None, None
        return True

    def _abandon(self) -> None:
        """Let go of a running think; its decision will not be used."""
        if self._thought is not None and self._thinker is not None:
            stop_player(self._thinker)
            self._abandoned.append((self._thinker, self._thought))
        self._thought, self._thinker = None, None

    def _forget_ended(self) -> None:
        self._abandoned = [(player, thought) for player, thought in self._abandoned if not thought.ready]

    def _next_game_when_due(self) -> bool:
        if self.is_finished or self.paused or self._shown_seconds < NEXT_GAME_SECONDS / self.speed:
            return False
        self._next_game()
        return True

    def _next_game(self) -> None:
        self.games_begun += 1
        self.restart()

    # Judges

    def _judge(self, position: Position) -> Judged:
        if self._judges is None:
            self._judges = self._make_judges()
        return self._judges.judge(position)

    def _judge_next(self) -> None:
        """The newest position first; then those that were played too fast."""
        if self._judging is not None:
            return
        unjudged = [moment for moment in self.moments if moment.judged is None]
        if unjudged:
            moment = unjudged[-1]
            self._judging = moment, Thought(lambda: self._judge(moment.position))

    def _collect_judgement(self) -> bool:
        if self._judging is None or not self._judging[1].ready:
            return False
        moment, thought = self._judging
        moment.judged, self._judging = thought.result(), None
        return True
