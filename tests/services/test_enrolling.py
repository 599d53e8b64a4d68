"""Enrolling: accounts with rights, a row for every change, and illustrative people who leave."""

import pytest

from core.errors import NotAllowed, Refused, UnknownName
from core.services import enrolling
from core.services.authenticating import sign_in_with_one_click
from core.services.enrolling import Enrolment
from core.services.importing_questions import QuestionImport, import_questions
from core.services.opening import DATA, ensure_sample
from core.store import accounts, people
from core.store.database import opened
from tests.workbench import QUESTIONS, Workbench, five_keys

PASSWORD = "correct horse battery"
ILLUSTRATIVE = ["Dr Lin (illustrative)", "Dr Weber (illustrative)", "Dr Tang (illustrative)"]


def adds(workbench: Workbench, name: str, *rights: str, **fields: str):
    wanted = Enrolment(name, rights, PASSWORD, **fields)
    return enrolling.add_account(workbench.store, wanted, by="Dr Chief")


def events(workbench: Workbench) -> list[tuple[object, ...]]:
    return workbench.rows(
        "SELECT person.name, what, rights, reason, created_by FROM account_event"
        " JOIN person ON person.id = person_id ORDER BY account_event.id"
    )


def code_of(caught: pytest.ExceptionInfo[Exception]) -> str:
    return caught.value.code  # type: ignore[attr-defined]


def test_an_account_is_added_with_its_rights_and_a_row_that_says_so(empty):
    person = adds(empty, "  Dr   Li ", "lead", "physician", reason="leads the ward")

    account = accounts.account_of(empty.store, person.id)
    assert account is not None
    assert (account.name, account.rights) == ("Dr Li", ("physician", "lead"))
    assert events(empty) == [("Dr Li", "added", "physician lead", "leads the ward", "Dr Chief")]


def test_no_password_stands_in_the_database(empty):
    adds(empty, "Dr Li", "physician")
    hashed = empty.value("SELECT password_hash FROM account")
    assert hashed.startswith("$argon2id$")
    empty.store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert PASSWORD.encode() not in empty.path.read_bytes()


def test_an_author_who_gets_an_account_keeps_their_scores(study):
    lin = study.physician("Dr Lin")
    study.scores(lin, "MK:1:1", "cedar", 4)

    person = adds(study, "Dr Lin", "physician")

    assert person == lin
    (found,) = [
        one for one in enrolling.progress_of_people(study.store, study.study) if one.person == lin
    ]
    assert (found.scored, found.total) == (1, 14)


def test_an_author_without_an_account_is_listed_with_their_work(study):
    study.scores(study.physician("Dr Old"), "MK:1:1", "cedar", 4)
    (found,) = enrolling.progress_of_people(study.store, study.study)
    assert (found.person.name, found.account, found.scored) == ("Dr Old", None, 1)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Enrolment(" \u200b\n", ("physician",), PASSWORD), "needs_name"),
        (Enrolment("x" * 81, ("physician",), PASSWORD), "name_too_long"),
        (Enrolment("Dr Li", (), PASSWORD), "needs_a_right"),
        (Enrolment("Dr Li", ("king",), PASSWORD), "unknown_right"),
        (Enrolment("Dr Li", ("lead",), None), "needs_password"),
        (Enrolment("Dr Li", ("lead",), "ninechars"), "password_too_short"),
        (Enrolment("Dr Li", ("lead",), "x" * 1001), "password_too_long"),
        (Enrolment("Dr Known", ("lead",), PASSWORD), "account_exists"),
        (Enrolment("Dr Li", ("lead",), None, "ZHANG@hospital.example"), "subject_taken"),
    ],
)
def test_what_can_be_no_account_is_refused_and_leaves_nothing(empty, wanted, code):
    adds(empty, "Dr Known", "lead", oidc_subject="zhang@hospital.example")
    before = empty.counts()

    with pytest.raises(Refused) as caught:
        enrolling.add_account(empty.store, wanted, by="Dr Chief")

    assert (code_of(caught), empty.counts()) == (code, before)


def test_every_change_has_an_author_and_a_reason(empty):
    adds(empty, "Dr Li", "physician")
    store = empty.store
    enrolling.set_rights(store, "Dr Li", ["lead"], reason="leads now", by="Dr Chief")
    enrolling.reset_password(store, "Dr Li", "another password", reason="forgot it", by="Dr Chief")
    enrolling.disable(store, "Dr Li", reason="left", by="Dr Chief")
    enrolling.enable(store, "Dr Li", reason="came back", by="Dr Chief")

    assert events(empty)[1:] == [
        ("Dr Li", "rights", "lead", "leads now", "Dr Chief"),
        ("Dr Li", "password", "lead", "forgot it", "Dr Chief"),
        ("Dr Li", "disabled", "lead", "left", "Dr Chief"),
        ("Dr Li", "enabled", "lead", "came back", "Dr Chief"),
    ]


def test_nothing_is_changed_without_a_reason_or_for_somebody_without_an_account(empty):
    adds(empty, "Dr Li", "physician")
    changes = (
        lambda name, reason: enrolling.set_rights(
            empty.store, name, ["lead"], reason=reason, by="x"
        ),
        lambda name, reason: enrolling.reset_password(
            empty.store, name, PASSWORD, reason=reason, by="x"
        ),
        lambda name, reason: enrolling.disable(empty.store, name, reason=reason, by="x"),
        lambda name, reason: enrolling.enable(empty.store, name, reason=reason, by="x"),
    )
    before = empty.rows("SELECT * FROM account"), events(empty)
    for change in changes:
        with pytest.raises(Refused, match="needs_reason"):
            change("Dr Li", "  ")
        with pytest.raises(UnknownName, match="unknown_account"):
            change("Dr Nobody", "why")
    assert (empty.rows("SELECT * FROM account"), events(empty)) == before


def test_an_administrator_does_not_lock_themself_out(empty):
    chief = adds(empty, "Dr Chief", "administrator", "lead")
    with opened(empty.path, actor=chief.id) as store:
        with pytest.raises(Refused, match="own_account"):
            enrolling.disable(store, "Dr Chief", reason="oops", by="Dr Chief")
        with pytest.raises(Refused, match="own_account"):
            enrolling.set_rights(store, "Dr Chief", ["lead"], reason="oops", by="Dr Chief")
        enrolling.set_rights(store, "Dr Chief", ["administrator"], reason="r", by="Dr Chief")


# --- the first account ------------------------------------------------------------------------


def test_the_first_account_leads_and_gives_others_theirs(empty):
    assert enrolling.needs_first_account(empty.store)
    with opened(empty.path, actor=0) as store:
        person = enrolling.add_first_account(store, "Dr First", PASSWORD)

    assert accounts.rights_of(empty.store, person.id) >= {"lead", "administrator"}
    assert not enrolling.needs_first_account(empty.store)
    assert events(empty) == [
        ("Dr First", "added", "physician lead administrator", "first account", "Dr First")
    ]


def test_nobody_is_first_after_somebody_has_an_account(empty):
    adds(empty, "Dr Li", "physician")
    enrolling.disable(empty.store, "Dr Li", reason="left", by="x")

    with pytest.raises(NotAllowed, match="not_the_first"):
        enrolling.add_first_account(empty.store, "Dr Second", PASSWORD)

    assert people.person_named(empty.store, "Dr Second") is None


# --- illustrative people ----------------------------------------------------------------------


def one_click(workbench: Workbench) -> list[str]:
    return [account.name for account in enrolling.one_click_accounts(workbench.store)]


def test_the_sample_comes_with_two_physicians_and_a_lead(sample):
    found = {one.name: one.rights for one in enrolling.one_click_accounts(sample.store)}
    assert list(found) == ILLUSTRATIVE
    assert [name for name, rights in found.items() if "lead" in rights] == [ILLUSTRATIVE[2]]
    assert not any("administrator" in rights for rights in found.values())


def test_a_sample_from_before_there_were_accounts_gets_them(sample):
    for table in ("account_right", "account"):
        sample.store.conn.execute(f"DELETE FROM {table}")
    assert one_click(sample) == []

    ensure_sample(sample.path)

    assert sorted(one_click(sample)) == sorted(ILLUSTRATIVE)


def test_the_first_real_import_closes_the_illustrative_accounts_and_keeps_their_scores(sample):
    lin = people.person_named(sample.store, ILLUSTRATIVE[0])
    token = sign_in_with_one_click(sample.store, lin.id)
    scores = sample.value("SELECT count(*) FROM assessment")
    file = sample.file(five_keys(QUESTIONS))

    import_questions(sample.store, file, QuestionImport("ward", "Dr Real"))

    assert one_click(sample) == []
    assert sample.value("SELECT count(*) FROM auth_session") == 0
    assert token
    closed = [row for row in events(sample) if row[1] == "disabled"]
    assert sorted(row[0] for row in closed) == sorted(ILLUSTRATIVE)
    assert {row[3:] for row in closed} == {("a real dataset was imported", "Dr Real")}
    assert sample.value("SELECT count(*) FROM assessment") == scores
    ensure_sample(sample.path)
    assert one_click(sample) == [], "they do not come back"
    with pytest.raises(NotAllowed, match="no_one_click"):
        sign_in_with_one_click(sample.store, lin.id)


def test_a_refused_import_leaves_them_open(sample):
    with pytest.raises(Refused):
        import_questions(
            sample.store, sample.file(five_keys(QUESTIONS)), QuestionImport(" ", "Dr Real")
        )
    assert len(one_click(sample)) == 3


def test_importing_the_sample_anew_leaves_them_open(sample):
    import_questions(
        sample.store, DATA / "sample" / "dataset.json",
        QuestionImport("sample", "Dr Real"),
    )  # fmt: skip
    assert len(one_click(sample)) == 3


def test_the_first_real_account_closes_them_too(sample):
    adds(sample, "Dr Real", "lead")
    assert one_click(sample) == []


def test_an_illustrative_name_gets_no_real_account(sample):
    with pytest.raises(Refused, match="name_is_illustrative"):
        adds(sample, ILLUSTRATIVE[0], "lead")
    with pytest.raises(Refused, match="name_is_illustrative"):
        enrolling.reset_password(sample.store, ILLUSTRATIVE[0], PASSWORD, reason="r", by="x")
    adds(sample, "Dr Real", "lead")
    with pytest.raises(Refused, match="name_is_illustrative"):
        enrolling.enable(sample.store, ILLUSTRATIVE[0], reason="r", by="x")
