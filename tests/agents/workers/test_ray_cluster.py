"""The same workers as Ray actors: on a cluster of one node here, and (slow) of two, one of which is lost."""

import functools
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.arena.crew_matches import play_match_by
from agents.arena.match import play_match
from agents.board_value import workers as self_play_workers
from agents.board_value.presets import TIC_TAC_TOE
from agents.board_value.train import Training
from agents.roster import build_player
from agents.workers.crew import Crew, Post
from agents.workers.job import JobFailed, MakeJob
from agents.workers.places import open_site
from agents.workers.site import Site
from envs.boards.game import game
from tests.agents.workers.harvest_log import check_counts, lines, logged_to
from tests.agents.workers.test_crew import Ledger, done, is_alive, wait_for

pytest.importorskip("ray", reason="the extra `scale` is not installed")

ROOT = Path(__file__).parents[3]
SHORT = replace(TIC_TAC_TOE, minutes=0.1, batch_size=32, games_at_once=32, send_seconds=0.5, held_positions=0)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)  # the jobs of these tests
        patch.delenv("RAY_ADDRESS", raising=False)
        with open_site("ray:1") as opened:
            yield opened
    assert not ray_processes()


def ray_processes() -> list[str]:
    """Command lines of Ray below this process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        pid = int(stat.parent.name)
        try:
            command = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid() and ("raylet" in command or "gcs_server" in command) and is_alive(pid):
            found.append(command)
    return found


def test_an_actor_that_is_killed_is_replaced_and_each_call_answered_once(site: Site, tmp_path: Path) -> None:
    path, answers = tmp_path / "done", queue.SimpleQueue[tuple[int, int]]()

    def lead(i: int, post: Post) -> None:
        for number in range(60):
            answers.put(post.call(functools.partial(message, number)))

    def message(number: int, is_new: bool) -> int:
        return number

    def make_job(i: int, before: int) -> MakeJob:
        return functools.partial(Ledger, path, before)

    with Crew(site, make_job, lead, name="worker") as crew:
        wait_for(lambda: answers.qsize() > 20)
        os.kill(done(path)[-1][2], signal.SIGKILL)
        wait_for(lambda: answers.qsize() == 60)
        crew.check()
    told = [answers.get() for _ in range(60)]
    assert [number for number, _ in told] == list(range(60))
    assert [before for _, before in told] == sorted(before for _, before in told)
    assert told[-1][1] == 1 == len(crew.deaths)
    assert "died" in crew.deaths[0]
    assert len(done(path)) - 60 in (0, 1)
    wait_for(lambda: not any(is_alive(pid) for _, _, pid in done(path)))


def test_what_a_job_raises_comes_back_from_an_actor_too(site: Site, tmp_path: Path) -> None:
    hired = site.hire(functools.partial(Ledger, tmp_path / "done", 0))
    with pytest.raises(JobFailed, match="LookupError: no number -1"):
        hired.call(-1)
    assert hired.call(site.share(7)) == (7, 0)
    hired.close()


@pytest.mark.slow
def test_a_training_learns_from_games_of_an_actor(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "harvests"
    monkeypatch.setattr(self_play_workers, "SelfPlayJob", logged_to(log))
    training = Training(replace(SHORT, workers="ray:1"), site)
    for _ in training.run():
        pass
    assert training.counts.games > 20
    assert training.learner.updates > 0
    check_counts(log, training.counts.games, training.window.total)


def test_a_match_on_ray_is_the_match_in_this_process(site: Site) -> None:
    played, names = game("tic_tac_toe"), ("mcts:value=learned,simulations=8", "random")
    first, second = (build_player(name, played) for name in names)
    here = play_match(played, (first, second), 20, seed=3)
    assert play_match_by(site, played, names, 20, seed=3).records == here.records


def test_more_workers_than_the_joined_cluster_has_cpus_are_refused(site: Site) -> None:
    import ray

    code = "import sys, agents.workers.places as p\nwith p.open_site('ray:9', sys.argv[1]): pass"
    command = [sys.executable, "-c", code, ray.get_runtime_context().gcs_address]
    run = subprocess.run(command, capture_output=True, text=True)
    assert "--workers ray:9: the Ray cluster has 1 CPUs" in run.stderr


@pytest.mark.slow  # most of it compiling: code that travels is not in the cache
def test_one_of_two_nodes_is_lost_and_training_goes_on_and_counts_each_game_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray
    from ray.cluster_utils import Cluster

    ray.shutdown()  # the cluster of the tests above
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    log = tmp_path / "harvests"
    monkeypatch.setattr(self_play_workers, "SelfPlayJob", logged_to(log))
    small = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=small | {"include_dashboard": False})
    lost_node = cluster.add_node(**small)
    try:
        with open_site("ray", cluster.address) as site:
            assert site.room == 2
            training = Training(replace(SHORT, workers="ray", minutes=60), site)
            running = training.run()

            def train_until(holds: Callable[[], bool]) -> None:
                wait_for(lambda: next(running) is not None and holds(), 900)

            def players() -> set[int]:
                return {line[0] for line in lines(log)}

            train_until(lambda: len(players()) == 2 and training.learner.updates > 0)
            cluster.remove_node(lost_node, allow_graceful=False)
            train_until(lambda: bool(training.deaths))
            games, updates = training.counts.games, training.learner.updates
            assert len(players()) == 2  # no processor is free for the third
            train_until(lambda: training.counts.games > games + 20 and training.learner.updates > updates)
            cluster.add_node(**small)
            train_until(lambda: len(players()) == 3)
            running.close()
            assert len(training.deaths) <= 2  # Ray may have put a successor on the node before it missed it
        check_counts(log, training.counts.games, training.window.total)
        wait_for(lambda: not any(is_alive(pid) for pid in players()))
    finally:
        cluster.shutdown()
