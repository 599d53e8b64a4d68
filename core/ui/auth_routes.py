"""Sign-in and sign-out as real HTTP: forms of this app come here, and leave with a cookie.

A request must come from a page of this app (`Origin`). What went wrong is told by the page that
the browser is sent back to, from a cookie that lives for seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import AttendingError, DatabaseRefused, NotAllowed
from core.services import authenticating
from core.services.authenticating import SESSION_SECONDS, Attempt
from core.services.enrolling import needs_first_account
from core.store.database import NOBODY, Store, opened
from core.ui.door import base_path, first_code, is_from_here, listens_beyond_here
from core.ui.shell import database_path
from core.ui.sign_in import COOKIE, LONGEST_NAME, NOTICE_COOKIE, TRIED_COOKIE

_NOTICE_SECONDS = 10
_LARGEST_FORM = 16_384
#: In which Streamlit keeps what a provider of single sign-on said.
_SINGLE_SIGN_ON_COOKIES = "_streamlit_user"
#: Where a provider of single sign-on sends browsers back to.
_BACK_FROM_PROVIDER = "/oauth2callback"
#: Where Streamlit takes files into memory and gives files out, asking nobody who they are.
_FILES = ("/_stcore/upload_file", "/media/")
#: Nothing is fetched from elsewhere, nobody else may frame the app, and forms stay here.
#: Streamlit's own pages need inline styles and scripts, and compile chart expressions.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def routes() -> list[Route]:
    """The HTTP routes of signing in and out."""
    doors: dict[str, _Door] = {
        "/auth/login": _sign_in,
        "/auth/illustrative": _one_click,
        "/auth/first": _first,
        "/auth/ticket": _ticket,
        "/auth/sign-out": _sign_out,
    }
    return [
        Route(base_path() + path, partial(_through, door), methods=["POST"])
        for path, door in doors.items()
    ]


def middleware() -> list[Middleware]:
    """What is told to browsers with everything that is sent, and what only they get who sign in."""
    return [Middleware(_Headers), Middleware(_OnlySignedIn)]


def announce_code(path: Path) -> None:
    """Print the code for the first person where strangers could reach the server before them."""
    if not listens_beyond_here():
        return
    if path.exists():
        with opened(path, actor=NOBODY) as store:
            if not needs_first_account(store):
                return
    first_code()


def inside(address: str) -> str:
    """An address within this app, or its home page for one that would lead elsewhere."""
    home = base_path() + "/"
    is_plain = address.isprintable() and not set(address) & {"\\", " "}
    if not is_plain or not address.startswith("/") or address.startswith("//"):
        return home
    parts = urlsplit(address)
    return home if parts.scheme or parts.netloc else address


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who posted a form, and what stands in it."""

    form: dict[str, str]
    address: str
    is_from_here: bool
    old_token: str

    def field(self, name: str) -> str:
        return self.form.get(name, "")


#: Lets somebody in: the token of their session, or '' where they leave.
_Door = Callable[[Store, _Visitor], str]


async def _through(door: _Door, request: Request) -> Response:
    """Read a form, let the door decide, and send the browser on."""
    if not _is_own_page(request):
        return PlainTextResponse("cross-site", status_code=403)
    form = await _form_of(request)
    if form is None:
        return PlainTextResponse("too large", status_code=413)
    peer = request.client.host if request.client else ""
    visitor = _Visitor(
        form, peer, is_from_here(request.headers.items(), peer), request.cookies.get(COOKIE, "")
    )
    response = RedirectResponse(inside(visitor.field("next")), status_code=303)
    response.headers["Cache-Control"] = "no-store"
    set_cookie = partial(
        response.set_cookie, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    try:
        token = await run_in_threadpool(_decided, door, visitor)
    except AttendingError as error:
        said = ":".join([error.code, *(str(one) for one in error.values.values())])
        set_cookie(NOTICE_COOKIE, quote(said), max_age=_NOTICE_SECONDS)
        if visitor.field("secret"):
            name = quote(visitor.field("person")[:LONGEST_NAME])
            set_cookie(TRIED_COOKIE, name, max_age=_NOTICE_SECONDS)
        return response
    response.delete_cookie(NOTICE_COOKIE)
    response.delete_cookie(TRIED_COOKIE)
    if token:
        set_cookie(COOKIE, token, max_age=int(SESSION_SECONDS))
    else:
        for name in request.cookies:
            if name == COOKIE or name.startswith(_SINGLE_SIGN_ON_COOKIES):
                response.delete_cookie(name)
    return response


def _decided(door: _Door, visitor: _Visitor) -> str:
    with opened(database_path(), actor=NOBODY) as store:
        return door(store, visitor)


def _sign_in(store: Store, visitor: _Visitor) -> str:
    attempt = Attempt(
        visitor.field("person").strip(), visitor.field("secret"), visitor.address,
        visitor.old_token,
    )  # fmt: skip
    return authenticating.sign_in(store, attempt)


def _one_click(store: Store, visitor: _Visitor) -> str:
    chosen = visitor.field("person")
    if not visitor.is_from_here or not chosen.isdecimal():
        raise NotAllowed("no_one_click")
    return authenticating.sign_in_with_one_click(store, int(chosen), old_token=visitor.old_token)


def _first(store: Store, visitor: _Visitor) -> str:
    if listens_beyond_here() or not visitor.is_from_here:
        authenticating.check_code(
            store, visitor.field("code"), first_code(), address=visitor.address
        )
    return authenticating.sign_in_first(
        store, visitor.field("person"), visitor.field("secret"), old_token=visitor.old_token
    )


def _ticket(store: Store, visitor: _Visitor) -> str:
    return authenticating.redeem(store, visitor.field("ticket"), old_token=visitor.old_token)


def _sign_out(store: Store, visitor: _Visitor) -> str:
    authenticating.sign_out(store, visitor.old_token)
    return ""


def _is_own_page(request: Request) -> bool:
    """Whether the form that was sent stands on a page of this app."""
    try:
        origin = urlsplit(request.headers.get("origin", ""))
    except ValueError:
        return False
    is_web = origin.scheme in ("http", "https")
    return is_web and origin.netloc.lower() == request.headers.get("host", "").lower()


async def _form_of(request: Request) -> dict[str, str] | None:
    """The fields of a form; None where it is larger than any of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            return None
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


class _Headers:
    """Adds headers to every answer that has not its own.

    Who comes back from single sign-on is told no more what went wrong at the door before that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].endswith(_BACK_FROM_PROVIDER):
                    headers.append("Set-Cookie", f"{NOTICE_COOKIE}=; Max-Age=0; Path=/; HttpOnly")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class _OnlySignedIn:
    """Lets files in and out only for somebody who is signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.files = tuple(base_path() + path for path in _FILES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(self.files):
            token = Request(scope).cookies.get(COOKIE, "")
            if not await run_in_threadpool(_is_session, token):
                await PlainTextResponse("sign in first", status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_session(token: str) -> bool:
    try:
        with opened(database_path(), actor=NOBODY) as store:
            return authenticating.person_of(store, token) is not None
    except DatabaseRefused:
        return False
