"""Single sign-on: a provider says who is there, and an administrator has said who that is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.i18n import sentence
from core.services import enrolling
from core.services.enrolling import Enrolment
from tests.e2e.served import ROOT, Served, copy_of
from tests.oidc_server import CLIENT, SECRET, OIDCServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def provider() -> Iterator[OIDCServer]:
    """A hospital's provider."""
    with OIDCServer() as server:
        yield server


@pytest.fixture(scope="module")
def hospital(
    provider: OIDCServer, sample_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The app, told of the provider, with one account for it and no password."""
    folder = tmp_path_factory.mktemp("hospital")
    secrets = folder / "secrets.toml"
    secrets.write_text(
        "[auth]\n"
        'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
        'cookie_secret = "of this test and of nothing else, long enough"\n'
        f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
        f'server_metadata_url = "{provider.url}/.well-known/openid-configuration"\n',
        encoding="utf-8",
    )
    app = Served(
        ROOT / "app.py", copy_of(sample_database, folder),
        {"STREAMLIT_SECRETS_FILES": str(secrets)},
    )  # fmt: skip
    with app.store() as store:
        wanted = Enrolment("Dr Single", ("physician",), None, "single@hospital.example")
        enrolling.add_account(store, wanted, by="tester")
    yield app
    app.stop()
    assert "Traceback" not in app.logged(), app.logged()
    assert SECRET not in app.logged()


def signs_on(visit) -> None:
    visit.opens("/review")
    visit.page.get_by_role("button", name=sentence("en", "sign_in.single")).click()


def test_a_known_subject_comes_in_and_signing_out_ends_it(hospital, provider, open_browser):
    provider.claims = {
        "sub": "77", "email": "Single@hospital.example", "email_verified": True,
    }  # fmt: skip
    visit = open_browser(hospital, apart=True)

    signs_on(visit)
    go_on = visit.page.get_by_role("button", name=sentence("en", "sign_in.go_on", name="Dr Single"))
    go_on.click()
    visit.way_out.wait_for()
    visit.settles()

    assert visit.cookie("attending_session")["httpOnly"]
    visit.opens("/account")
    expect(visit.page.get_by_text(sentence("en", "account.no_password"))).to_be_visible()
    visit.way_out.click()
    expect(visit.page.get_by_role("button", name=sentence("en", "sign_in.single"))).to_be_visible()
    expect(go_on).to_have_count(0)
    assert visit.cookie("_streamlit_user") is None
    assert hospital.value("SELECT count(*) FROM auth_session WHERE NOT is_ticket") == 0


def test_what_went_wrong_at_the_door_is_not_told_after_a_sign_on(hospital, provider, open_browser):
    provider.claims = {"sub": "77", "email": "single@hospital.example", "email_verified": True}
    visit = open_browser(hospital, apart=True)
    visit.opens("/review")
    visit.page.get_by_label(sentence("en", "sign_in.person")).fill("Dr Single")
    visit.page.get_by_label(sentence("en", "sign_in.password")).fill("not the password")
    visit.page.get_by_role("button", name=sentence("en", "sign_in.enter"), exact=True).click()
    wrong = visit.page.get_by_text(sentence("en", "error.sign_in_failed"))
    wrong.wait_for()
    visit.settles()

    visit.page.get_by_role("button", name=sentence("en", "sign_in.single")).click()
    go_on = sentence("en", "sign_in.go_on", name="Dr Single")
    visit.page.get_by_role("button", name=go_on).wait_for()
    visit.settles()

    expect(wrong).to_have_count(0)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "unknown"},
        {"sub": "78", "email": "single@hospital.example", "email_verified": False},
    ],
)
def test_a_stranger_whom_the_provider_knows_stays_outside(hospital, provider, open_browser, claims):
    provider.claims = claims
    visit = open_browser(hospital, apart=True)

    signs_on(visit)

    expect(visit.page.get_by_text(sentence("en", "error.no_such_subject"))).to_be_visible()
    assert visit.cookie("attending_session") is None
    visit.opens("/review")
    expect(visit.page.get_by_text(sentence("en", "sign_in.title"))).to_be_visible()
