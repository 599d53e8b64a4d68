"""Both languages say the same things, and every error that is raised has its sentence."""

import ast
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import core.errors
from core.errors import AttendingError, BrokenFile
from core.i18n import (
    LANGUAGES,
    catalogue,
    error_sentence,
    has_key,
    sentence,
    written_reason,
)

CORE = Path(core.errors.__file__).parent
LOCALES = CORE / "locales"
FILES = sorted(path.name for path in (LOCALES / "en").glob("*.toml"))
ERRORS = {
    name
    for name, value in vars(core.errors).items()
    if isinstance(value, type) and issubclass(value, AttendingError)
}


class Raised(NamedTuple):
    """A place where an error is made: its code, and its keywords (None: some are spread in)."""

    place: str
    code: str
    keywords: frozenset[str] | None


def flat(table: dict[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found


def texts_of(name: str) -> dict[str, str]:
    return flat(tomllib.loads((LOCALES / name).read_text(encoding="utf-8")))


def placeholders(text: str) -> Counter[tuple[str, str | None]]:
    """Names and formats of a text's placeholders, and how often each stands in it."""
    parts = [(name, spec) for _, name, spec, _ in string.Formatter().parse(text)]
    return Counter((name, spec) for name, spec in parts if name is not None)


def raised_errors() -> Iterator[Raised]:
    """Every call of an error class with a literal code in core."""
    for path in sorted(CORE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ERRORS:
                continue
            code = node.args[0] if node.args else None
            if not isinstance(code, ast.Constant):
                continue
            names = [keyword.arg for keyword in node.keywords]
            keywords = None if None in names else frozenset(filter(None, names))
            yield Raised(f"{path.relative_to(CORE.parent)}:{node.lineno}", code.value, keywords)


def test_both_languages_have_the_same_files():
    assert sorted(path.name for path in (LOCALES / "zh").iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_both_languages_have_the_same_keys_in_the_same_order(name):
    english, chinese = (texts_of(f"{language}/{name}") for language in ("en", "zh"))

    assert list(chinese) == list(english)


@pytest.mark.parametrize("name", FILES)
def test_both_languages_have_the_same_placeholders(name):
    english, chinese = (texts_of(f"{language}/{name}") for language in ("en", "zh"))

    different = [
        key for key in english if placeholders(english[key]) != placeholders(chinese.get(key, ""))
    ]

    assert different == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language):
    assert [key for key, text in catalogue(language).items() if not text.strip()] == []


def test_no_key_stands_in_two_files():
    keys = Counter(key for name in FILES for key in texts_of(f"en/{name}"))

    assert [key for key, count in keys.items() if count > 1] == []


def test_every_error_that_is_raised_has_a_sentence():
    found = list(raised_errors())

    assert [raised for raised in found if not has_key(f"error.{raised.code}")] == []
    assert len(found) > 50  # the search itself finds something


def test_every_error_brings_the_values_that_its_sentence_names():
    lacking = [
        (raised.place, raised.code, sorted(asked - raised.keywords))
        for raised in raised_errors()
        if raised.keywords is not None
        and (asked := {n for n, _ in placeholders(sentence_of(raised.code))}) - raised.keywords
    ]

    assert lacking == []


def test_every_reason_why_a_record_is_broken_has_words_for_a_list_of_such_records():
    """A file that is refused for several records names the first with `table_problem.<code>`."""
    whole_file = {"not_csv", "repeated_column"}
    found = [
        raised
        for raised in raised_errors()
        if raised.code == "not_json"
        or ("where" in (raised.keywords or ()) and raised.code not in whole_file)
    ]

    lacking = [one for one in found if not has_key(f"table_problem.{one.code}")]
    unfilled = [
        (one.place, one.code)
        for one in found
        if {n for n, _ in placeholders(catalogue("en").get(f"table_problem.{one.code}", ""))}
        - (one.keywords or frozenset())
    ]

    assert (lacking, unfilled) == ([], [])
    assert len(found) > 12  # the search itself finds something


def keys_named() -> set[str]:
    """The keys that pages and commands name as they stand."""
    found = set()
    for path in (*CORE.rglob("*.py"), *(CORE.parent / "pages").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("p"), attr="t"), args=[key, *_]):
                    prefix = ""
                case ast.Call(func=ast.Name("text_of"), args=[key, *_]):
                    prefix = ""
                case ast.Call(func=ast.Name("words"), args=[key, *_]):
                    prefix = "cli."
                case _:
                    continue
            if isinstance(key, ast.Constant):
                found.add(f"{prefix}{key.value}")
    return found


def test_every_key_that_a_page_or_a_command_names_has_a_text():
    found = keys_named()

    assert {key for key in found if not has_key(key)} == set()
    assert {"leaderboard.columns", "cli.queued"} <= found


def sentence_of(code: str) -> str:
    return catalogue("en").get(f"error.{code}", "")


def test_every_expected_kind_of_value_has_words():
    """`wrong_type` names what was expected by a key of its own."""
    kinds = {
        node.args[3].value
        for path in (CORE / "formats").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "wrong_type"
    }

    assert {kind for kind in kinds if not has_key(f"expected.{kind}")} == set()
    assert "whole_number" in kinds


def reasons_written() -> set[str]:
    """The texts of all reasons that services and the store's code write by themselves."""
    found = set()
    for path in (*(CORE / "services").glob("*.py"), *(CORE / "store").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.keyword(arg="reason", value=given):
                    found |= texts_in(given)
                case ast.Assign(targets=[target], value=given):
                    if ast.unparse(target).split(".")[-1] == "reason":
                        found |= texts_in(given)
    return found - {"", "what if"}  # which is rolled back


def texts_in(node: ast.expr) -> set[str]:
    constants = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
    return {text.strip() for text in constants if isinstance(text, str)}


def test_every_reason_that_the_program_writes_has_words():
    found = reasons_written()

    keys = {one: [f"{group}.{one}" for group in ("written", "written_of")] for one in found}
    assert [one for one in found if not any(map(has_key, keys[one]))] == []
    assert {"imported from", "undone", "as installed"} <= found


def test_a_reason_is_said_in_the_readers_language_only_where_the_program_wrote_it():
    said = [written_reason("zh", one) for one in ("undone", "imported from a.csv", "剂量写错了")]

    assert said == ["已撤销", "导入自 a.csv", "剂量写错了"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_is_said_in_one_sentence_with_its_values(language):
    error = BrokenFile(
        "wrong_type", file="{a}.json", where="医疗知识 1", field="round",
        expected="whole_number", found='"1"',
    )  # fmt: skip
    expected = catalogue(language)["expected.whole_number"]

    said = error_sentence(language, error)

    template = catalogue(language)["error.wrong_type"]
    filled = {"file": "{a}.json", "where": "医疗知识 1", "field": "round", "found": '"1"'}
    assert said == template.format(**filled, expected=expected)


def test_a_key_that_is_not_there_is_a_defect():
    with pytest.raises(KeyError):
        sentence("en", "error.no_such_code")
    with pytest.raises(KeyError):
        sentence("en", "error.no_file")


def test_codes_that_come_from_files_are_named_by_the_helper_that_knows_what_to_do_without_words():
    drawn = [*(CORE / "ui").glob("*.py"), *(CORE.parent / "pages").glob("*.py")]
    wrong = [
        path.name
        for path in drawn
        if re.search(r"t\(f[\"'](category|absent|unscored)\.", path.read_text("utf-8"))
    ]

    assert wrong == []
