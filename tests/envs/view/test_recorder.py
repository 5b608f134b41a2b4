"""Files that other programs can read: size, number of pictures, colours."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from envs.view.recorder import Recorder, save_png

SIZE = (1080 // 4, 1920 // 4)  # not a multiple of 16, as video likes


def test_a_png_comes_back_to_the_bit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    path = save_png(tmp_path / "new" / "a.png", pixels)
    assert np.array_equal(imageio.imread(path), pixels)


@pytest.mark.parametrize("name", ["film.mp4", "film.gif"])
def test_a_film_has_all_its_pictures_in_their_size(tmp_path: Path, name: str) -> None:
    with Recorder(tmp_path / name, 10) as recorder:
        for i in range(7):
            picture = np.zeros((*SIZE, 3), np.uint8)
            picture[:, : 60 * (i + 1)] = (250, 200, 30)
            recorder.add(picture)
    frames = imageio.imread(tmp_path / name, index=None if name.endswith("gif") else ...)
    assert frames.shape == (7, *SIZE, 3)
    share = [(frame[..., 0] > 125).mean() for frame in frames]
    assert share == pytest.approx([(i + 1) / 8 for i in range(7)], abs=0.02)


@pytest.mark.parametrize("name", ["film.avi", "film", "film.png"])
def test_other_names_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\*\.mp4 or \*\.gif"):
        Recorder(tmp_path / "folder" / name, 10)
    assert not (tmp_path / "folder").exists()


def test_a_picture_is_a_png(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\*\.png"):
        save_png(tmp_path / "a.jpg", np.zeros((*SIZE, 3), np.uint8))
