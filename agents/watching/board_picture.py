"""A board session as a picture: numbers are rounded, titled and put into the words of the game."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from agents.players import Decision
from agents.watching.board_session import BoardSession
from agents.watching.judges import Judged, expected_score
from agents.watching.moment import Moment
from envs.boards.rules import PASS
from envs.view import style
from envs.view.looks import look_of
from envs.view.pictures import BoardPicture, Cell, Ghost, Judgement, MoveHint, Seat

GHOSTS_MAX = 5  # stones of the expected line on the board
LINE_MAX = 20  # moves of it in words
IN_A_LINE = {"tic_tac_toe": 3, "connect_four": 4}  # stones that win, to mark them
Numbers = Literal["visits", "prior", "learned", "handcrafted", "none"]  # shown on the legal moves
NUMBERS: tuple[Numbers, ...] = get_args(Numbers)
FOOTER = "h help · space pause · . step · left undo · n numbers · v line · f s seats · c screenshot"


@dataclass(kw_only=True, slots=True)
class Shown:
    """What a person chose to see, and what he is told."""

    numbers: Numbers = "visits"
    line: bool = True  # the expected line as ghosts
    notice: str = ""


def board_picture(session: BoardSession, shown: Shown) -> BoardPicture:
    """The page of a session as it stands."""
    now, position = session.now, session.position
    moment, decision, line = _latest_decision(session)
    hints, hints_title = _hints(now, shown.numbers)
    search_title, search = _search(session, moment, decision)
    return BoardPicture(
        title=session.game.title,
        game=session.game.name,
        cells=now.cells,
        seats=(_seat(session, 0), _seat(session, 1)),
        to_move=None if position.is_over else position.player,
        status=_status(session),
        footer=shown.notice or FOOTER,
        last=_last_cell(session),
        marked=_winning_cells(session) if position.is_over else (),
        hints=hints,
        hints_title=hints_title,
        ghosts=_ghosts(now, line) if shown.line else (),
        judgements=_judgements(session),
        terms=tuple(now.judged.terms.items()) if now.judged else (),
        terms_note="game over" if position.is_over else "",
        search_title=search_title,
        search=search,
        line=" ".join(session.game.action_text(action) for action in line[:LINE_MAX]),
    )


def short_number(number: float) -> str:
    """At most four signs and a unit: 999, 1.2k, 45k, 3.4M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 10 * size else f"{number / size:.0f}{unit}"
    return f"{number:.0f}"


def _status(session: BoardSession) -> str:
    position = session.position
    parts = [f"game {session.games_begun} of {session.games}"] if session.games > 1 else []
    if position.is_over:
        result = position.result
        parts.append(
            f"{look_of(session.game.name).sides[0 if result > 0 else 1]} won" if result else "a draw"
        )
    parts.append(f"ply {len(position.moves)}")
    if session.paused and not position.is_over:
        parts.append("paused")
    parts.append(f"speed {session.speed:g}x")
    return " · ".join(parts)


def _seat(session: BoardSession, seat: int) -> Seat:
    look = look_of(session.game.name)
    agent = session.agent_of(seat)
    parts = [look.sides[seat], _stones(int((session.now.cells == seat + 1).sum()))]
    if not session.position.is_over and session.position.player == seat:
        parts.append(_doing(session, agent is None))
    return Seat(name="human" if agent is None else agent.name, note=" · ".join(parts))


def _stones(count: int) -> str:
    return f"{count} stone" + ("" if count == 1 else "s")


def _doing(session: BoardSession, human: bool) -> str:
    """What the side to move is busy with."""
    if human:
        return "must pass" if session.position.legal() == [PASS] else "your move"
    if session.now.decision is not None:
        return f"plays {session.game.action_text(session.now.decision.action)}"
    seconds = session.think_seconds
    return "to move" if seconds is None else f"thinking {seconds:.1f} s"


def _latest_decision(session: BoardSession) -> tuple[Moment, Decision | None, tuple[int, ...]]:
    """The newest decision, the moment it was made in, and what is left of its line from now on."""
    now = session.now
    if now.decision is not None:
        return now, now.decision, now.decision.principal_variation
    if len(session.moments) > 1 and (before := session.moments[-2]).decision is not None:
        assert before.decision is not None
        line = before.decision.principal_variation
        played = session.position.moves[-1]
        return before, before.decision, line[1:] if line[:1] == (played,) else ()
    return now, None, ()


def _ghosts(now: Moment, line: Sequence[int]) -> tuple[Ghost, ...]:
    """The first stones of a line; a pass has none, but counts."""
    ghosts: list[Ghost] = []
    moment = now
    for number, action in enumerate(line[:GHOSTS_MAX], start=1):
        cell = moment.landings.get(action)
        if cell is not None:
            ghosts.append(Ghost(cell=cell, player=moment.position.player, number=number))
        moment = Moment(position=moment.position.play(action))
    return tuple(ghosts)


def _judgements(session: BoardSession) -> tuple[Judgement, ...]:
    judged = session.now.judged
    history = [moment.judged or Judged() for moment in session.moments]
    no_model = f"no model of {session.game.name} in pretrained/"
    rows = []
    for label, colour, name, missing in (
        ("Handcrafted", style.HANDCRAFTED, "handcrafted", "this game has none"),
        ("Learned", style.LEARNED, "learned", no_model),
    ):
        scores = [getattr(each, name) for each in history]
        rows.append(
            Judgement(
                label=label,
                colour=colour,
                expected_score=None if judged is None else getattr(judged, name),
                history=[math.nan if score is None else score for score in scores],
                missing="…" if judged is None else missing,
            )
        )
    return tuple(rows)


def _hints(now: Moment, numbers: Numbers) -> tuple[tuple[MoveHint, ...], str]:
    """The legal moves with the chosen kind of number, and what the number is."""
    side = look_of(now.position.game.name).sides[now.position.player]
    title, labels, weights = _numbers(now, numbers, side)
    if now.position.is_over:
        return (), ""
    hints = [
        MoveHint(cell=cell, label=labels.get(action, ""), weight=float(weights.get(action, 0.0)))
        for action, cell in now.landings.items()
    ]
    return tuple(hints), title


def _numbers(now: Moment, numbers: Numbers, side: str) -> tuple[str, dict[int, str], dict[int, float]]:
    """Title, labels and weights by action."""
    judged = now.judged or Judged()
    actions = list(now.landings)
    if numbers == "none":
        return "Legal moves", {}, {}
    if numbers == "visits" and now.decision is not None and now.decision.visits is not None:
        visits = now.decision.visits
        share = visits / max(1, visits.max())
        labels = {a: short_number(float(visits[a])) for a in actions}
        return "Visits of the search", labels, {a: float(share[a]) for a in actions}
    if numbers == "prior":
        if judged.prior is None:
            return "Prior of the network: none here", {}, {}
        return "Prior of the network, %", *_percent(judged.prior, actions)
    if numbers == "handcrafted" or judged.learned_moves is None:  # where visits are unknown, values are shown
        kind, scores = "Handcrafted", judged.handcrafted_moves
    else:
        kind, scores = "Learned", judged.learned_moves
    if scores is None:
        return "Legal moves", {}, {}
    return f"{kind} value of each move: expected score of {side}, %", *_percent(scores, actions)


def _percent(shares: NDArray[np.float32], actions: Sequence[int]) -> tuple[dict[int, str], dict[int, float]]:
    """Labels, and weights from the lowest to the highest share."""
    labels = {a: f"{100 * shares[a]:.0f}" for a in actions}
    known = [float(shares[a]) for a in actions]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return labels, {a: (float(shares[a]) - low) / ((high - low) or 1.0) for a in actions}


def _search(
    session: BoardSession, moment: Moment, decision: Decision | None
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What the effort was and what came of it, with the names and units a reader expects."""
    if decision is None:
        return "Search", ()
    sides = look_of(session.game.name).sides
    player = moment.position.player
    rows = [("move", session.game.action_text(decision.action))]
    if decision.value is not None:
        value = decision.value if player == 0 else -decision.value
        proven = {1.0: f"{sides[0]} wins, proven", 0.0: "a draw, proven", -1.0: f"{sides[1]} wins, proven"}
        text = f"{100 * expected_score(value):.0f} %"
        is_proven = bool(decision.statistics.get("proven", abs(value) == 1))
        rows.append((f"score of {sides[0]}", proven.get(value, text) if is_proven else text))
    figures = decision.statistics
    seconds = figures.get("seconds", 0.0)
    if "depth" in figures:
        rows.append(("depth", f"{figures['depth']:.0f} plies"))
    for name in ("simulations", "nodes"):
        if name in figures:
            rows.append((name, short_number(figures[name])))
            if seconds:
                rows.append((f"{name} per second", short_number(figures[name] / seconds)))
    if "seconds" in figures:
        rows.append(("time", f"{seconds:.2f} s" if seconds >= 0.01 else f"{1000 * seconds:.1f} ms"))
    return f"Search of {sides[player]}", tuple(rows)


def _last_cell(session: BoardSession) -> Cell | None:
    """Where the last stone was placed; None at the start and after a pass."""
    if len(session.moments) == 1:
        return None
    return session.moments[-2].landings.get(session.position.moves[-1])


def _winning_cells(session: BoardSession) -> tuple[Cell, ...]:
    """All stones of a finished game that stand in a winning line."""
    length = IN_A_LINE.get(session.game.name)
    if length is None:
        return ()
    cells = session.now.cells
    height, width = cells.shape
    found: dict[Cell, None] = {}
    for row, column in np.argwhere(cells).tolist():
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            line = [(row + i * down, column + i * right) for i in range(length)]
            inside = all(0 <= r < height and 0 <= c < width for r, c in line)
            if inside and len({int(cells[cell]) for cell in line}) == 1:
                found.update(dict.fromkeys(line))
    return tuple(found)
