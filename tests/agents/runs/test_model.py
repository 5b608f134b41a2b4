"""Model files: what was saved comes back, from any state of the disk, and nothing in them is run."""

import json
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors
import torch
from safetensors.torch import save_file

from agents.runs import model
from agents.runs.model import (
    METADATA_KEY,
    ModelHeader,
    ModelNotFound,
    find_model,
    load_model,
    read_header,
    save_model,
)

HEADER = ModelHeader(
    kind="dqn",
    subject="ALE/Pong-v5",
    network={"trunk": "nature_cnn", "hidden_sizes": [512]},
    config={"discount": 0.99},
    step=1_000,
    score=18.5,
    notes={"trained_by": "a test"},
)
TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(3)}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(tmp_path / "model.safetensors", TENSORS, HEADER)
    return tmp_path / "model.safetensors"


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `pretrained/` of our own, and an empty working directory that is not its parent."""
    folder, elsewhere = tmp_path / "project" / "pretrained", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(model, "PRETRAINED", folder)
    monkeypatch.chdir(elsewhere)
    for name in ("pong", "connect_four", "connect_four_alpha_beta"):
        save_model(folder / f"{name}.safetensors", TENSORS, HEADER)
    return folder


def test_header_and_weights_come_back_as_they_were(saved):
    header, tensors = load_model(saved)
    assert header == HEADER == read_header(saved)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize(
    "dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool, torch.uint8]
)
def test_every_dtype_is_kept_bit_for_bit(tmp_path, dtype):
    tensor = (torch.randn(4, 5, generator=torch.Generator().manual_seed(0)) * 10).abs().to(dtype)
    save_model(tmp_path / "m.safetensors", {"x": tensor}, HEADER)
    loaded = load_model(tmp_path / "m.safetensors")[1]["x"]
    assert loaded.dtype == dtype
    assert torch.equal(loaded, tensor)


def test_tied_transposed_and_learned_tensors_are_saved_by_value(tmp_path):
    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    save_model(tmp_path / "m.safetensors", {"a": weight, "tied": weight, "view": weight.T}, HEADER)
    loaded = load_model(tmp_path / "m.safetensors")[1]
    assert torch.equal(loaded["a"], loaded["tied"])
    assert torch.equal(loaded["view"], weight.detach().T)
    assert not loaded["a"].requires_grad


def test_the_safetensors_library_reads_our_file_and_finds_the_header_under_one_key(saved):
    with safetensors.safe_open(saved, framework="np") as file:
        assert json.loads(file.metadata()[METADATA_KEY])["subject"] == "ALE/Pong-v5"
        assert file.get_tensor("weight").tolist() == TENSORS["weight"].tolist()


def test_the_header_is_read_without_torch(saved):
    code = (
        "import sys; from agents.runs.model import read_header, find_model; "
        f"print(read_header(find_model({str(saved)!r})).step); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1000\n"), done.stderr


def test_a_failing_disk_leaves_the_old_model_readable_and_no_other_file(saved, monkeypatch):
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_model(saved, {"weight": torch.zeros(9)}, replace(HEADER, step=2_000))
    assert load_model(saved)[0].step == 1_000
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('a pickle was run')",)


@pytest.mark.parametrize(
    "write", [lambda p: p.write_bytes(pickle.dumps(Bomb())), lambda p: torch.save({"a": Bomb()}, p)]
)
def test_a_pickle_is_refused_and_never_run(tmp_path, write):
    path = tmp_path / "model.safetensors"
    write(path)
    for read in (read_header, load_model):
        with pytest.raises(ValueError, match=r"model\.safetensors is not a safetensors file"):
            read(path)


def rewritten(path: Path, **changes: object) -> Path:
    """The file with other values in its header; None removes one."""
    values = {**json.loads(HEADER.to_text()), **changes}
    text = json.dumps({name: value for name, value in values.items() if value is not None or name == "score"})
    save_file(TENSORS, path, metadata={METADATA_KEY: text})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "model format 2, this version reads 1; update"),
        ({"format": None}, "damaged model header"),
        ({"colour": "blue"}, r"missing or unknown fields \['colour'\]"),
        ({"step": None}, r"missing or unknown fields \['step'\]"),
        ({"kind": "ppo"}, "kind must be one of .*'dqn'.*got 'ppo'"),
    ],
)
def test_a_header_of_another_version_says_what_it_is(saved, changes, message):
    with pytest.raises(ValueError, match=rf"model\.safetensors.*{message}"):
        read_header(rewritten(saved, **changes))


def test_a_safetensors_file_of_another_program_says_that_it_has_no_header(tmp_path):
    save_file(TENSORS, tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"has no model header: .*another program"):
        load_model(tmp_path / "m.safetensors")
    save_file(TENSORS, tmp_path / "m.safetensors", metadata={METADATA_KEY: "{"})
    with pytest.raises(ValueError, match="damaged model header"):
        load_model(tmp_path / "m.safetensors")


def test_a_file_cut_at_any_byte_is_refused_with_its_name(saved):
    content = saved.read_bytes()
    for length in range(len(content)):
        saved.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"model\.safetensors"):
            read_header(saved)
    saved.write_bytes(content + b"more")
    with pytest.raises(ValueError, match=r"bytes where .* belong; copy it again"):
        read_header(saved)


def test_a_length_field_gone_wild_is_refused_before_anything_is_read(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}" * 100)
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_header(path)


def test_tensors_that_do_not_fit_their_bytes_are_refused(saved):
    saved.write_bytes(saved.read_bytes().replace(b'"shape":[2,3]', b'"shape":[2,9]'))
    with pytest.raises(ValueError, match=r"is damaged: .*copy it again"):
        load_model(saved)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("kind", "ppo", "must be one of .*, got 'ppo'"),
        ("subject", "", "must be an env id or a game name"),
        ("step", -1, "must be an int >= 0, got -1"),
        ("step", 1.5, "must be an int >= 0, got 1.5"),
        ("score", float("nan"), "must be finite or None, got nan"),
        ("network", None, "must be a dict, got None"),
    ],
)
def test_a_wrong_header_field_is_named(field, value, message):
    with pytest.raises(ValueError, match=rf"ModelHeader\.{field} {message}"):
        replace(HEADER, **{field: value})


@pytest.mark.parametrize("value", [Path("x"), float("inf")])
def test_a_config_that_is_no_json_is_refused_before_a_file_is_touched(tmp_path, value):
    with pytest.raises(ValueError, match=r"header of ALE/Pong-v5 is not plain JSON"):
        save_model(tmp_path / "m.safetensors", TENSORS, replace(HEADER, config={"x": value}))
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_needs_its_suffix(tmp_path):
    with pytest.raises(ValueError, match=r"named \*\.safetensors, got '.*m\.pt'"):
        save_model(tmp_path / "m.pt", TENSORS, HEADER)


def test_a_name_is_found_in_pretrained_from_any_working_directory(pretrained):
    assert find_model("pong") == pretrained / "pong.safetensors"
    assert find_model("connect_four") == pretrained / "connect_four.safetensors"
    assert find_model("connect_four", part="alpha_beta") == pretrained / "connect_four_alpha_beta.safetensors"


def test_the_real_pretrained_folder_lies_beside_the_packages():
    assert (model.PRETRAINED.parent / "agents" / "runs" / "model.py").is_file()


def test_a_run_folder_means_its_best_model_and_its_last_while_there_is_no_best(pretrained):
    run = Path("runs/pong-1")
    save_model(run / "last.safetensors", TENSORS, HEADER)
    assert find_model(run) == run / "last.safetensors"
    save_model(run / "best.safetensors", TENSORS, HEADER)
    assert find_model("runs/pong-1") == run / "best.safetensors"
    save_model(run / "last_alpha_beta.safetensors", TENSORS, HEADER)
    assert find_model(run, part="alpha_beta") == run / "last_alpha_beta.safetensors"


def test_a_file_is_itself_whatever_part_is_asked_for(pretrained):
    file = pretrained / "pong.safetensors"
    assert find_model(file, part="alpha_beta") == file


def test_a_folder_that_happens_to_be_called_like_a_model_does_not_hide_it(pretrained):
    Path("pong").mkdir()
    assert find_model("pong") == pretrained / "pong.safetensors"


def test_a_run_folder_without_the_asked_model_says_what_it_has(pretrained):
    save_model("runs/c4/best.safetensors", TENSORS, HEADER)
    with pytest.raises(
        ModelNotFound, match=r"neither best_alpha_beta\.safetensors nor .*, but best\.safetensors$"
    ):
        find_model("runs/c4", part="alpha_beta")
    Path("empty").mkdir()
    with pytest.raises(ModelNotFound, match=r"no model in empty: .* but no model at all"):
        find_model("empty")


@pytest.mark.parametrize(
    ("typed", "part", "nearest"),
    [
        ("pnog", "", "pong"),
        ("connect-four", "", "connect_four"),
        ("conect_four", "alpha_beta", "connect_four"),
        ("runs/cartpole-2026010", "", "runs/cartpole-20260101-120000"),
        ("runs/cartpole-20260101-120000/bset.safetensors", "", "runs/cartpole-20260101-120000"),
    ],
)
def test_a_misspelt_model_gets_the_nearest_name(pretrained, typed, part, nearest):
    for name in ("best", "best_alpha_beta"):
        save_model(f"runs/cartpole-20260101-120000/{name}.safetensors", TENSORS, HEADER)
    with pytest.raises(
        ModelNotFound, match=rf"no model '{typed}': .*did you mean {nearest}( or .*)?\?\npretrained: "
    ):
        find_model(typed, part)


def test_a_model_like_nothing_gets_the_list_in_at_most_three_lines(pretrained):
    with pytest.raises(ModelNotFound) as caught:
        find_model("zzzzzz")
    assert "pretrained: connect_four, connect_four_alpha_beta, pong" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_missing_path_is_never_taken_for_a_name(pretrained):
    with pytest.raises(ModelNotFound):
        find_model("../pretrained/pong")


def test_reading_a_header_takes_milliseconds_whatever_the_weights_weigh(tmp_path):
    save_model(tmp_path / "big.safetensors", {"x": torch.zeros(5_000_000)}, HEADER)
    began = time.perf_counter()
    read_header(tmp_path / "big.safetensors")
    assert time.perf_counter() - began < 0.1
