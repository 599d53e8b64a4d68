"""Loading a checkpoint, and what identifies it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.engines.huggingface_attention import attend_by_request
from core.engines.huggingface_batches import is_out_of_memory
from core.engines.huggingface_messages import Order, Refusal
from core.engines.placing import folder_of, is_path

#: Of a large file so many pieces of so many bytes stand for the whole.
_PIECES, _PIECE = 64, 65_536


class Unserveable(Exception):
    """The checkpoint can't be used; carries the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def loaded(order: Order) -> tuple[Any, Any]:
    """Tokenizer and model of a checkpoint, on its device.

    Raises:
        Unserveable: it is not there, is no model, has no chat template, or does not fit.
    """
    given = _findable(order.model)
    trust = bool(order.parameters.get("trust_remote_code", False))
    try:
        tokenizer = AutoTokenizer.from_pretrained(given, trust_remote_code=trust)
        model = untyped(AutoModelForCausalLM).from_pretrained(
            given,
            dtype=torch.bfloat16 if torch.cuda.is_available() else "auto",
            device_map="auto" if len(order.gpus) > 1 else None,
            trust_remote_code=trust,
        )
        if len(order.gpus) == 1:
            model = model.to("cuda")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, MemoryError,
            SafetensorError) as error:  # fmt: skip
        if is_out_of_memory(error):
            raise Unserveable(Refusal("needs_memory", {"model": order.model})) from error
        if folder_of(order.model) is None:
            raise Unserveable(Refusal("model_not_fetched", {"model": order.model})) from error
        raise Unserveable(Refusal("not_a_model", {"path": order.model})) from error
    if not tokenizer.encode("a", add_special_tokens=False):  # its files are missing
        raise Unserveable(Refusal("not_a_model", {"path": order.model}))
    if not tokenizer.chat_template:
        raise Unserveable(Refusal("no_chat_template", {"path": order.model}))
    if len(order.gpus) < 2:
        attend_by_request(model)
    return tokenizer, model.eval()


def untyped(of_transformers: Any) -> Any:
    """Parts of transformers whose annotations don't say what they take."""
    return of_transformers


def revision_of(name: str, model: Any) -> str:
    """The hub's commit, or for a folder a hash of its files."""
    commit = getattr(model.config, "_commit_hash", None)
    if commit:
        return str(commit)
    digest = hashlib.sha256()
    for path in sorted(Path(name).expanduser().iterdir()):
        if path.is_file():
            digest.update(f"{path.name}:{path.stat().st_size}:".encode())
            for piece in _pieces(path):
                digest.update(piece)
    return f"folder-{digest.hexdigest()[:16]}"


def _findable(given: str) -> str:
    """A folder that holds a model, or a name that the hub's library can resolve."""
    if is_path(given):
        path = Path(given).expanduser()
        if not path.is_dir():
            raise Unserveable(Refusal("no_model_folder", {"path": given}))
        if not (path / "config.json").is_file():
            raise Unserveable(Refusal("not_a_model", {"path": given}))
        return str(path)
    if constants.HF_HUB_OFFLINE and folder_of(given) is None:
        raise Unserveable(Refusal("model_not_here", {"model": given}))
    return given


def _pieces(path: Path) -> Iterator[bytes]:
    """A small file whole; of weights pieces throughout, which other training changes too."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _PIECES * _PIECE:
            yield file.read()
            return
        for at in range(_PIECES):
            file.seek(at * (size - _PIECE) // (_PIECES - 1))
            yield file.read(_PIECE)
