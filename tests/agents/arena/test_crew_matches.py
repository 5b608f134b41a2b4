"""Matches by workers: the games of the serial run, whoever plays them and whoever dies."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from agents.arena.crew_matches import Entrant, play_match_by, play_tournament_by
from agents.arena.match import PAIRS_AT_ONCE, match_parts
from agents.arena.tournament import play_tournament
from agents.roster import build_player
from agents.workers.job import MakeJob
from agents.workers.processes import ProcessSite, ProcessWorker
from envs.boards.game import game

TIC_TAC_TOE = game("tic_tac_toe")
NAMES = ("random", "greedy:value=handcrafted", "mcts:value=rollout,simulations=8")


class Recording(ProcessSite):
    """Remembers the processes."""

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self.hired: list[ProcessWorker] = []

    def hire(self, make_job: MakeJob) -> ProcessWorker:
        self.hired.append(ProcessWorker(make_job))
        return self.hired[-1]


def test_the_parts_of_a_match_are_of_bounded_size_and_begin_differently() -> None:
    parts = match_parts(TIC_TAC_TOE, ("a", "b"), 2 * PAIRS_AT_ONCE + 2, seed=1, opening_plies=None)
    assert [part.games for part in parts] == [50, 52]
    assert len({seed for part in parts for seed in part.seeds}) == 4


def test_a_tournament_by_two_workers_one_of_them_killed_is_the_serial_tournament() -> None:
    players = [build_player(name, TIC_TAC_TOE) for name in NAMES]
    here = play_tournament(TIC_TAC_TOE, players, 104, seed=4)
    site, told = Recording(2), list[int]()

    def kill_one() -> None:
        while len(site.hired) < 2:
            time.sleep(0.01)
        os.kill(site.hired[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    there = play_tournament_by(site, TIC_TAC_TOE, NAMES, 104, seed=4, on_progress=told.append)
    killer.join()
    assert len(site.hired) == 3
    assert [match.records for match in there.matches] == [match.records for match in here.matches]
    assert there.to_json() == here.to_json()
    assert told == sorted(set(told))
    assert told[-1] == 312


def test_a_network_travels_to_where_it_plays(tmp_path: Path) -> None:
    entrant = Entrant.of("alpha_beta:value=learned,depth=2", TIC_TAC_TOE)
    assert entrant.model is not None
    assert Entrant.of("random", TIC_TAC_TOE).model is None
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(entrant.model)
    lost = Entrant.of(f"mcts:value=learned,simulations=8,model={copy}", TIC_TAC_TOE)
    copy.unlink()
    assert lost.build(TIC_TAC_TOE).choose(TIC_TAC_TOE.start()).action in range(9)


def test_an_odd_number_of_games_is_refused_before_anyone_is_hired() -> None:
    site = Recording(2)
    with pytest.raises(ValueError, match="games must be even"):
        play_match_by(site, TIC_TAC_TOE, ("random", "greedy"), 7)
    assert site.hired == []
