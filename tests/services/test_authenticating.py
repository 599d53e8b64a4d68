"""Authenticating: a right password begins a session that ends, and guessing becomes slow."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.domain.attempts import FREE_BY_ADDRESS, FREE_BY_NAME
from core.errors import NotAllowed, Refused
from core.services import authenticating, enrolling
from core.services.authenticating import Attempt
from core.services.enrolling import Enrolment
from core.store.database import NOBODY, opened
from core.store.people import Person
from tests.workbench import Workbench

PASSWORD = "correct horse battery"
SUBJECT = "3f9c-subject"


@pytest.fixture
def li(empty: Workbench) -> Person:
    """A physician with an account."""
    wanted = Enrolment("Dr Li", ("physician",), PASSWORD, SUBJECT)
    return enrolling.add_account(empty.store, wanted, by="Dr Chief")


def tries(workbench: Workbench, password: str, *, name: str = "Dr Li", address: str = "10.0.0.1"):
    """Try to sign in; the token."""
    with opened(workbench.path, actor=NOBODY) as store:
        return authenticating.sign_in(store, Attempt(name, password, address))


def refusal(workbench: Workbench, password: str, **who: str) -> tuple[str, dict[str, object]]:
    with pytest.raises(Refused) as caught:
        tries(workbench, password, **who)
    return caught.value.code, caught.value.values


def goes_back(workbench: Workbench, table: str, column: str, seconds: float) -> None:
    """Let time pass: everything that is noted there lies so much further back."""
    workbench.store.conn.execute(f"UPDATE {table} SET {column} = {column} - {seconds}")


def just_now(workbench: Workbench) -> None:
    """Let the last failures be ahead, so that nobody has waited, however slow this machine is."""
    goes_back(workbench, "sign_in_failure", "last_at", -60)


def test_a_right_password_begins_a_session(empty, li):
    token = tries(empty, PASSWORD)
    assert authenticating.person_of(empty.store, token) == li
    assert len(token) >= 43, "256 bits"


def test_only_a_tokens_hash_is_stored(empty, li):
    token = tries(empty, PASSWORD)
    stored = empty.value("SELECT token_hash FROM auth_session")
    assert len(stored) == 64
    assert token not in stored
    assert authenticating.person_of(empty.store, stored) is None


def test_two_sign_ins_have_two_tokens_and_the_old_one_of_a_browser_ends(empty, li):
    first, second = tries(empty, PASSWORD), tries(empty, PASSWORD)
    assert first != second
    third = authenticating.sign_in(
        empty.store, Attempt("Dr Li", PASSWORD, "10.0.0.1", old_token=first)
    )
    known = [authenticating.person_of(empty.store, one) for one in (first, second, third)]
    assert known == [None, li, li]


def test_wrong_name_wrong_password_and_closed_account_are_one_refusal(empty, li):
    enrolling.add_account(empty.store, Enrolment("Dr Gone", ("lead",), PASSWORD), by="Dr Chief")
    enrolling.disable(empty.store, "Dr Gone", reason="left", by="Dr Chief")
    enrolling.add_account(empty.store, Enrolment("Dr Single", ("lead",), None, "s"), by="Dr Chief")
    said = {
        refusal(empty, "wrong password")[0],
        refusal(empty, PASSWORD, name="Dr Nobody")[0],
        refusal(empty, PASSWORD, name="Dr Gone")[0],
        refusal(empty, PASSWORD, name="Dr Single")[0],
        refusal(empty, "", name="Dr Single")[0],
    }
    assert said == {"sign_in_failed"}


def test_an_unknown_name_takes_as_long_as_a_wrong_password(empty, li):
    def seconds(name: str) -> float:
        started = time.perf_counter()
        refusal(empty, "wrong password", name=name, address=name)
        return time.perf_counter() - started

    known = min(seconds("Dr Li") for _ in range(3))
    unknown = min(seconds(f"Dr Nobody {n}") for n in range(3))
    assert unknown > known / 3, "no hash is skipped"


def test_repeated_failures_slow_down_also_the_right_password(empty, li):
    for _ in range(FREE_BY_NAME):
        assert refusal(empty, "wrong password")[0] == "sign_in_failed"

    just_now(empty)
    assert refusal(empty, PASSWORD) == ("slow_down", {"seconds": 2})
    goes_back(empty, "sign_in_failure", "last_at", 63)
    assert refusal(empty, "wrong password")[0] == "sign_in_failed"
    just_now(empty)
    assert refusal(empty, PASSWORD) == ("slow_down", {"seconds": 4})
    goes_back(empty, "sign_in_failure", "last_at", 65)
    tries(empty, PASSWORD)
    assert refusal(empty, "wrong password")[0] == "sign_in_failed", "counts anew"


def test_an_unknown_name_slows_down_alike(empty, li):
    for _ in range(FREE_BY_NAME):
        refusal(empty, PASSWORD, name="Dr Nobody")
    just_now(empty)
    assert refusal(empty, PASSWORD, name="Dr Nobody")[0] == "slow_down"


def test_an_address_that_tries_many_names_slows_down_and_no_other(empty, li):
    for number in range(FREE_BY_ADDRESS):
        refusal(empty, "wrong", name=f"Dr {number}", address="10.9.9.9")
    just_now(empty)

    assert refusal(empty, PASSWORD, address="10.9.9.9")[0] == "slow_down"
    tries(empty, PASSWORD, address="10.0.0.2")


def test_ones_own_success_does_not_wash_an_address_clean(empty, li):
    for number in range(FREE_BY_ADDRESS - 1):
        refusal(empty, "wrong", name=f"Dr {number}", address="10.9.9.9")
    tries(empty, PASSWORD, address="10.9.9.9")
    refusal(empty, "wrong", name="Dr 99", address="10.9.9.9")
    just_now(empty)
    assert refusal(empty, PASSWORD, address="10.9.9.9")[0] == "slow_down"


def test_attempts_at_once_do_not_slip_past_the_count(empty, li):
    both = threading.Barrier(12)

    def one(_: int) -> str:
        both.wait()
        return refusal(empty, "wrong password")[0]

    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(one, range(12)))

    failed = said.count("sign_in_failed")
    assert FREE_BY_NAME <= failed < 12, "a few more only where this machine took seconds"
    assert empty.value("SELECT max(count) FROM sign_in_failure") == failed


def test_no_name_or_password_that_was_tried_is_stored(empty, li):
    refusal(empty, "wrong password", name="my password in the wrong field")
    rows = empty.rows("SELECT * FROM sign_in_failure")
    assert rows
    assert "password" not in str(rows)


def test_failures_are_forgotten_after_a_day(empty, li):
    refusal(empty, "wrong", name="Dr Nobody", address="10.1.1.1")
    goes_back(empty, "sign_in_failure", "last_at", 90_000)
    refusal(empty, "wrong", name="Dr Other", address="10.1.1.2")
    assert empty.value("SELECT count(*) FROM sign_in_failure") == 2


# --- sessions end -----------------------------------------------------------------------------


def test_a_session_ends_when_it_is_idle(empty, li):
    token = tries(empty, PASSWORD)
    goes_back(empty, "auth_session", "seen_at", authenticating.IDLE_SECONDS - 60)
    assert authenticating.person_of(empty.store, token) == li, "and is seen again"
    goes_back(empty, "auth_session", "seen_at", authenticating.IDLE_SECONDS - 60)
    assert authenticating.person_of(empty.store, token) == li
    goes_back(empty, "auth_session", "seen_at", authenticating.IDLE_SECONDS + 60)
    assert authenticating.person_of(empty.store, token) is None


def test_a_page_that_refreshes_itself_does_not_keep_a_session_open(empty, li):
    token = tries(empty, PASSWORD)
    goes_back(empty, "auth_session", "seen_at", authenticating.IDLE_SECONDS - 60)
    assert authenticating.person_of(empty.store, token, is_active=False) == li
    goes_back(empty, "auth_session", "seen_at", 120)
    assert authenticating.person_of(empty.store, token, is_active=False) is None


def test_a_session_ends_in_the_end_however_often_it_is_used(empty, li):
    token = tries(empty, PASSWORD)
    goes_back(empty, "auth_session", "ends_at", authenticating.SESSION_SECONDS + 1)
    assert authenticating.person_of(empty.store, token) is None


def test_signing_out_ends_it_everywhere_and_nobody_elses(empty, li):
    enrolling.add_account(empty.store, Enrolment("Dr Wu", ("lead",), PASSWORD), by="x")
    mine, also_mine, others = (
        tries(empty, PASSWORD), tries(empty, PASSWORD), tries(empty, PASSWORD, name="Dr Wu")
    )  # fmt: skip

    authenticating.sign_out(empty.store, mine)

    known = [authenticating.person_of(empty.store, one) for one in (mine, also_mine, others)]
    assert known[:2] == [None, None]
    assert known[2] is not None


@pytest.mark.parametrize("change", ["disable", "reset"])
def test_closing_an_account_or_resetting_its_password_ends_its_sessions(empty, li, change):
    token = tries(empty, PASSWORD)
    if change == "disable":
        enrolling.disable(empty.store, "Dr Li", reason="left", by="x")
    else:
        enrolling.reset_password(empty.store, "Dr Li", "a new password", reason="r", by="x")
    assert authenticating.person_of(empty.store, token) is None
    assert empty.value("SELECT count(*) FROM auth_session") == 0


@pytest.mark.parametrize("token", ["", "x", "\ud800", "0" * 100_000])
def test_what_is_no_token_opens_nothing(empty, li, token):
    assert authenticating.person_of(empty.store, token) is None


# --- one's own password -----------------------------------------------------------------------


def test_a_changed_password_keeps_this_browser_and_ends_the_others(empty, li):
    here, there = tries(empty, PASSWORD), tries(empty, PASSWORD)
    with opened(empty.path, actor=li.id) as store:
        authenticating.change_password(store, li, PASSWORD, "a new password", token=here)

    assert authenticating.person_of(empty.store, here) == li
    assert authenticating.person_of(empty.store, there) is None
    assert refusal(empty, PASSWORD)[0] == "sign_in_failed"
    tries(empty, "a new password")
    assert empty.value("SELECT count(*) FROM account_event WHERE what = 'password'") == 1


def test_the_present_password_is_asked_for_and_not_to_be_guessed(empty, li):
    with opened(empty.path, actor=li.id) as store:
        for _ in range(FREE_BY_NAME):
            with pytest.raises(Refused, match="wrong_old_password"):
                authenticating.change_password(store, li, "guess", "a new password", token="")
        just_now(empty)
        with pytest.raises(Refused, match="slow_down"):
            authenticating.change_password(store, li, PASSWORD, "a new password", token="")
    tries(empty, PASSWORD)


def test_nobody_changes_anothers_password(empty, li):
    wu = enrolling.add_account(
        empty.store, Enrolment("Dr Wu", ("administrator",), PASSWORD), by="x"
    )
    with opened(empty.path, actor=wu.id) as store, pytest.raises(NotAllowed, match="not_yours"):
        authenticating.change_password(store, li, PASSWORD, "a new password", token="")


# --- the code of the first --------------------------------------------------------------------


def test_the_code_in_the_log_is_asked_for_and_not_to_be_guessed(empty):
    authenticating.check_code(empty.store, " AAAA-BBBB ", "AAAA-BBBB", address="10.0.0.1")
    for _ in range(FREE_BY_NAME):
        with pytest.raises(Refused, match="wrong_code"):
            authenticating.check_code(empty.store, "错", "AAAA-BBBB", address="10.0.0.1")
    just_now(empty)
    with pytest.raises(Refused, match="slow_down"):
        authenticating.check_code(empty.store, "AAAA-BBBB", "AAAA-BBBB", address="10.0.0.1")


# --- single sign-on ---------------------------------------------------------------------------


def claims(**said: object) -> dict[str, object]:
    return {"sub": SUBJECT, "iat": int(time.time()), "is_logged_in": True, **said}


def test_a_known_subject_gets_a_ticket_that_begins_one_session(empty, li):
    person, ticket = authenticating.ticket_for(empty.store, claims())
    assert person == li
    assert authenticating.person_of(empty.store, ticket) is None, "a ticket is no session"

    token = authenticating.redeem(empty.store, ticket)

    assert authenticating.person_of(empty.store, token) == li
    with pytest.raises(Refused, match="sign_on_again"):
        authenticating.redeem(empty.store, ticket)


@pytest.mark.parametrize(
    ("said", "is_known"),
    [
        ({"email": "WU@hospital.example", "email_verified": True}, True),
        ({"email": "wu@hospital.example", "email_verified": False}, False),
        ({"email": "wu@hospital.example", "email_verified": "true"}, False),
        ({"email": "wu@hospital.example"}, False),
        ({"sub": ""}, False),
        ({}, False),
    ],
)
def test_an_e_mail_address_counts_only_where_the_provider_verified_it(empty, said, is_known):
    wanted = Enrolment("Dr Wu", ("lead",), None, "Wu@hospital.example")
    enrolling.add_account(empty.store, wanted, by="x")
    told = {"sub": "unknown", "iat": int(time.time()), **said}
    if is_known:
        assert authenticating.ticket_for(empty.store, told)[0].name == "Dr Wu"
        return
    with pytest.raises(Refused, match="no_such_subject"):
        authenticating.ticket_for(empty.store, told)


def test_a_closed_account_gets_no_ticket(empty, li):
    _, ticket = authenticating.ticket_for(empty.store, claims())
    enrolling.disable(empty.store, "Dr Li", reason="left", by="x")
    with pytest.raises(Refused, match="no_such_subject"):
        authenticating.ticket_for(empty.store, claims())
    with pytest.raises(Refused, match="sign_on_again"):
        authenticating.redeem(empty.store, ticket)


def test_what_the_provider_said_long_ago_or_before_the_sign_out_does_not_count(empty, li):
    with pytest.raises(Refused, match="sign_on_again"):
        authenticating.ticket_for(empty.store, claims(iat=int(time.time()) - 600))
    with pytest.raises(Refused, match="sign_on_again"):
        authenticating.ticket_for(empty.store, claims(iat=None))
    said = claims(iat=int(time.time()) - 5)
    _, ticket = authenticating.ticket_for(empty.store, said)
    authenticating.sign_out(empty.store, authenticating.redeem(empty.store, ticket))
    with pytest.raises(Refused, match="sign_on_again"):
        authenticating.ticket_for(empty.store, said)
