"""Where a checkpoint goes: one process on each GPU, or one over several where it is too large.

Sizes are read from the files, without torch, before any process is started.
"""

import json
import os
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from core.engines.gpus import Gpu

#: Bytes a number takes once it is loaded: floats become bfloat16, the rest stays as it is.
_LOADED_BYTES = {"F64": 2, "F32": 2, "I64": 8, "I32": 4, "I16": 2, "F16": 2, "BF16": 2}
#: Of a GPU's free memory so much may be weights; the rest is for the cache and one pass.
_WEIGHTS_SHARE = 0.8


def is_path(model: str) -> bool:
    """Tell a folder from a name that the hub would know."""
    return model.startswith((".", "/", "~")) or (os.sep in model and Path(model).exists())


def folder_of(model: str) -> Path | None:
    """The folder of a checkpoint on this machine; None where a name was never fetched."""
    if is_path(model):
        return Path(model).expanduser()
    try:
        found = Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError, OSError):
        return None
    return found if (found / "config.json").is_file() else None


def weights_bytes(folder: Path) -> int:
    """Bytes that a checkpoint's weights take on a GPU; 0 where there are none."""
    tensors = sorted(folder.glob("*.safetensors"))
    if tensors:
        return sum(_loaded_bytes(path) for path in tensors)
    return sum(path.stat().st_size for path in folder.glob("*.bin"))


def placed(weights: int, cards: Iterable[Gpu]) -> list[tuple[int, ...]]:
    """Groups of GPUs, each of which gets the whole model; no groups where it fits nowhere.

    A model that fits on every card is put on each. Otherwise the cards with the most free memory
    are taken until it fits, and again, until too few are left.
    """
    freest = sorted(cards, key=lambda card: (-card.memory_free, card.index))
    if all(_fits(weights, [card]) for card in freest):
        return [(card.index,) for card in sorted(freest, key=lambda card: card.index)]
    groups: list[tuple[int, ...]] = []
    group: list[Gpu] = []
    for card in freest:
        group.append(card)
        if _fits(weights, group):
            groups.append(tuple(sorted(one.index for one in group)))
            group = []
    return groups


def _fits(weights: int, group: Sequence[Gpu]) -> bool:
    return weights <= _WEIGHTS_SHARE * sum(card.memory_free for card in group)


def _loaded_bytes(path: Path) -> int:
    """By the header that every safetensors file begins with: its length, then JSON."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(
        prod(tensor["shape"]) * _LOADED_BYTES.get(tensor["dtype"], 1)
        for name, tensor in header.items()
        if name != "__metadata__"
    )
