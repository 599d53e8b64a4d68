"""The commands about accounts: a password comes from a prompt or standard input, no other way."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.cli import main
from core.errors import Refused
from core.services import authenticating
from core.services.authenticating import Attempt
from core.services.opening import ensure_sample, ensure_workbench
from core.store.database import opened

ROOT = Path(__file__).parents[1]
PASSWORD = "correct horse battery"


class Desk:
    """Runs `user` commands on one database."""

    def __init__(self, folder: Path) -> None:
        self.db = folder / "workbench.db"

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(
            main, ["user", *arguments, "--db", str(self.db)], input=typed,
            env={"ATTENDING_USER": "Dr Chief"},
        )  # fmt: skip

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with opened(self.db) as store:
            return [tuple(row) for row in store.rows(sql)]

    def opens(self, name: str, password: str) -> bool:
        """Whether this password signs this person in."""
        with opened(self.db) as store:
            try:
                authenticating.sign_in(store, Attempt(name, password, "here"))
            except Refused:
                return False
        return True


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def li(desk: Desk) -> Desk:
    done = desk("add", "Dr Li", "--right", "physician", typed=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.stderr
    return desk


def test_an_account_is_added_with_a_password_from_standard_input(li):
    assert li.opens("Dr Li", PASSWORD)
    assert li.rows("SELECT what, rights, created_by FROM account_event") == [
        ("added", "physician", "Dr Chief")
    ]


def test_a_password_is_asked_for_twice_and_not_shown(desk):
    ensure_workbench(desk.db)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "user", "add", "Dr Li", "--right", "lead",
         "--db", str(desk.db)],
        cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env=os.environ | {"ATTENDING_USER": "Dr Chief"},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    for prompt in (b"Password", b"The same again"):
        while prompt not in shown:
            shown += os.read(master, 1024)
        os.write(master, PASSWORD.encode() + b"\n")
    assert process.wait(timeout=60) == 0
    shown += os.read(master, 1024)
    os.close(master)
    assert PASSWORD.encode() not in shown
    assert desk.opens("Dr Li", PASSWORD)


def test_no_option_takes_a_password():
    for command in main.commands["user"].commands.values():  # type: ignore[attr-defined]
        named = {option for one in command.params for option in one.opts}
        assert named & {"--password", "-p", "--pass"} == set()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("", "No password on standard input."), ("short\n", "10 characters or more")],
)
def test_a_password_that_will_not_do_adds_nobody(desk, typed, sentence):
    done = desk("add", "Dr Li", "--right", "lead", typed=typed)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert not desk.db.exists() or desk.rows("SELECT * FROM person") == []


def test_the_list_says_who_may_do_what(li):
    done = li("add", "Dr Wu", "--right", "lead", "--right", "administrator", "--no-password",
              "--oidc-subject", "Wu@hospital.example")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    users = json.loads(li("list", "--json").stdout)["users"]
    assert users == [
        {"name": "Dr Li", "rights": ["physician"], "disabled": False, "illustrative": False,
         "password": True, "oidc_subject": None},
        {"name": "Dr Wu", "rights": ["lead", "administrator"], "disabled": False,
         "illustrative": False, "password": False, "oidc_subject": "wu@hospital.example"},
    ]  # fmt: skip
    assert li("list").stdout.splitlines()[0].split("\t") == [
        "Dr Li", "physician", "open", "password"
    ]  # fmt: skip


def test_rights_password_and_state_are_changed_with_a_reason(li):
    assert li("rights", "Dr Li", "--right", "lead", "--reason", "leads").exit_code == 0
    assert li("reset", "Dr Li", "--reason", "forgot", typed="another password\n").exit_code == 0
    assert li.opens("Dr Li", "another password")
    assert not li.opens("Dr Li", PASSWORD)
    assert li("disable", "Dr Li", "--reason", "left").exit_code == 0
    assert not li.opens("Dr Li", "another password")
    assert li("enable", "Dr Li", "--reason", "is back").exit_code == 0
    assert li.opens("Dr Li", "another password")
    assert li.rows("SELECT what, reason FROM account_event WHERE id > 1") == [
        ("rights", "leads"), ("password", "forgot"), ("disabled", "left"), ("enabled", "is back"),
    ]  # fmt: skip


def test_somebody_without_an_account_is_one_sentence(desk):
    ensure_workbench(desk.db)
    done = desk("disable", "Dr Nobody", "--reason", "left")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "Dr Nobody has no account" in done.stderr


def test_the_illustrative_accounts_are_listed_until_somebody_real_comes(desk):
    ensure_workbench(desk.db)
    ensure_sample(desk.db)
    assert desk("list").stdout.count("open\tillustrative") == 3
    desk("add", "Dr Li", "--right", "lead", typed=f"{PASSWORD}\n")
    assert desk("list").stdout.count("closed\tillustrative") == 3
