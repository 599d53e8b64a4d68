"""GPUs are chosen and filled by their readings; sizes are read from the files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.engines.base import Configuration
from core.engines.gpus import Gpu, chosen
from core.engines.huggingface import HuggingFaceChat
from core.engines.placing import folder_of, placed, weights_bytes
from core.errors import EngineStopped
from tests.tiny_model import save_tiny_model

GIGABYTE = 1024**3


def card(index: int, *, free: float, total: float = 80.0, load: int = 0) -> Gpu:
    return Gpu(index, "H", int(total * GIGABYTE), int(free * GIGABYTE), load, 40, 70.0)


# --- which are chosen -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([], ()),
        ([card(0, free=79.5)], (0,)),
        ([card(2, free=79.5), card(0, free=79.5), card(1, free=20.0)], (0, 2)),
        ([card(0, free=79.5, load=90), card(1, free=79.5, load=5)], (1,)),  # both look empty
        ([card(0, free=10.0), card(1, free=30.0), card(2, free=20.0)], (1,)),  # none is idle
        ([card(0, free=23.5, total=24.0), card(1, free=70.0)], (0,)),  # idle goes before free
    ],
    ids=["none", "one", "all idle", "load counts", "freest", "idle first"],
)
def test_auto_means_all_idle_gpus_and_else_the_freest(readings, expected):
    assert chosen(readings) == expected


# --- where a model goes -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "free", "expected"),
    [
        (16, [79, 79, 79], [(0,), (1,), (2,)]),  # fits on each: data parallel
        (0, [79, 10], [(0,), (1,)]),  # of unknown size: as if it fitted
        (140, [79, 79, 79, 79], [(0, 1, 2), ]),  # 175 GB are needed: three cards, one is left
        (120, [79, 79, 79, 79], [(0, 1), (2, 3)]),  # two copies of two cards
        (60, [20, 79, 79], [(1,), (2,)]),  # a card that is taken elsewhere is left out
        (70, [79, 40], [(0, 1)]),
        (200, [79, 79], []),
    ],
)  # fmt: skip
def test_a_model_is_put_on_each_gpu_or_spread_where_it_is_too_large(weights, free, expected):
    cards = [card(index, free=one) for index, one in enumerate(free)]

    assert placed(weights * GIGABYTE, cards) == expected


def test_a_model_that_fits_nowhere_is_refused_before_anything_is_loaded(tmp_path, monkeypatch):
    folder = save_tiny_model(tmp_path / "model")
    monkeypatch.setattr(
        "core.engines.huggingface.gpus", lambda: [card(0, free=0.0001), card(1, free=80.0)]
    )

    with pytest.raises(EngineStopped) as caught:
        HuggingFaceChat(Configuration(str(folder), {}, (), 1, (0,)))

    assert caught.value.code == "too_large_for_gpus"
    assert caught.value.values == {"model": str(folder), "gigabytes": 0.0, "free": 0.0}


# --- how large it is --------------------------------------------------------------------


def test_weights_are_counted_as_they_will_be_loaded(tmp_path):
    save_file(
        {"a": torch.zeros(10, 3), "b": torch.zeros(7, dtype=torch.bfloat16)},
        tmp_path / "model-1.safetensors",
    )
    save_file({"c": torch.zeros(5, dtype=torch.int8)}, tmp_path / "model-2.safetensors")

    assert weights_bytes(tmp_path) == 2 * 30 + 2 * 7 + 5


def test_weights_of_an_old_shape_count_as_their_files(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"x" * 123)

    assert weights_bytes(tmp_path) == 123


def test_a_saved_model_counts_two_bytes_a_parameter(tmp_path):
    folder = save_tiny_model(tmp_path / "model")

    assert weights_bytes(folder) == (folder / "model.safetensors").stat().st_size // 4 * 2 - (
        header_of(folder / "model.safetensors") // 4 * 2
    )


def header_of(path: Path) -> int:
    """Bytes of a safetensors file before its numbers, which are float32 here."""
    with path.open("rb") as file:
        return 8 + int.from_bytes(file.read(8), "little")


def test_a_name_that_was_never_fetched_has_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    assert folder_of("nobody/nothing-of-attending") is None
    assert folder_of(str(tmp_path)) == tmp_path
