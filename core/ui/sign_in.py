"""Who is at the screen: a plain choice of person, kept in a cookie.

It is no protection: it tells scores apart. The cookie is set by a real HTTP response, so that a
reload and a second tab keep it.
"""

import html
from urllib.parse import urlencode

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.domain.questions import Language
from core.i18n import sentence
from core.store import people, studies
from core.store.database import Store
from core.store.people import Person

_COOKIE = "attending_person"
_DAYS = 30


def signed_in(store: Store) -> Person | None:
    """The person that the browser's cookie names."""
    named = st.context.cookies.get(_COOKIE, "")
    return people.person_by_id(store, int(named)) if named.isdecimal() else None


def draw_choice(store: Store, language: Language) -> None:
    """Let somebody say who they are, or enter a new name."""
    st.html(f"<h1>{sentence(language, 'sign_in.title')}</h1>")
    if any(study.is_illustrative for study in studies.studies(store)):
        st.html(f'<div class="banner">{sentence(language, "shell.illustrative")}</div>')
    st.html(f'<div class="quiet">{sentence(language, "sign_in.note")}</div>')
    here = "/" + (st.context.url or "").split("//", 1)[-1].partition("/")[2].partition("?")[0]
    asked = urlencode(st.query_params.to_dict())
    here = f"{here}?{asked}" if asked else here
    for person in people.people(store):
        address = html.escape(f"/choose?{urlencode({'person': person.id, 'next': here})}")
        st.html(f'<a class="choice" href="{address}" target="_self">{html.escape(person.name)}</a>')
    with st.form("new-person", border=False, width=420):
        name = st.text_input(sentence(language, "sign_in.new"), max_chars=80)
        if st.form_submit_button(sentence(language, "sign_in.add")) and name.strip():
            with store.writing():
                people.ensure_person(store, name.strip())
            st.rerun()


def draw_who(language: Language, person: Person) -> None:
    """Show who is signed in, and the way out."""
    leave = sentence(language, "sign_in.leave")
    st.html(
        f'<div class="quiet">{html.escape(person.name)}<br>'
        f'<a href="/choose?next=/" target="_self">{leave}</a></div>'
    )


def routes() -> list[Route]:
    """The HTTP routes of the sign-in."""
    return [Route("/choose", _choose)]


async def _choose(request: Request) -> Response:
    """Set or clear the cookie and go on to a page of this app."""
    wanted = request.query_params.get("next", "/")
    is_inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    response = RedirectResponse(wanted if is_inside else "/", status_code=303)
    person = request.query_params.get("person", "")
    if person.isdecimal():
        response.set_cookie(
            _COOKIE, person, max_age=_DAYS * 86_400, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
    else:
        response.delete_cookie(_COOKIE)
    return response
