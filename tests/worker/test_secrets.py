"""The key that a call is made with stands in no file, no table, no export and on no screen."""

import zlib

import pytest

from core.services import asking
from core.store.exchanges import conversation_of
from tests.openai_server import Fault, OpenAIServer
from tests.test_cli import Shell
from tests.workbench import Workbench

KEY = "sk-test-SECRET-0123456789"
#: Faults whose bodies repeat the key, as endpoints do.
FAULTS = (
    Fault(status=401),
    Fault(status=500),
    Fault(status=307, location=f"http://127.0.0.1:9/?key={KEY}"),
    Fault(status=429, code="insufficient_quota"),
    Fault(status=400, code="unsupported_value", parameter="temperature"),
    Fault(body=f"<html>{KEY}</html>", content_type="text/html"),
)


def said_by(study: Workbench, *arguments: str) -> tuple[int, str]:
    """Exit status of a command that has the key, and all that it prints."""
    said = Shell(study.folder)(*arguments, "--db", str(study.path), OPENAI_API_KEY=KEY)
    return said.code, said.out + said.err


def all_that_is_stored(study: Workbench) -> bytes:
    """Every file of the folder, and what stands packed in the database."""
    study.store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [path.read_bytes() for path in study.folder.iterdir() if path.is_file()]
    assert len(files) > 3
    said = [
        repr(conversation_of(study.store, exchange_id)).encode()
        for (exchange_id,) in study.rows("SELECT id FROM exchange")
    ]
    generated = [
        zlib.decompress(value)
        for row in study.rows("SELECT * FROM generation")
        for value in row
        if isinstance(value, bytes)
    ]
    assert said
    assert generated
    return b"\n".join([*files, *said, *generated])


def test_the_key_is_nowhere(
    study: Workbench, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_PATIENCE_AT_START", 0.2)
    server.delay = 0.0
    judge = [
        "judge", "--as", "Dr Lead", "--dataset", "ward", "--engine", "openai", "--model", "oak",
        "--temperature", "0",
        "--rounds", "1", "--concurrency", "4", "--base-url", server.url,
    ]  # fmt: skip
    said = ""
    for fault in FAULTS:
        server.recovers()
        server.fails(fault)
        status, words = said_by(study, *judge)
        assert status == 2
        said += words
    server.recovers()
    out = study.folder / "scored.json"
    for arguments in (
        judge,
        ["generate", "--as", "Dr Lead", "--dataset", "ward", "--engine", "openai", "--model", "elm",
         "--base-url", server.url],
        ["export", "llmeval-med", "--dataset", "ward", "--model", "cedar", "--out", str(out)],
        ["agreement", "--dataset", "ward", "--json"],
        ["status", "--json"],
    ):  # fmt: skip
        status, words = said_by(study, *arguments)
        assert status == 0, words
        said += words

    assert out.stat().st_size > 0
    assert KEY not in said
    assert KEY.encode() not in all_that_is_stored(study)
    assert server.authorizations == {f"Bearer {KEY}"}
