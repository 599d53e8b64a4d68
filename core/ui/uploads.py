"""Uploads as files, for as long as they are read."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from core.errors import BrokenFile

#: What a folder is called that was put together of several.
_TOGETHER = "tasks"


@contextmanager
def kept_upload(name: str, content: bytes) -> Iterator[Path]:
    """An upload as a file under its own name."""
    with kept_uploads([(Path(name).name, content)]) as path:
        yield path


@contextmanager
def kept_uploads(files: Sequence[tuple[str, bytes]]) -> Iterator[Path]:
    """A file; or the folder of several, whose names say their way from that folder on.

    Raises:
        BrokenFile: `file_twice`.
    """
    with tempfile.TemporaryDirectory() as kept:
        root = Path(kept) / _TOGETHER
        for name, content in files:
            path = root.joinpath(*parts_of(name))
            if path.exists():
                raise BrokenFile("file_twice", file=name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        first, *others = {parts_of(name)[0]: None for name, _ in files}
        yield root if others else root / first


def parts_of(name: str) -> list[str]:
    """The folders of an upload's name and the file's; none that leads out of where it is kept."""
    return [part for part in PurePosixPath(name).parts if part not in ("/", "..")]
