"""Work on one position that only some pages ask for: its truth, and alpha-beta depth by depth."""

from contextlib import suppress

from agents.players import Player
from agents.search.limits import Stopped
from agents.watching.deepening import Deepening, Depths, alpha_beta_of
from agents.watching.moment import Moment
from agents.watching.thought import Thought
from agents.watching.truth import Truth
from envs.boards.game import Game

DEPTH_SHOWN_MAX = 30


class SideJobs:
    """At most one job of each kind at a time, in a thread of its own; what it finds is kept in the moment."""

    def __init__(self, game: Game) -> None:
        self.truth = Truth(game)
        self._deepening = Deepening()
        self._solving: tuple[Moment, Thought[dict[int, int]]] | None = None
        self._searching: tuple[Moment, Thought[Depths]] | None = None

    def advance(self, moment: Moment, *, truth: bool, player: Player | None) -> bool:
        """Take what was found and start what is wanted; returns whether something was found.

        Args:
            moment: that is shown.
            truth: whether its truth is wanted.
            player: whose search is wanted depth by depth, if it is alpha-beta; None: nobody's.
        """
        changed = self._collect()
        wanted = truth and moment.truth is None and not self.truth.refusal(moment.position)
        if self._solving is not None and self._solving[0] is not moment:
            self.truth.stop()
        elif wanted and self._solving is None:
            self._solving = moment, Thought(lambda: self.truth.solve(moment.position))
        searcher = alpha_beta_of(player)
        depth = self._depth(moment)
        if self._searching is not None and self._searching[0] is not moment:
            self._deepening.stop()
        elif searcher is not None and depth and moment.depths is None and self._searching is None:
            self._searching = (
                moment,
                Thought(lambda: self._deepening.search(searcher, moment.position, depth)),
            )
        return changed

    def settle(self, moment: Moment, *, truth: bool, player: Player | None) -> None:
        """Find all that is wanted, here and now."""
        self.advance(moment, truth=truth, player=player)
        for job in (self._solving, self._searching):
            if job is not None:
                job[1].wait()
        self._collect()

    def close(self, seconds: float) -> None:
        """End all work; wait for it a moment."""
        self.truth.stop()
        self._deepening.stop()
        for job in (self._solving, self._searching):
            if job is not None:
                job[1].wait(seconds)

    def _depth(self, moment: Moment) -> int:
        """How deep the moment's decision looked; 0 where it is not known."""
        figures = {} if moment.decision is None else moment.decision.statistics
        return min(int(figures.get("depth", 0)), DEPTH_SHOWN_MAX)

    def _collect(self) -> bool:
        changed = False
        if self._solving is not None and self._solving[1].ready:
            moment, solved = self._solving
            self._solving, changed = None, True
            with suppress(Stopped):  # another position is shown by now
                moment.truth = solved.result()
        if self._searching is not None and self._searching[1].ready:
            moment, searched = self._searching
            self._searching, changed = None, True
            with suppress(Stopped):
                moment.depths = searched.result()
        return changed
