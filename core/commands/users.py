"""Commands about accounts: add, list, rights, reset, disable, enable."""

import sys
from typing import Any

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, listed, text_of, words
from core.domain.rights import RIGHTS
from core.errors import Refused
from core.services import enrolling
from core.services.enrolling import Enrolment
from core.store.accounts import Account

_RIGHTS = click.option(
    "--right", "rights", multiple=True, required=True, type=click.Choice(RIGHTS),
    help="Repeat for several.",
)  # fmt: skip
_REASON = click.option("--reason", required=True)


@main.group("user")
def user_group() -> None:
    """Accounts: who may sign in, and do what.

    A password is asked for, or read as one line from standard input.
    """


@command(user_group, "add", writes=True)
@click.argument("name")
@_RIGHTS
@click.option("--oidc-subject", default="", help="Subject or verified e-mail of single sign-on.")
@click.option("--no-password", is_flag=True, help="Only single sign-on opens the account.")
@click.option("--reason", default="")
def add_command(
    terminal: Terminal,
    *,
    name: str,
    rights: tuple[str, ...],
    oidc_subject: str,
    no_password: bool,
    reason: str,
) -> None:
    """Give somebody an account; an author of scores keeps their work."""
    password = None if no_password else _password()
    with terminal.store() as store:
        wanted = Enrolment(name, rights, password, oidc_subject, reason)
        person = enrolling.add_account(store, wanted, by=terminal.by)
    terminal.show(
        {"name": person.name, "rights": list(rights)},
        words("user_added", name=person.name, rights=_named(rights)),
    )


@command(user_group, "list")
def list_command(terminal: Terminal) -> None:
    """List the accounts with their rights."""
    with terminal.store() as store:
        found = enrolling.accounts_of(store)
    terminal.show(
        {"users": [_row(account) for account in found]},
        "\n".join(_line(account) for account in found) or words("user_none"),
    )


@command(user_group, "rights", writes=True)
@click.argument("name")
@_RIGHTS
@_REASON
def rights_command(terminal: Terminal, *, name: str, rights: tuple[str, ...], reason: str) -> None:
    """Let an account have exactly these rights."""
    with terminal.store() as store:
        enrolling.set_rights(store, name, rights, reason=reason, by=terminal.by)
    terminal.show(
        {"name": name, "rights": list(rights)},
        words("user_rights", name=name, rights=_named(rights)),
    )


@command(user_group, "reset", writes=True)
@click.argument("name")
@_REASON
def reset_command(terminal: Terminal, *, name: str, reason: str) -> None:
    """Give an account a new password, and sign it out everywhere."""
    password = _password()
    with terminal.store() as store:
        enrolling.reset_password(store, name, password, reason=reason, by=terminal.by)
    terminal.show({"name": name}, words("user_reset", name=name))


@command(user_group, "disable", writes=True)
@click.argument("name")
@_REASON
def disable_command(terminal: Terminal, *, name: str, reason: str) -> None:
    """Close an account at once; what the person did stays."""
    with terminal.store() as store:
        enrolling.disable(store, name, reason=reason, by=terminal.by)
    terminal.show({"name": name}, words("user_disabled", name=name))


@command(user_group, "enable", writes=True)
@click.argument("name")
@_REASON
def enable_command(terminal: Terminal, *, name: str, reason: str) -> None:
    """Open a closed account again."""
    with terminal.store() as store:
        enrolling.enable(store, name, reason=reason, by=terminal.by)
    terminal.show({"name": name}, words("user_enabled", name=name))


def _password() -> str:
    """A password from a prompt that does not show it, or from standard input."""
    if sys.stdin.isatty():
        found: str = click.prompt(words("user_password"), hide_input=True)
        if click.prompt(words("user_repeat"), hide_input=True) != found:
            raise Refused("passwords_differ")
        return found
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Refused("no_input")
    return line


def _named(rights: tuple[str, ...]) -> str:
    return listed(text_of(f"right_of.{right}") for right in rights)


def _row(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "rights": list(account.rights),
        "disabled": account.is_disabled,
        "illustrative": account.is_illustrative,
        "password": account.has_password,
        "oidc_subject": account.oidc_subject,
    }


def _line(account: Account) -> str:
    ways = [
        way
        for way, is_there in (
            ("by_password", account.has_password),
            ("by_single", account.oidc_subject is not None),
            ("illustrative", account.is_illustrative),
        )
        if is_there
    ]
    return words(
        "user_line", name=account.name, rights=_named(account.rights),
        state=text_of("people.disabled" if account.is_disabled else "people.open"),
        ways=listed(text_of(f"people.{way}") for way in ways),
    )  # fmt: skip
