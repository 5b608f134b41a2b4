"""The Tree page of a board scene: the search behind the latest decision, or the one that is running."""

from collections.abc import Iterator
from dataclasses import replace

from agents.search.result import Result
from agents.watching.deepening import Depths
from agents.watching.judges import expected_score
from agents.watching.moment import Moment
from agents.watching.search_tree import Node, SearchTree, pruned
from agents.watching.view import View
from envs.boards.game import Game
from envs.view.bars import short_number
from envs.view.looks import look_of
from envs.view.pictures import BoardPicture, DepthLine, TreeNode, TreePicture
from envs.view.tree import LINE_BOARDS_MAX, leaves_that_fit

LINE_MAX = 12  # moves of a principal variation
LEAVES = leaves_that_fit((1280, 720))  # every size of that shape holds as many
FOOTER = "h help · tab page · space pause · . step · left undo · d disagreement"


def searched_moment(view: View) -> Moment:
    """Whose search the page shows: of the position on the page, else of the one before it."""
    now = view.now
    if now.decision is None and now.tree is None and len(view.moments) > 1:
        return view.moments[-2]
    return now


def tree_picture(view: View, board: BoardPicture, footer: str) -> TreePicture:
    """The page; `board` is that of the position whose search is shown."""
    moment = searched_moment(view)
    game = view.session.game
    side = look_of(game.name).sides[moment.position.player]
    nodes: tuple[TreeNode, ...] = ()
    depths: tuple[DepthLine, ...] = ()
    line_boards: tuple[BoardPicture, ...] = ()
    title, note = "Search", ""
    first = look_of(game.name).sides[0]
    if moment.tree is not None and moment.tree.nodes:
        nodes = tree_nodes(pruned(moment.tree, LEAVES), moment)
        count = short_number(moment.tree.simulations)
        running = "" if moment.decision else ", still running"
        title = f"Tree of {side}: {count} simulations{running}"
        note = f"visits · expected score of {first} · p: prior, %"
    elif moment.depths is not None:
        depths = depth_lines(moment.depths, moment)
        line_boards = tuple(_played_out(moment, board))
        title = f"Alpha-beta of {side}, depth by depth"
        note = f"score of {first}; marked: another first move"
    return TreePicture(
        title=game.title,
        board=board,
        status=f"the search at ply {len(moment.position.moves)}, {side} to move",
        footer=footer,
        tree_title=title,
        tree_note=note,
        nodes=nodes,
        depths=depths,
        line_boards=line_boards,
        missing=_missing(moment),
    )


def tree_nodes(tree: SearchTree, moment: Moment) -> tuple[TreeNode, ...]:
    """Nodes with their places: leaves in rows from the most visited down, parents amid their children."""
    children: dict[int | None, list[int]] = {}
    for index, node in enumerate(tree.nodes):
        children.setdefault(node.parent, []).append(index)
    rows: dict[int, float] = {}
    players: dict[int, int] = {}
    next_row = 0

    def place(index: int, player: int) -> float:
        nonlocal next_row
        players[index] = player
        below = sorted(children.get(index, []), key=lambda i: -tree.nodes[i].visits)
        if not below:
            rows[index] = next_row
            next_row += 1
        else:
            placed = [place(i, 1 - player) for i in below]
            rows[index] = (placed[0] + placed[-1]) / 2
        return rows[index]

    for index in sorted(children.get(None, []), key=lambda i: -tree.nodes[i].visits):
        place(index, moment.position.player)
    game, total = moment.position.game, max(1, tree.simulations)
    return tuple(_shown(node, game, players[i], rows[i], total) for i, node in enumerate(tree.nodes))


def depth_lines(depths: Depths, moment: Moment) -> tuple[DepthLine, ...]:
    """One line for each depth."""
    game, player = moment.position.game, moment.position.player
    before: Result | None = None
    lines = []
    for result in depths.results:
        value = result.value if player == 0 else -result.value
        score = expected_score(value)
        text = {1.0: "won", 0.5: "draw", 0.0: "lost"}[score] if result.proven else f"{100 * score:.0f} %"
        lines.append(
            DepthLine(
                depth=result.depth,
                expected_score=score,
                score_text=text,
                nodes=result.nodes,
                cutoffs=result.iterations[-1].cutoffs,
                first_cutoffs=result.iterations[-1].first_cutoffs,
                line=" ".join(game.action_text(action) for action in result.line[:LINE_MAX]),
                is_new=before is not None and before.line[:1] != result.line[:1],
            )
        )
        before = result
    return tuple(lines)


def _played_out(moment: Moment, board: BoardPicture) -> Iterator[BoardPicture]:
    """The board after each move of the deepest line, titled by the move."""
    assert moment.depths is not None
    plain = replace(board, hints=(), ghosts=(), marked=())
    results = moment.depths.results
    for number, action in enumerate(results[-1].line[:LINE_BOARDS_MAX] if results else (), start=1):
        last = moment.landings.get(action)
        title = f"{number}. {moment.position.game.action_text(action)}"
        moment = Moment(position=moment.position.play(action))
        yield replace(plain, title=title, cells=moment.cells, last=last)


def _shown(node: Node, game: Game, player: int, row: float, total: int) -> TreeNode:
    value = None if node.value is None else node.value if player == 0 else -node.value
    return TreeNode(
        move=game.action_text(node.action),
        player=player,
        visits=node.visits,
        share=min(1.0, node.visits / total),
        expected_score=None if value is None else expected_score(value),
        prior=node.prior,
        proof=_proof(game, value) if node.proven and value is not None else "",
        parent=node.parent,
        depth=node.depth,
        row=row,
        is_line=node.is_line,
    )


def _proof(game: Game, value: float) -> str:
    """A proven value of the first player, in words."""
    first, second = look_of(game.name).sides
    return f"{first} wins" if value > 0 else f"{second} wins" if value < 0 else "draw"


def _missing(moment: Moment) -> str:
    """Why there is nothing to see."""
    if moment.decision is None:
        return "No search has been made of this position yet: it is shown as soon as an agent thinks."
    if "depth" in moment.decision.statistics:
        return "Searching again, depth by depth … (only with values that are compiled into the search)"
    return "This player does not search."
