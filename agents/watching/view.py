"""What of a board session is on the page: its newest position, or an earlier one that a person looks at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agents.players import Decision
from agents.watching.board_session import BoardSession
from agents.watching.moment import Moment


@dataclass(frozen=True, slots=True)
class View:
    """A game up to one of its positions; `ply` None is the newest."""

    session: BoardSession
    ply: int | None = None

    @property
    def moments(self) -> Sequence[Moment]:
        """From the start to the position on the page."""
        moments = self.session.moments
        return moments if self.ply is None else moments[: self.ply + 1]

    @property
    def now(self) -> Moment:
        """The position on the page."""
        return self.moments[-1]

    def latest_decision(self) -> tuple[Moment, Decision | None, tuple[int, ...]]:
        """The newest decision, the moment it was made in, and what is left of its line from now on."""
        now = self.now
        if now.decision is not None:
            return now, now.decision, now.decision.principal_variation
        if len(self.moments) > 1 and (before := self.moments[-2]).decision is not None:
            assert before.decision is not None
            line = before.decision.principal_variation
            played = now.position.moves[-1]
            return before, before.decision, line[1:] if line[:1] == (played,) else ()
        return now, None, ()


def disagreement(moments: Sequence[Moment]) -> int | None:
    """The ply at which the two judgements lie furthest apart; None where it is unknown."""
    gaps = [
        -math.inf
        if each.judged is None or each.judged.learned is None or each.judged.handcrafted is None
        else abs(each.judged.learned - each.judged.handcrafted)
        for each in moments
    ]
    best = max(range(len(gaps)), key=gaps.__getitem__)
    return best if gaps[best] > 0 else None
