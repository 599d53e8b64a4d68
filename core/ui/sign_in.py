"""Who is at the screen: a session that a cookie names, or the forms that begin one.

The cookie is set by a real HTTP response (`core/ui/auth_routes.py`), so that no script can read it,
and a reload and a second tab keep it.
"""

import html
from urllib.parse import unquote, urlencode

import streamlit as st

from core.domain.questions import Language
from core.domain.rights import LONGEST_PASSWORD, SHORTEST_PASSWORD
from core.errors import AttendingError, NotAllowed
from core.i18n import error_sentence, sentence
from core.services import authenticating
from core.services.enrolling import needs_first_account, one_click_accounts
from core.store.accounts import Account
from core.store.database import Store
from core.store.people import Person
from core.ui.door import base_path, first_code, is_from_here, listens_beyond_here

COOKIE = "attending_session"
#: Code and value of what went wrong at the door.
NOTICE_COOKIE = "attending_notice"
#: Holds for seconds the name that somebody could not sign in with.
TRIED_COOKIE = "attending_tried"
LONGEST_NAME = 80
#: What may be told of the door, and the value that its sentence names.
_NOTICES = {
    "sign_in_failed": "",
    "slow_down": "seconds",
    "wrong_code": "",
    "no_one_click": "",
    "not_the_first": "",
    "needs_name": "",
    "name_too_long": "longest",
    "name_is_illustrative": "",
    "password_too_short": "shortest",
    "password_too_long": "longest",
    "sign_on_again": "",
}


def token() -> str:
    """The token that this browser holds; '' without one."""
    return str(st.context.cookies.get(COOKIE, ""))


def signed_in(store: Store) -> Person | None:
    """The person whose session this browser holds."""
    return authenticating.person_of(store, token())


def check_still(store: Store, person: Person, *, is_active: bool) -> None:
    """Go on only while this browser's session is open and still that person's.

    Args:
        is_active: see `person_of`.

    Raises:
        NotAllowed: `signed_out`.
    """
    found = authenticating.person_of(store, token(), is_active=is_active)
    if found is None or found.id != person.id:
        raise NotAllowed("signed_out")


def draw(store: Store, language: Language) -> None:
    """Let somebody in: the sample's people by one click, the first person, or by password."""
    headers = st.context.headers.to_dict().items()
    is_here = is_from_here(headers, st.context.ip_address)
    choices = one_click_accounts(store) if is_here else []
    st.html(f"<h1>{sentence(language, 'sign_in.title')}</h1>")
    _draw_notice(language)
    if choices:
        st.html(f'<div class="banner">{sentence(language, "shell.illustrative")}</div>')
        _draw_choices(language, choices)
    if needs_first_account(store):
        is_code_asked = listens_beyond_here() or not is_here
        if is_code_asked:
            first_code()
        _draw_first(language, is_code_asked=is_code_asked, is_folded=bool(choices))
    else:
        is_known = _draw_go_on(store, language)
        _draw_sign_in(language)
        if "is_logged_in" in st.user.to_dict() and not is_known:
            st.button(sentence(language, "sign_in.single"), key="single-sign-on", on_click=st.login)


def draw_who(language: Language, person: Person) -> None:
    """Show who is signed in, and the way out."""
    st.html(f'<div class="quiet">{html.escape(person.name)}</div>')
    st.page_link("pages/account.py", label=sentence(language, "nav.account"))
    leave = html.escape(sentence(language, "sign_in.leave"))
    st.html(
        _form(
            "/auth/sign-out", f'<button class="plain">{leave}</button>', {"next": f"{base_path()}/"}
        )
    )


def _draw_notice(language: Language) -> None:
    """Say what went wrong at the door a moment ago."""
    code, _, value = unquote(st.context.cookies.get(NOTICE_COOKIE, "")).partition(":")
    if code not in _NOTICES:
        return
    values = {_NOTICES[code]: value} if _NOTICES[code] else {}
    st.error(error_sentence(language, AttendingError(code, **values)))


def _draw_choices(language: Language, choices: list[Account]) -> None:
    st.html(f'<div class="quiet">{sentence(language, "sign_in.one_click")}</div>')
    for account in choices:
        role = "lead" if "lead" in account.rights else "physician"
        said = html.escape(sentence(language, f"sign_in.as_{role}"))
        button = (
            f'<button class="choice"><b>{html.escape(account.name)}</b>'
            f'<span class="quiet"> {said}</span></button>'
        )
        hidden = {"person": str(account.person_id), "next": _here()}
        st.html(_form("/auth/illustrative", button, hidden))


def _draw_first(language: Language, *, is_code_asked: bool, is_folded: bool) -> None:
    note = html.escape(sentence(language, "sign_in.first_note"))
    code = _field(language, "code", autocomplete="off") if is_code_asked else ""
    fields = (
        _field(language, "person", autocomplete="username")
        + _secret(language, autocomplete="new-password", is_new=True)
        + code
    )
    form = _form(
        "/auth/first",
        f'<div class="quiet">{note}</div>{fields}{_submit(language, "create")}',
        {"next": _here()},
    )
    if is_folded:
        summary = html.escape(sentence(language, "sign_in.own_study"))
        form = f"<details><summary>{summary}</summary>{form}</details>"
    st.html(form)


def _draw_sign_in(language: Language) -> None:
    fields = _field(language, "person", autocomplete="username") + _secret(
        language, autocomplete="current-password", is_new=False
    )
    st.html(_form("/auth/login", f"{fields}{_submit(language, 'enter')}", {"next": _here()}))


def _draw_go_on(store: Store, language: Language) -> bool:
    """Let somebody go on of whom a provider of single sign-on has just said who they are."""
    claims = st.user.to_dict()
    if not claims.get("is_logged_in"):
        return False
    try:
        person, ticket = authenticating.ticket_for(store, claims)
    except AttendingError as error:
        said = error_sentence(language, error)
        if error.code == "sign_on_again":  # as is usual the next day
            st.html(f'<div class="quiet">{html.escape(said)}</div>')
        else:
            st.error(said)
        return False
    label = html.escape(sentence(language, "sign_in.go_on", name=person.name))
    hidden = {"ticket": ticket, "next": _here()}
    st.html(_form("/auth/ticket", f'<button class="choice">{label}</button>', hidden))
    return True


def _here() -> str:
    """The address of this page, within the app."""
    path = "/" + (st.context.url or "").split("//", 1)[-1].partition("/")[2].partition("?")[0]
    asked = urlencode(st.query_params.to_dict())
    return f"{path}?{asked}" if asked else path


def _form(action: str, content: str, hidden: dict[str, str]) -> str:
    """A form on one line that is sent to a route of this app."""
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in hidden.items()
    )
    return (
        f'<form class="door" method="post" action="{base_path()}{action}">{fields}{content}</form>'
    )


def _field(language: Language, name: str, *, autocomplete: str) -> str:
    label = html.escape(sentence(language, f"sign_in.{name}"))
    tried = unquote(st.context.cookies.get(TRIED_COOKIE, "")) if name == "person" else ""
    return (
        f'<label>{label}<input type="text" name="{name}" required maxlength="{LONGEST_NAME}"'
        f' value="{html.escape(tried)}" autocomplete="{autocomplete}"></label>'
    )


def _secret(language: Language, *, autocomplete: str, is_new: bool) -> str:
    key = "sign_in.new_password" if is_new else "sign_in.password"
    label = html.escape(sentence(language, key, shortest=SHORTEST_PASSWORD))
    shortest = f' minlength="{SHORTEST_PASSWORD}"' if is_new else ""
    return (
        f'<label>{label}<input type="password" name="secret" required{shortest}'
        f' maxlength="{LONGEST_PASSWORD}" autocomplete="{autocomplete}"></label>'
    )


def _submit(language: Language, name: str) -> str:
    return f'<button class="primary">{html.escape(sentence(language, f"sign_in.{name}"))}</button>'
