"""The Inside page of a scene: which checkpoint looks at which input, worked out beside the drawing thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agents.watching import memory_page
from agents.watching.keys import Key
from agents.watching.study import HEATS, Heat, Layer, Looks, Study, Subject
from agents.watching.thought import Thought
from envs.view.pictures import ActionValue, InsidePicture, MapGrid, MemoryPicture, Spot

if TYPE_CHECKING:
    from agents.watching.study import Found

TITLES = ("Shallow", "Deep", "Dense")  # of the layers, as far as there are so many
MOVES_SHOWN = 8  # of a policy
FOOTER = "h help · tab page · g what it looks at · [ ] checkpoints · click a cell: what it sees · space pause"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a study is made of."""

    subject: object
    checkpoint: int
    heat: Heat


class InsidePage:
    """Studies the subjects it is given, one at a time; a newer one waits until the last is done.

    Args:
        model: whose network is looked into.
        name: of the network, for the title.
        action_names: in the order of the outputs.
        heat: what lies over the input at first.
    """

    def __init__(
        self,
        model: Path,
        name: str,
        action_names: Sequence[str],
        *,
        heat: Heat = "gradient",
        inspector: Callable[[Path], Looks] | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._action_names = action_names
        self._heat: Heat = heat
        self._make = inspector or _inspector_of
        self._inspector: Looks | None = None
        self._problem = ""
        self._step = 0  # from the checkpoint that was asked for
        self._picked: Spot | None = None
        self._field: tuple[float, float, float, float] | None = None
        self._job: Thought[tuple[Subject, _Wish, Found]] | None = None
        self._shown: tuple[Subject, _Wish, Found] | None = None

    def advance(self, subject: Subject) -> bool:
        """Take what was found and look at the subject if it is new. Returns whether the page has changed."""
        changed = False
        if self._job is not None and self._job.ready:
            self._shown, self._job = self._result(self._job), None
            changed = True
        if self._job is None and not self._problem and self._is_news(subject):
            self._start(subject)
        return changed

    def settle(self, subject: Subject) -> None:
        """Look at the subject, here and now."""
        while not self._problem and (self._job is not None or self._is_news(subject)):
            if self._job is not None:
                self._job.wait()
            self.advance(subject)

    def next_heat(self) -> None:
        """Gradient, perturbation, nothing."""
        self._heat = HEATS[(HEATS.index(self._heat) + 1) % len(HEATS)]

    def next_checkpoint(self, by: int) -> str:
        """Go through the run; returns what there is to say about it."""
        if self._inspector is None:
            return ""
        gallery = self._inspector.gallery
        last = len(gallery.checkpoints) - 1
        if last == 0:
            return "there is no other checkpoint of this run beside the model"
        which = min(max(gallery.shown + self._step + by, 0), last)
        self._step = which - gallery.shown
        return f"checkpoint {which + 1} of {last + 1}: {gallery.label(which)}"

    def pick(self, spot: Spot) -> None:
        """Show what a cell of a layer sees; the same cell again: no longer."""
        if self._inspector is None or spot == self._picked:
            self._picked, self._field = None, None
            return
        self._picked, self._field = spot, self._inspector.field(spot.name, spot.cell)

    def keys(self, ground: str, tell: Callable[[str], None]) -> list[Key]:
        """Those of this page; `ground` is what the network is shown, `tell` gets what there is to say."""
        return [
            Key(("g",), "g", f"Inside: gradient, perturbation or nothing over the {ground}", self.next_heat),
            Key(
                ("[",),
                "[",
                "Inside: an earlier checkpoint of the run",
                lambda: tell(self.next_checkpoint(-1)),
            ),
            Key(("]",), "]", "Inside: a later one", lambda: tell(self.next_checkpoint(1))),
        ]

    def close(self, seconds: float) -> None:
        """Wait a moment for a study that is being made."""
        if self._job is not None:
            self._job.wait(seconds)

    def picture(self, notice: str) -> InsidePicture | MemoryPicture:
        """The page as far as it is known."""
        title = f"Inside {self._name}"
        if self._shown is None or self._inspector is None:
            missing = self._problem or "looking inside …"
            return InsidePicture(title=title, footer=notice or FOOTER, missing=missing)
        subject, wish, study = self._shown
        label = self._inspector.gallery.label(wish.checkpoint)
        status = f"checkpoint {label} · {subject.words}"
        if not isinstance(study, Study):
            cursor = len(study.hidden) - 1 - subject.num_later
            first = subject.step - cursor
            guest = wish.checkpoint != self._inspector.gallery.shown
            return memory_page.memory_picture(
                study,
                title=title,
                status=status + (f" · its memory was empty at step {first}" if guest else ""),
                footer=notice or memory_page.FOOTER,
                frame=subject.frame,
                first=first,
                cursor=cursor,
                action_names=self._action_names,
            )
        compared = study.comparison
        return InsidePicture(
            title=title,
            status=status,
            footer=notice or FOOTER,
            frame=None if subject.board is not None else subject.frame,
            board=subject.board,
            heat=study.heat,
            heat_title=self._heat_title(wish.heat, study),
            field=self._field,
            kernels=study.kernels,
            initial=study.initial,
            kernels_title="now" + ("" if compared is None else f": orientation {compared.selectivity:.2f}"),
            initial_title="at the start" + ("" if compared is None else f": {compared.before:.2f}"),
            verdict=verdict(study),
            layers=[self._grid(i, layer) for i, layer in enumerate(study.layers)],
            output_title=self._output_title(study),
            actions=self._actions(study),
            numbers=self._policy(study, subject.legal),
        )

    def _is_news(self, subject: Subject) -> bool:
        return self._shown is None or self._shown[1] != self._wish(subject)

    def _wish(self, subject: Subject) -> _Wish:
        shown = 0 if self._inspector is None else self._inspector.gallery.shown
        return _Wish(subject.key, shown + self._step, self._heat)

    def _start(self, subject: Subject) -> None:
        heat = self._heat

        def study() -> tuple[Subject, _Wish, Found]:
            if self._inspector is None:
                self._inspector = self._make(self._model)
            wish = _Wish(subject.key, self._inspector.gallery.shown + self._step, heat)
            return subject, wish, self._inspector.look(subject, wish.checkpoint, heat)

        self._job = Thought(study)

    def _result(self, job: Thought[tuple[Subject, _Wish, Found]]) -> tuple[Subject, _Wish, Found] | None:
        try:
            return job.result()
        except ValueError as error:  # what this page cannot show is said on it
            self._problem = str(error)
            return self._shown

    def _heat_title(self, heat: Heat, study: Study) -> str:
        if heat == "none" or study.heat is None:
            return "What it is shown"
        target = "the value" if study.heat_of is None else f"Q of {self._action_names[study.heat_of]}"
        return f"What {target} hangs on: by {heat}"

    def _grid(self, index: int, layer: Layer) -> MapGrid:
        channels, height, width = layer.values.shape
        is_vector = (channels, height) == (1, 1)
        title = "Dense" if is_vector else TITLES[index]
        size = f"{width} units" if is_vector else f"{channels} of {width} x {height}"
        picked = self._picked
        return MapGrid(
            name=layer.name,
            title=f"{title}: {size}",
            maps=layer.values,
            picked=(picked.channel, picked.cell) if picked and picked.name == layer.name else None,
        )

    def _output_title(self, study: Study) -> str:
        if study.value is None:
            return "Output: action values Q"
        return f"Output: value {study.value:+.2f} for the side to move" + (
            "; policy" if len(study.output) > 1 else ""
        )

    def _actions(self, study: Study) -> list[ActionValue]:
        if study.value is not None:
            return []
        best = int(study.output.argmax())
        return [
            ActionValue(name=name, value=float(q), chosen=i == best)
            for i, (name, q) in enumerate(zip(self._action_names, study.output, strict=True))
        ]

    def _policy(self, study: Study, legal: Sequence[int] | None) -> list[tuple[str, float]]:
        """The likeliest legal moves, in %."""
        if study.value is None or not legal or len(study.output) == 1:
            return []
        weights = np.exp(study.output[list(legal)] - study.output[list(legal)].max())
        best = np.argsort(-weights, kind="stable")[:MOVES_SHOWN]
        return [(self._action_names[legal[i]], float(100 * weights[i] / weights.sum())) for i in best]


def _inspector_of(model: Path) -> Looks:
    from agents.watching.memory_inspector import inspector_of  # with torch: not before somebody looks

    return inspector_of(model)


def verdict(study: Study) -> str:
    """What became of the first layer, in numbers that can say no as well as yes."""
    if study.comparison is None:
        return "" if study.kernels is None else "The start of this run is not known: nothing to compare with."
    found, count = study.comparison, len(study.kernels) if study.kernels is not None else 0
    return (
        f"Orientation selectivity (0 none, 1 one orientation): median {found.selectivity:.2f}, at the start "
        f"{found.before:.2f}. {found.above_chance} of {count} kernels lie above 95 % of random ones; "
        f"{found.expected:.1f} would by chance. Mean cosine to their own start: {found.likeness:.2f}."
    )
