"""Signing in at the real door: forms, cookies, what is refused, and what rights open."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from core.domain.attempts import FREE_BY_NAME
from core.i18n import sentence
from core.services import enrolling
from tests.e2e.conftest import Open
from tests.e2e.served import LEAD, LIN, PASSWORD, ROOT, Served, Visit, copy_of, run_core, until

pytestmark = pytest.mark.browser

_LOCALES = {"en": "en-US", "zh": "zh-CN"}


@pytest.fixture(scope="module")
def ward(sample_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample with accounts: a chief, who administers, and physicians."""
    app = Served(ROOT / "app.py", copy_of(sample_database, tmp_path_factory.mktemp("ward")))
    app.gives_account("Dr Chief", "administrator", "lead")
    for name in ("Dr Li", "Dr Wu", "Dr Ma"):
        app.gives_account(name, "physician")
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()
    assert PASSWORD not in app.logged()


@pytest.fixture
def fresh(sample_database: Path, tmp_path: Path) -> Iterator[Served]:
    """The sample as a newcomer finds it, for one test."""
    app = Served(ROOT / "app.py", copy_of(sample_database, tmp_path))
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()


def fills(visit: Visit, person: str, password: str) -> None:
    """Fill the form and send it."""
    visit.page.locator("input[name=person][type=text]").fill(person)
    visit.page.locator("input[name=secret]").fill(password)
    visit.page.locator("form.door button.primary").click()


def says(visit: Visit, key: str, language: str = "en", **values: object) -> None:
    """Expect a sentence on the page."""
    expect(visit.page.get_by_text(sentence(language, key, **values))).to_be_visible()  # type: ignore[arg-type]


def posted(
    served: Served, path: str, form: dict[str, str], **headers: str
) -> http.client.HTTPResponse:
    """Send a form with headers of one's own, `Host` too."""
    place = urlsplit(served.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    sent = {"Host": place.netloc, "Origin": served.url, **headers}
    body = urlencode(form)
    connection.putrequest("POST", path, skip_host=True)
    for name, value in sent.items():
        if value:
            connection.putheader(name.replace("_", "-"), value)
    connection.putheader("Content-Type", "application/x-www-form-urlencoded")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def session_of(answer: http.client.HTTPResponse) -> str:
    """The header that sets a session's cookie; '' where none is set."""
    for name, value in answer.getheaders():
        if name.lower() == "set-cookie" and value.startswith("attending_session="):
            return value
    return ""


# --- in by password ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", _LOCALES)
def test_a_wrong_password_is_told_and_a_right_one_opens_the_page_asked_for(
    ward: Served, open_browser: Open, language: str
) -> None:
    visit = open_browser(ward, locale=_LOCALES[language])
    visit.opens("/review")
    says(visit, "sign_in.title", language)

    fills(visit, "Dr Li", "not the password")
    says(visit, "error.sign_in_failed", language)
    assert visit.cookie("attending_session") is None

    fills(visit, "Dr Li", PASSWORD)
    visit.way_out.wait_for()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text(
        sentence(language, "nav.review")  # type: ignore[arg-type]
    )
    assert visit.page.url == ward.url + "/review"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(ward, open_browser):
    visit = open_browser(ward)
    visit.signs_in("Dr Li")
    cookie = visit.cookie("attending_session")
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert "attending_session" not in visit.page.evaluate("document.cookie")
    assert cookie["value"] not in visit.page.content()


def test_the_cookie_is_secure_where_the_browser_comes_by_https(ward):
    form = {"person": "Dr Li", "secret": PASSWORD}
    assert "secure" not in session_of(posted(ward, "/auth/login", form)).lower()
    by_proxy = posted(ward, "/auth/login", form, X_Forwarded_Proto="https")
    assert "secure" in session_of(by_proxy).lower()


def test_repeated_failures_slow_down_and_the_page_says_so(ward, open_browser):
    visit = open_browser(ward)
    visit.opens("/")
    for _ in range(FREE_BY_NAME):
        visit.posts("/auth/login", {"person": "Dr Ma", "secret": "guess"})
    with ward.store() as store, store.writing():  # however slow this machine is
        store.change("UPDATE sign_in_failure SET last_at = last_at + 60", ())
    visit.page.locator("input[name=person][type=text]").wait_for()
    fills(visit, "Dr Ma", PASSWORD)
    expect(
        visit.page.get_by_text(re.compile(r"Too many failed attempts; try again in \d+ sec"))
    ).to_be_visible()
    assert visit.cookie("attending_session") is None


def test_a_reload_and_a_second_tab_keep_the_sign_in(ward, open_browser):
    visit = open_browser(ward)
    visit.signs_in("Dr Wu", "/review")
    visit.reloads()
    expect(visit.page.get_by_text("Dr Wu")).to_be_visible()
    second = Visit(visit.page.context.new_page(), ward)
    second.opens("/account")
    expect(second.page.get_by_text(re.compile("signed in as Dr Wu"))).to_be_visible()
    second.page.close()


def test_signing_out_ends_it_in_every_browser(ward, open_browser):
    here, there = open_browser(ward), open_browser(ward, apart=True)
    here.signs_in("Dr Wu")
    there.signs_in("Dr Wu", "/review")

    here.way_out.click()

    says(here, "sign_in.title")
    assert here.cookie("attending_session") is None
    there.page.reload()
    says(there, "sign_in.title")


def test_a_page_that_is_still_open_after_the_sign_out_writes_nothing(ward, open_browser):
    visit = open_browser(ward)
    visit.signs_in("Dr Wu", "/review")
    visit.score_button(5).wait_for()
    visit.reads()
    scores = ward.value("SELECT count(*) FROM assessment")
    with ward.store() as store, store.writing():
        store.change("DELETE FROM auth_session", ())

    visit.page.keyboard.press("3")

    says(visit, "sign_in.title")
    assert ward.value("SELECT count(*) FROM assessment") == scores


# --- rights -----------------------------------------------------------------------------------


def test_a_physician_sees_and_opens_only_what_is_theirs(ward, open_browser):
    visit = open_browser(ward)
    visit.signs_in("Dr Li")
    links = visit.page.get_by_test_id("stSidebar").get_by_role("link").all_inner_texts()
    assert links == [
        sentence("en", f"nav.{name}") for name in ("home", "review", "work", "search", "account")
    ]
    assert "baseline" not in visit.text()

    for path in ("agreement", "leaderboard", "checklists", "prompts", "runs", "data"):
        visit.opens(f"/{path}")
        says(visit, "error.page_needs_right", rights="leads")
        expect(visit.page.get_by_test_id("stAlert")).to_have_count(1)
        assert "baseline" not in visit.text()
    visit.opens("/people")
    says(visit, "error.page_needs_right", rights="leads or administrators")
    visit.opens("/case?response=1")
    says(visit, "error.not_revealed")
    assert "baseline" not in visit.text()


def test_who_loses_a_right_with_the_page_open_can_do_nothing_more(ward, open_browser):
    ward.gives_account("Dr Vice", "lead")
    visit = open_browser(ward)
    visit.signs_in("Dr Vice", "/checklists")
    row = visit.page.locator("[class*='-table-row-'] textarea").first
    row.fill(row.input_value() + " and more")
    visit.page.get_by_label(sentence("en", "checklists.reason")).fill("why")
    visit.page.keyboard.press("Tab")
    visit.page.wait_for_timeout(600)  # till what was typed is handed over
    visit.settles()
    before = ward.value("SELECT count(*) FROM criteria")
    with ward.store() as store:
        enrolling.set_rights(store, "Dr Vice", ["physician"], reason="r", by="Dr Chief")

    visit.page.get_by_role("button", name=sentence("en", "checklists.save")).click()

    says(visit, "error.page_needs_right", rights="leads")
    assert ward.value("SELECT count(*) FROM criteria") == before


def test_an_administrator_adds_somebody_and_closes_the_account_again(ward, open_browser):
    visit = open_browser(ward)
    visit.signs_in("Dr Chief", "/people")
    page = visit.page
    page.get_by_text(sentence("en", "people.add"), exact=True).click()
    page.get_by_label(sentence("en", "people.new_name")).fill("Dr New")
    page.get_by_label(sentence("en", "people.first_password", shortest=10)).fill(PASSWORD)
    visit.settles()
    page.get_by_role("button", name=sentence("en", "people.do_add"), exact=True).click()
    until(lambda: ward.value("SELECT count(*) FROM person WHERE name = 'Dr New'") == 1)
    expect(page.locator("[class*='-add-1-name'] input")).to_have_value("")  # a field of its own

    new = open_browser(ward, apart=True)
    new.opens("/")
    fills(new, "Dr New", PASSWORD)
    new.way_out.wait_for()
    new.settles()

    visit.reloads()
    page.get_by_text(sentence("en", "people.change"), exact=True).click()
    visit.settles()
    who = page.get_by_role("combobox", name=re.compile(sentence("en", "people.who")))

    def is_chosen() -> bool:  # the list closes where the page is drawn anew meanwhile
        who.fill("Dr New")
        who.press("Enter")
        visit.settles()
        return who.input_value() == "Dr New"

    until(is_chosen)
    page.get_by_role("button", name=sentence("en", "people.do_disable")).click()
    expect(page.get_by_text(sentence("en", "error.needs_reason"))).to_be_visible()
    page.get_by_label(sentence("en", "people.reason"), exact=True).last.fill("left the ward")
    visit.settles()
    page.get_by_role("button", name=sentence("en", "people.do_disable")).click()
    until(lambda: ward.value("SELECT count(*) FROM account WHERE is_disabled = 1"
                             " AND password_hash IS NOT NULL") == 1)  # fmt: skip

    new.page.reload()
    says(new, "sign_in.title")
    fills(new, "Dr New", PASSWORD)
    says(new, "error.sign_in_failed")
    ((what, reason, by),) = ward.rows(
        "SELECT what, reason, created_by FROM account_event ORDER BY id DESC LIMIT 1"
    )
    assert (what, reason, by) == ("disabled", "left the ward", "Dr Chief")


def test_one_changes_ones_own_password(ward, open_browser):
    ward.gives_account("Dr Own", "physician")
    visit = open_browser(ward)
    visit.signs_in("Dr Own", "/account")
    for label, text in (("old", PASSWORD), ("new", "quite another one"),
                        ("again", "quite another one")):  # fmt: skip
        name = sentence("en", f"account.{label}", shortest=10)
        visit.page.get_by_label(name, exact=True).fill(text)
    visit.settles()
    visit.page.get_by_role("button", name=sentence("en", "account.do_change")).click()
    says(visit, "account.changed")
    assert posted(ward, "/auth/login", {"person": "Dr Own", "secret": PASSWORD}).status == 303
    assert not session_of(posted(ward, "/auth/login", {"person": "Dr Own", "secret": PASSWORD}))
    assert session_of(
        posted(ward, "/auth/login", {"person": "Dr Own", "secret": "quite another one"})
    )


# --- forms that come from elsewhere -----------------------------------------------------------


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://127.0.0.1:1"])
@pytest.mark.parametrize("path", ["login", "illustrative", "first", "ticket", "sign-out"])
def test_a_form_of_another_site_is_refused(ward, path, origin):
    form = {"person": "Dr Li", "secret": PASSWORD}
    answer = posted(ward, f"/auth/{path}", form, Origin=origin)
    assert answer.status == 403
    assert answer.getheader("Set-Cookie") is None


@pytest.mark.parametrize(
    ("wanted", "sent_to"),
    [
        ("/review?a=1", "/review?a=1"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("\t//evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
    ],
)
def test_nobody_is_sent_on_to_another_site(ward, wanted, sent_to):
    form = {"person": "Dr Li", "secret": PASSWORD, "next": wanted}
    answer = posted(ward, "/auth/login", form)
    assert (answer.status, answer.getheader("Location")) == (303, sent_to)


def test_a_huge_form_is_refused(ward):
    answer = posted(ward, "/auth/login", {"person": "x" * 20_000})
    assert answer.status == 413


def test_every_answer_says_that_nothing_of_other_sites_belongs_here(ward):
    for path in ("/", "/review", "/_stcore/health", "/auth/login"):
        place = urlsplit(ward.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "frame-ancestors 'self'" in policy
        assert "default-src 'self'" in policy
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "same-origin"
        connection.close()


def test_a_lead_puts_a_file_in_and_gets_one_out_and_only_by_their_sign_in(
    ward, open_browser, tmp_path
):
    visit = open_browser(ward)
    visit.signs_in("Dr Chief", "/data")
    page = visit.page
    page.get_by_text(sentence("en", "data.import"), exact=True).click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        ROOT / "data/sample/dataset.json"
    )
    page.get_by_label(sentence("en", "data.new_name")).fill("sample")
    visit.settles()
    page.get_by_role("button", name=sentence("en", "data.do_import"), exact=True).click()
    expect(
        page.get_by_text(re.compile("^sample: 0 added, 0 changed, 33 unchanged"))
    ).to_be_visible()

    visit.reloads()
    page.get_by_text(sentence("en", "data.export"), exact=True).click()
    visit.settles()
    page.get_by_role("button", name=sentence("en", "data.prepare")).click()
    with page.expect_download() as download:
        page.get_by_role("button", name=sentence("en", "data.download"), exact=True).click()
    assert "model_answer" in download.value.path().read_text("utf-8")
    address = download.value.url
    assert page.request.get(address).status == 200
    page.context.clear_cookies()
    assert page.request.get(address).status == 403


def test_the_sign_in_page_itself_is_whole_for_a_stranger(ward, open_browser):
    visit = open_browser(ward, apart=True)
    refused: list[str] = []
    visit.page.on(
        "response", lambda answer: refused.append(answer.url) if answer.status == 403 else None
    )
    blocked: list[str] = []
    visit.page.on("console", lambda said: blocked.append(said.text))
    visit.opens("/")
    visit.page.locator(".footer").wait_for()
    visit.settles()
    assert refused == []
    assert [text for text in blocked if "Content Security Policy" in text] == []


def test_a_stranger_puts_no_file_into_the_server_and_gets_none_out(ward):
    place = urlsplit(ward.url)
    for method, path in (
        ("PUT", "/_stcore/upload_file/session/file"), ("GET", "/media/0123456789abcdef.json"),
    ):  # fmt: skip
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
        connection.request(method, path, body=b"x" if method == "PUT" else None)
        assert connection.getresponse().status == 403
        connection.close()


# --- one click --------------------------------------------------------------------------------


def one_click(served: Served, **headers: str) -> str:
    """Ask for a one-click session with these headers; '' where none begins."""
    person_id = served.value("SELECT id FROM person WHERE name = ?", (LIN,))
    return session_of(posted(served, "/auth/illustrative", {"person": str(person_id)}, **headers))


def test_one_click_is_only_for_this_machine_and_nothing_in_between(fresh):
    port = urlsplit(fresh.url).port
    for host in ("127.0.0.1", "localhost", "[::1]"):
        here = f"{host}:{port}"
        assert one_click(fresh, Host=here, Origin=f"http://{here}"), host
    for host in ("attending.hospital.example", "192.168.1.5", "127.0.0.1.evil.example", "0.0.0.0"):
        there = f"{host}:{port}"
        assert not one_click(fresh, Host=there, Origin=f"http://{there}"), host
    for name in ("Forwarded", "X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host"):
        assert not one_click(fresh, **{name: "for=1.2.3.4"}), name
    assert one_click(fresh)


def test_one_click_is_for_illustrative_people_only_and_ends_with_the_first_account(fresh):
    for person in ("0", "999", "x", ""):
        assert not session_of(posted(fresh, "/auth/illustrative", {"person": person}))
    assert one_click(fresh)
    fresh.gives_account("Dr Real", "lead")
    assert not one_click(fresh)
    assert fresh.value("SELECT count(*) FROM auth_session") == 0


def test_one_click_is_not_offered_behind_a_proxy(fresh, open_browser):
    visit = open_browser(fresh, apart=True)
    visit.page.set_extra_http_headers({"X-Forwarded-For": "10.1.2.3"})
    visit.opens("/")
    visit.page.locator(".footer").wait_for()
    visit.settles()
    expect(visit.page.locator("form[action='/auth/illustrative']")).to_have_count(0)
    expect(visit.page.locator("input[name=code]")).to_be_visible()


def test_the_first_real_import_by_a_page_ends_the_illustrative_accounts(
    fresh, open_browser, tmp_path
):
    visit = open_browser(fresh)
    visit.opens("/")
    visit.chooses(LEAD)
    file = tmp_path / "real.json"
    file.write_text((ROOT / "data/sample/dataset.json").read_text("utf-8"), "utf-8")
    run_core(fresh.database, "import", "llmeval-med", str(file), "--name", "real")

    visit.page.reload()

    says(visit, "sign_in.title")
    expect(visit.page.locator("form[action='/auth/illustrative']")).to_have_count(0)
    expect(visit.page.locator("form[action='/auth/first']")).to_be_visible()


# --- the first account ------------------------------------------------------------------------


def test_the_first_account_is_made_on_the_page_and_is_inside_at_once(fresh, open_browser):
    visit = open_browser(fresh)
    visit.opens("/people")
    visit.page.locator("summary").click()
    fills(visit, "Dr First", PASSWORD)
    visit.way_out.wait_for()
    visit.settles()

    assert visit.page.url == fresh.url + "/people"
    expect(visit.page.get_by_text(sentence("en", "people.add"), exact=True)).to_be_visible()
    assert PASSWORD not in fresh.logged()

    visit.way_out.click()
    expect(visit.page.locator("form[action='/auth/login']")).to_be_visible()
    expect(visit.page.locator("form[action='/auth/first']")).to_have_count(0)
    answer = posted(fresh, "/auth/first", {"person": "Dr Second", "secret": PASSWORD})
    assert not session_of(answer)


def test_where_others_reach_the_server_the_first_gives_the_code_in_its_log(
    sample_database, tmp_path, open_browser
):
    app = Served(
        ROOT / "app.py", copy_of(sample_database, tmp_path), {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    )
    try:
        (code,) = re.findall(r"The code for the first one is (\S+)", app.logged())
        form = {"person": "Dr First", "secret": PASSWORD}
        assert not session_of(posted(app, "/auth/first", form))
        assert not session_of(posted(app, "/auth/first", form | {"code": "AAAA-AAAA-AAAA"}))
        visit = open_browser(app, apart=True)
        visit.opens("/")
        visit.page.locator("summary").click()
        visit.page.locator("input[name=code]").fill(code)
        fills(visit, "Dr First", PASSWORD)
        visit.way_out.wait_for()
        assert len(re.findall(re.escape(code), app.logged())) == 1
    finally:
        app.stop()
