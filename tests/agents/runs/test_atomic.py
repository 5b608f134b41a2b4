"""A file that is being replaced is always the whole old one or the whole new one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.runs.atomic import replacing, write_text

KILLED_IN_A_SAVE = """
import os, signal, sys
from pathlib import Path
from agents.runs.atomic import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half of the new")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_in_the_middle_of_a_save_leaves_the_old_file_and_the_next_save_cleans_up(tmp_path):
    path = tmp_path / "state"
    write_text(path, "old")
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_A_SAVE, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert (tmp_path / ".state.part").read_bytes() == b"half of the new"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_exception_while_writing_leaves_the_old_file_and_no_other(tmp_path, interruption):
    path = tmp_path / "state"
    write_text(path, "old")

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"state": "old"}


def test_the_content_is_on_the_disk_before_it_takes_the_name_and_the_name_after(tmp_path, monkeypatch):
    events = []
    fsync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda d: (events.append("sync"), fsync(d)))
    monkeypatch.setattr(Path, "replace", lambda old, new: (events.append("rename"), rename(old, new)))
    write_text(tmp_path / "state", "new")
    assert events == ["sync", "rename", "sync"]


def test_files_get_the_permissions_of_any_new_file(tmp_path):
    write_text(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
