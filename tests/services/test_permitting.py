"""Permitting: no service works for somebody who has not the right to, and none is forgotten."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import core.services
from core.domain.rights import PAGES, RIGHTS, Right
from core.errors import NotAllowed
from core.services import enrolling, offering, permitting, reviewing
from core.services.enrolling import Enrolment
from core.services.inspecting import case_of
from core.services.revealing import revealed_at_once
from core.services.reviewing import Scoring
from core.store import accounts
from core.store.database import NOBODY, Store, opened
from core.store.people import Person
from tests.workbench import CEDAR, Workbench

ROOT = Path(__file__).parents[2]
#: Services that work for anybody, and why. Every other one begins with a check.
OPEN = {
    "authenticating.sign_in": "nobody is signed in yet",
    "authenticating.sign_in_with_one_click": "nobody is signed in yet; checks the conditions",
    "authenticating.sign_in_first": "nobody has an account yet; checks that",
    "authenticating.check_code": "nobody is signed in yet",
    "authenticating.person_of": "finds out who it is",
    "authenticating.sign_out": "ends the session whose token it is given",
    "authenticating.ticket_for": "nobody is signed in yet; checks what the provider said",
    "authenticating.redeem": "nobody is signed in yet; checks the ticket",
    "enrolling.needs_first_account": "the sign-in page asks it",
    "enrolling.add_first_account": "nobody has an account yet; checks that",
    "enrolling.one_click_accounts": "the sign-in page asks it",
    "naming.dataset_named": "looks a name up",
    "naming.study_named": "looks a name up",
    "naming.study_of_dataset": "looks a name up",
    "naming.question_of_study": "looks a key up",
    "permitting.rights_of_actor": "is the check",
    "permitting.require": "is the check",
    "permitting.require_own": "is the check",
    "permitting.require_operator": "is the check",
    "permitting.require_page": "is the check",
}

Service = Callable[..., Any]


def _services() -> Iterator[tuple[str, Service]]:
    """Every public function of a service that takes a database."""
    for found in pkgutil.iter_modules(core.services.__path__):
        module = importlib.import_module(f"core.services.{found.name}")
        for name, function in vars(module).items():
            is_own = getattr(function, "__module__", "") == module.__name__
            if not is_own or not inspect.isfunction(function) or name.startswith("_"):
                continue
            if "store" in inspect.signature(function).parameters:
                yield f"{found.name}.{name}", function


SERVICES = dict(_services())
CHECKED = sorted(set(SERVICES) - set(OPEN))


def _call(function: Service, store: Store) -> None:
    """Call a service with arguments that it must not get to look at."""
    parameters = inspect.signature(function).parameters.values()
    anything = {
        one.name: SimpleNamespace(id=999)
        for one in parameters
        if one.name != "store" and one.default is inspect.Parameter.empty
    }
    result = function(store, **anything)
    if isinstance(result, AbstractContextManager):
        with result:
            pass


def _needs(name: str) -> frozenset[str]:
    """The rights that a service's first statement names."""
    tree = ast.parse(inspect.getsource(inspect.unwrap(SERVICES[name])))
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    call = next((node for node in ast.walk(function.body[1]) if isinstance(node, ast.Call)), None)
    if call is None or not getattr(call.func, "id", "").startswith("require"):
        return frozenset()
    named = {arg.value for arg in call.args if isinstance(arg, ast.Constant)}
    return frozenset(RIGHTS if any(isinstance(arg, ast.Starred) for arg in call.args) else named)


@pytest.fixture
def as_somebody(study: Workbench) -> Callable[..., AbstractContextManager[Store]]:
    """Opens the study's database as a new person with these rights."""

    def opened_as(*rights: Right) -> AbstractContextManager[Store]:
        return opened(study.path, actor=_enrolled(study, f"Dr {'+'.join(rights)}", *rights).id)

    return opened_as


def _enrolled(study: Workbench, name: str, *rights: Right) -> Person:
    wanted = Enrolment(name, rights, None, f"subject of {name}")
    return enrolling.add_account(study.store, wanted, by="Dr Lead")


def test_the_list_of_open_services_names_services():
    assert set(OPEN) - set(SERVICES) == set()
    assert len(CHECKED) > 40


@pytest.mark.parametrize("name", CHECKED)
def test_a_service_does_nothing_for_nobody(study, name):
    """One that fails here is new: let it begin with `require(store, …)`, or list it as open."""
    before = study.counts()
    with opened(study.path, actor=NOBODY) as store, pytest.raises(NotAllowed):
        _call(SERVICES[name], store)
    assert study.counts() == before


@pytest.mark.parametrize("right", RIGHTS)
def test_a_service_does_nothing_for_somebody_without_its_right(as_somebody, right):
    others = [name for name in CHECKED if right not in _needs(name)]
    assert others
    with as_somebody(right) as store:
        for name in others:
            with pytest.raises(NotAllowed) as caught:
                _call(SERVICES[name], store)
            assert caught.value.code in ("needs_right", "needs_operator"), name


def test_what_physicians_must_not_read_needs_a_lead():
    for name in (
        "agreeing.cases_of", "surveying.survey_of", "revising_worklist.worklist",
        "watching.jobs_of_study", "exporting.export_llmeval_med",
        "importing_questions.import_questions", "exporting_tables.export_table",
        "importing_table.import_table", "ordering.queue_judging",
        "ordering_generation.queue_generation", "judging.cancel",
    ):  # fmt: skip
        assert _needs(name) == {"lead"}, name


def test_nobody_scores_in_anothers_name(study):
    lin, weber = (_enrolled(study, name, "physician") for name in ("Dr Lin", "Dr Weber"))
    response = study.response("MK:1:1")
    before = study.counts()

    with opened(study.path, actor=weber.id) as store:
        with pytest.raises(NotAllowed, match="not_yours"):
            reviewing.score(store, study.study, lin, response.id, Scoring(5))
        assert study.counts() == before
        assert reviewing.score(store, study.study, weber, response.id, Scoring(5))


def test_a_closed_account_is_refused_at_once(study):
    lin = _enrolled(study, "Dr Lin", "physician")
    with opened(study.path, actor=lin.id) as store:
        offering.queue_of(store, study.study, lin)
        enrolling.disable(study.store, "Dr Lin", reason="left", by="Dr Lead")
        with pytest.raises(NotAllowed):
            offering.queue_of(store, study.study, lin)


def test_a_right_that_was_taken_is_refused_at_once(study):
    lin = _enrolled(study, "Dr Lin", "physician", "lead")
    with opened(study.path, actor=lin.id) as store:
        permitting.require(store, "lead")
        enrolling.set_rights(study.store, "Dr Lin", ["physician"], reason="r", by="Dr Lead")
        with pytest.raises(NotAllowed):
            permitting.require(store, "lead")


@pytest.mark.parametrize("reveal", ["never", "batch_done", "at_once"])
def test_a_physician_opens_a_case_only_when_it_was_revealed_to_them(study, reveal):
    study.baseline_judges()
    study.reveals(reveal)
    lin = _enrolled(study, "Dr Lin", "physician")
    first, second = study.response("MK:1:1"), study.response("MK:1:2")

    with opened(study.path, actor=lin.id) as store:

        def is_open(response_id: int) -> bool:
            try:
                return bool(case_of(store, study.study, lin, response_id).verdicts)
            except NotAllowed:
                return False

        with pytest.raises(NotAllowed, match="not_revealed"):
            case_of(store, study.study, lin, first.id)
        reviewing.score(store, study.study, lin, first.id, Scoring(4))
        assert not is_open(first.id)  # the other model's response to this question still waits
        assert not is_open(second.id)
        while (left := offering.queue_of(store, study.study, lin).next_response_id) is not None:
            reviewing.score(store, study.study, lin, left, Scoring(4))
        assert is_open(second.id) == (reveal != "never")


def test_models_stay_unnamed_to_a_physician_for_whom_responses_wait(study):
    study.baseline_judges()
    study.reveals("at_once")
    lin = _enrolled(study, "Dr Lin", "physician")
    first, second = study.response("MK:1:1"), study.response("MK:1:1", "willow")

    with opened(study.path, actor=lin.id) as store:
        for one in (first, second):
            reviewing.score(store, study.study, lin, one.id, Scoring(4))
        revealed_at_once(store, study.study, lin, first.id)
        assert not case_of(store, study.study, lin, first.id).is_named
        while (left := offering.queue_of(store, study.study, lin).next_response_id) is not None:
            reviewing.score(store, study.study, lin, left, Scoring(4))
        assert case_of(store, study.study, lin, first.id).is_named


@pytest.mark.parametrize("rights", [["lead"], ["lead", "physician"]])
def test_a_lead_who_scores_is_told_the_model_of_what_they_are_no_longer_blind_to(study, rights):
    lead = _enrolled(study, "Dr Chief", *rights)
    response = study.response("MK:1:1")

    with opened(study.path, actor=lead.id) as store:
        found = case_of(store, study.study, lead, response.id)
        assert found.is_named == ("physician" not in rights)
        reviewing.expose(store, lead, found.question.id, "machine_verdict", page="case")
        assert case_of(store, study.study, lead, response.id).is_named


def test_a_lead_opens_every_case(study):
    lead = _enrolled(study, "Dr Chief", "lead")
    with opened(study.path, actor=lead.id) as store:
        found = case_of(store, study.study, lead, study.response("MK:1:1").id)
    assert found.response.text == CEDAR["MK:1:1"]


# --- pages ------------------------------------------------------------------------------------


def test_every_page_says_whom_it_is_for():
    names = set()
    for path in (ROOT / "app.py", *(ROOT / "pages").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "page":
                assert isinstance(node.args[0], ast.Constant)
                names.add(node.args[0].value)
    assert len(names) == 1 + len(list((ROOT / "pages").glob("*.py")))
    assert names - set(PAGES) == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_for_its_rights_only(as_somebody, page):
    for right in RIGHTS:
        with as_somebody(right) as store:
            if right in PAGES[page]:
                permitting.require_page(store, page)
                continue
            with pytest.raises(NotAllowed) as caught:
                permitting.require_page(store, page)
            assert caught.value.values == {"rights": PAGES[page]}


def test_pages_always_say_for_whom_they_open_the_database():
    """Without an actor a connection is the operator's, and may do everything."""
    paths = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "core/ui").glob("*.py")]
    calls = [
        (path.name, node)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("opened", "Store")
    ]
    assert len(calls) > 3
    assert [
        (name, node.lineno)
        for name, node in calls
        if "actor" not in {keyword.arg for keyword in node.keywords}
    ] == []


def test_the_operator_may_do_everything(study):
    assert study.store.actor is None
    assert permitting.rights_of_actor(study.store) == frozenset(RIGHTS)
    assert accounts.rights_of(study.store, NOBODY) == frozenset()
