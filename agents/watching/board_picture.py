"""A board session as a picture: numbers are rounded, titled and put into the words of the game."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.players import Decision
from agents.watching.board_session import BoardSession
from agents.watching.judges import Judged, expected_score
from agents.watching.moment import Moment
from agents.watching.move_numbers import Numbers, move_hints
from agents.watching.seat_names import spoken
from agents.watching.view import View, disagreement
from envs.boards.rules import PASS
from envs.view import style
from envs.view.bars import short_number
from envs.view.looks import look_of
from envs.view.pictures import BoardPicture, Cell, Ghost, Judgement, Seat

GHOSTS_MAX = 5  # stones of the expected line on the board
LINE_MAX = 20  # moves of it in words
IN_A_LINE = {"tic_tac_toe": 3, "connect_four": 4}  # stones that win, to mark them
FOOTER = "h help · space pause · . step · left undo · n numbers · t truth · d disagreement · f s seats"


@dataclass(kw_only=True, slots=True)
class Shown:
    """What a person chose to see, and what he is told."""

    numbers: Numbers = "visits"
    line: bool = True  # the expected line as ghosts
    ply: int | None = None  # an earlier position that is looked at
    unsolved: str = ""  # why the truth is not shown
    notice: str = ""


def board_picture(session: BoardSession, shown: Shown) -> BoardPicture:
    """The page of a session as it stands."""
    view = View(session, shown.ply)
    now, position = view.now, view.now.position
    moment, decision, line = view.latest_decision()
    hints, hints_title = move_hints(now, shown.numbers, shown.unsolved)
    search_title, search = _search(session, moment, decision)
    return BoardPicture(
        title=session.game.title,
        game=session.game.name,
        cells=now.cells,
        seats=(_seat(view, 0), _seat(view, 1)),
        to_move=None if position.is_over else position.player,
        status=_status(view),
        footer=shown.notice or FOOTER,
        last=_last_cell(view),
        marked=_winning_cells(now) if position.is_over else (),
        hints=hints,
        hints_title=hints_title,
        ghosts=_ghosts(now, line) if shown.line else (),
        judgements=_judgements(view),
        terms=tuple(now.judged.terms.items()) if now.judged else (),
        terms_note="game over" if position.is_over else "",
        search_title=search_title,
        search=search,
        line=" ".join(session.game.action_text(action) for action in line[:LINE_MAX]),
        cursor=shown.ply,
        disagreement=disagreement(session.moments),
    )


def _status(view: View) -> str:
    session, position = view.session, view.now.position
    parts = [f"game {session.games_begun} of {session.games}"] if session.games > 1 else []
    if position.is_over:
        result = position.result
        parts.append(
            f"{look_of(session.game.name).sides[0 if result > 0 else 1]} won" if result else "a draw"
        )
    parts.append(f"ply {len(position.moves)}")
    if view.ply is not None:
        parts[-1] += f" of {len(session.moments) - 1}, looking back"
    elif session.paused and not position.is_over:
        parts.append("paused")
    parts.append(f"speed {session.speed:g}x")
    return " · ".join(parts)


def _seat(view: View, seat: int) -> Seat:
    session, now = view.session, view.now
    look = look_of(session.game.name)
    agent = session.agent_of(seat)
    parts = [look.sides[seat], _stones(int((now.cells == seat + 1).sum()))]
    if view.ply is None and not now.position.is_over and now.position.player == seat:
        parts.append(_doing(session, agent is None))
    return Seat(name=spoken("human" if agent is None else agent.name), note=" · ".join(parts))


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


def _judgements(view: View) -> tuple[Judgement, ...]:
    session, judged = view.session, view.now.judged
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
    if view.now.truth:
        best = max(view.now.truth.values())
        score = expected_score(best if view.now.position.player == 0 else -best)
        rows.append(Judgement(label="Solved", colour=style.GREEN, expected_score=score))
    return tuple(rows)


def _search(
    session: BoardSession, moment: Moment, decision: Decision | None
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What the effort was and what came of it, with the names and units a reader expects."""
    if decision is None:
        return _running(session, moment)
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


def _running(session: BoardSession, moment: Moment) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The search that is under way, as far as it shows itself."""
    seconds = session.think_seconds
    if moment is not session.now or moment.tree is None or not seconds:
        return "Search", ()
    side = look_of(session.game.name).sides[moment.position.player]
    simulations = moment.tree.simulations
    line = [node.action for node in moment.tree.nodes if node.is_line]
    return f"Search of {side}, thinking", (
        ("best so far", " ".join(session.game.action_text(action) for action in line)),
        ("simulations", short_number(simulations)),
        ("simulations per second", short_number(simulations / seconds)),
        ("time", f"{seconds:.1f} s"),
    )


def _last_cell(view: View) -> Cell | None:
    """Where the last stone was placed; None at the start and after a pass."""
    if len(view.moments) == 1:
        return None
    return view.moments[-2].landings.get(view.now.position.moves[-1])


def _winning_cells(now: Moment) -> tuple[Cell, ...]:
    """All stones of a finished game that stand in a winning line."""
    length = IN_A_LINE.get(now.position.game.name)
    if length is None:
        return ()
    cells = now.cells
    height, width = cells.shape
    found: dict[Cell, None] = {}
    for row, column in np.argwhere(cells).tolist():
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            line = [(row + i * down, column + i * right) for i in range(length)]
            inside = all(0 <= r < height and 0 <= c < width for r, c in line)
            if inside and len({int(cells[cell]) for cell in line}) == 1:
                found.update(dict.fromkeys(line))
    return tuple(found)
