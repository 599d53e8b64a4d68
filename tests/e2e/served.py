"""The app as it runs for a person: a server of its own, its database, and what a browser shows."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Locator, Page, expect

from core.domain.rights import Right
from core.services import enrolling, reviewing
from core.services.enrolling import Enrolment
from core.services.reviewing import Scoring
from core.store import accounts, people, reviews, studies
from core.store.database import Store, opened

ROOT = Path(__file__).resolve().parents[2]
#: The illustrative people: two physicians, and a lead who may also score.
LIN, WEBER = "Dr Lin (illustrative)", "Dr Weber (illustrative)"
LEAD = "Dr Tang (illustrative)"
PASSWORD = "correct horse battery"
_START_SECONDS = 60
_had: dict[int, None] = {}
#: No request leaves the machine, so a proxy has nothing to do with it.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def run_core(database: Path, *arguments: str) -> str:
    """Run `python -m core …` on a database; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments, "--db", str(database)],
        cwd=ROOT, env=os.environ | {"ATTENDING_USER": "tester"}, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def copy_of(database: Path, folder: Path) -> Path:
    """A copy of a database that nobody has open."""
    return Path(shutil.copy(database, folder / database.name))


def gives_account(database: Path, name: str, *rights: Right) -> None:
    """Let a person sign in with `PASSWORD`, if they can't yet."""
    with opened(database) as store:
        person = people.person_named(store, name)
        if person is None or accounts.account_of(store, person.id) is None:
            enrolling.add_account(store, Enrolment(name, rights, PASSWORD), by="tester")


def _free_port() -> int:
    """A free port, one that a server had before if any: browsers know the scripts from there."""
    for port in (*_had, 0):
        with socket.socket() as free, suppress(OSError):
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            _had.setdefault(free.getsockname()[1])
            return int(free.getsockname()[1])
    raise AssertionError("no port is free")


class Served:
    """A Streamlit server on a free port, with the database it works on."""

    def __init__(self, script: Path, database: Path, environment: Mapping[str, str] | None = None):
        self.database = database
        self.log = database.with_suffix(".server.log")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(script),
                 "--server.port", str(port)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"ATTENDING_DB": str(database), **(environment or {})},
            )  # fmt: skip
        self._wait_until_healthy()

    def _wait_until_healthy(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with _DIRECT.open(f"{self.url}/_stcore/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the server did not start:\n{self.logged()}")

    def logged(self) -> str:
        """What the server has written to its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def store(self) -> Any:
        """The database, opened as the app opens it."""
        return opened(self.database)

    def gives_account(self, name: str, *rights: Right) -> None:
        """Let a person sign in with `PASSWORD`, if they can't yet."""
        gives_account(self.database, name, *rights)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with opened(self.database) as store:
            return [tuple(row) for row in store.rows(sql, params)]

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """The first value of a query."""
        with opened(self.database) as store:
            return store.value(sql, params)

    def stop(self) -> None:
        """End the server, and the workers that it or a command started on this database."""
        own = [psutil.Process(self.process.pid)] if self.process.poll() is None else []
        ended = [*own, *_workers_on(self.database)]
        for process in ended:
            with _already_gone():
                process.terminate()
        _, left = psutil.wait_procs(ended, timeout=10)
        for process in left:
            with _already_gone():
                process.kill()
        self.process.wait(timeout=10)


def _workers_on(database: Path) -> list[psutil.Process]:
    """Worker processes whose command line names this database, in a folder of this test run."""
    found = []
    for process in psutil.process_iter():
        with _already_gone():
            if str(database.resolve()) in process.cmdline() and "worker" in process.cmdline():
                found.append(process)
    return found


@contextmanager
def _already_gone() -> Iterator[None]:
    try:
        yield
    except psutil.Error:
        return


def until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for something that no element of a page shows."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


class Visit:
    """One person's browser: a page of its own, with its own cookie."""

    def __init__(self, page: Page, served: Served) -> None:
        self.page = page
        self.served = served

    def opens(self, path: str = "/") -> None:
        """Open a page by its address, as a link in a mail does."""
        self.page.goto(self.served.url + path)

    def chooses(self, person: str) -> None:
        """Come in by one click as one of the illustrative people."""
        self.page.get_by_role("button", name=re.compile(f"^{re.escape(person)}")).click()
        self.way_out.wait_for()

    @property
    def way_out(self) -> Locator:
        """The button that signs out."""
        return self.page.locator("form[action='/auth/sign-out'] button")

    def signs_in(self, person: str, path: str = "/", rights: Sequence[Right] = ()) -> None:
        """Open a page as somebody and wait until it is drawn.

        Args:
            rights: of a person who is not illustrative and has no account; a physician's if empty.
        """
        self.follows_the_choice(person, path, rights)
        self.page.locator(".footer").wait_for()
        self.settles()

    def follows_the_choice(self, person: str, path: str, rights: Sequence[Right] = ()) -> None:
        """Send the form that lets a person in, and open a page."""
        if person in (LIN, WEBER, LEAD):
            person_id = self.served.value("SELECT id FROM person WHERE name = ?", (person,))
            self.posts("/auth/illustrative", {"person": str(person_id)})
        else:
            self.served.gives_account(person, *(rights or ("physician",)))
            self.posts("/auth/login", {"person": person, "secret": PASSWORD})
        assert self.cookie("attending_session"), f"{person} was not let in"
        self.opens(path)

    def posts(self, path: str, form: dict[str, str], **headers: str) -> int:
        """Send a form as a page of this app does; the status of the answer."""
        answer = self.page.context.request.post(
            self.served.url + path, form=form, max_redirects=0,
            headers={"Origin": self.served.url, **headers},
        )  # fmt: skip
        return answer.status

    def cookie(self, name: str) -> dict[str, Any] | None:
        """A cookie of this browser."""
        found = [one for one in self.page.context.cookies() if one["name"] == name]
        return dict(found[0]) if found else None

    def settles(self) -> None:
        """Wait until the page is drawn and the server has nothing more to say."""
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")
        # Parts of a page that has just started come in any order, a last button before the first.
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0)

    def reloads(self) -> None:
        """Load the page again."""
        self.page.reload()
        self.page.locator(".footer").wait_for()
        self.settles()

    def text(self) -> str:
        """All text of the page."""
        return self.page.locator("body").inner_text()

    # --- the scoring sheet ----------------------------------------------------------------

    @property
    def score_bar(self) -> Locator:
        """The five buttons."""
        return self.page.locator("[class*='-score-'] button")

    def score_button(self, score: int) -> Locator:
        """The button of a score."""
        return self.page.locator(f"[class*='-score-{score}'] button")

    @property
    def comment(self) -> Locator:
        """The field for a comment."""
        return self.page.locator("[class*='-comment'] input, [class*='-comment'] textarea")

    def shown(self) -> int:
        """Id of the response on the sheet."""
        return int(self.page.locator("[data-response]").get_attribute("data-response") or 0)

    def reads(self) -> None:
        """Let the moment pass in which nobody can have read the response that has just come."""
        self.page.wait_for_timeout(400)  # the same key sooner is a second strike, too

    def shows_another_than(self, response_id: int) -> None:
        """Wait until the sheet shows another response, or that all are scored."""
        expect(self.page.locator(f"[data-response='{response_id}']")).to_have_count(0)
        self.page.locator("[data-response], [data-testid='stAlert']").first.wait_for()
        self.settles()

    def scores(self, key: str) -> int:
        """Score the response on the sheet by its key; the response's id."""
        self.settles()  # a key scores nothing before the whole sheet stands
        response_id = self.shown()
        self.reads()
        self.page.keyboard.press(key)
        self.shows_another_than(response_id)
        return response_id


def declines_texts(served: Served, person: str) -> None:
    """Let somebody answer nothing about generated texts, so that one key scores all the rest."""
    declines(served, person, "category = 'MTG'")


def declines(served: Served, person: str, which: str) -> None:
    """Let somebody answer nothing about the responses that a condition picks."""
    with served.store() as store:
        found, study = people.person_named(store, person), studies.studies(store)[0]
        assert found is not None
        declined = store.rows(
            "SELECT response.id FROM response JOIN question ON question.id = question_id"
            f" WHERE {which}"
        )
        for (response_id,) in declined:
            last = reviews.last_answer(store, found.id, response_id)
            if last is None:
                nothing = Scoring(no_score="outside_field", claimed_phase="unknown")
                reviewing.score(store, study, found, response_id, nothing)


def scores_by(store: Store, person: str) -> list[tuple[Any, ...]]:
    """Response, value and reason of all that a person scored in this app, oldest first."""
    return [
        tuple(row)
        for row in store.rows(
            "SELECT response_id, value, unscored_because FROM assessment"
            " JOIN rater ON rater.id = rater_id JOIN person ON person.id = person_id"
            " WHERE person.name = ? AND claimed_phase = 'observed' ORDER BY assessment.id",
            (person,),
        )
    ]
