"""The price file: read strictly, because a wrong price is worse than none."""

from pathlib import Path

import pytest

from core.domain.pricing import PriceEntry
from core.errors import BrokenFile
from core.formats.price_file import read_prices

SHIPPED = Path(__file__).parents[2] / "data" / "prices.toml"
OAK = '[model.oak]\ncurrency = "USD"\nprompt = 2\nreply = 8.0\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_entry_is_read_with_what_may_be_left_out(tmp_path):
    more = '[model."ash-*"]\ncurrency = "CNY"\nprompt = 4\ncached_prompt = 1\nreply = 16\n'

    found = read_prices(written(tmp_path, f"{OAK}{more}batch_discount = 0.5\n"))

    assert found == [
        PriceEntry("oak", "USD", 2.0, None, 8.0, 0.0),
        PriceEntry("ash-*", "CNY", 4.0, 1.0, 16.0, 0.5),
    ]


def test_the_shipped_file_can_be_read_and_prices_no_model():
    assert [entry.name for entry in read_prices(SHIPPED)] == ["illustrative-model-*"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (OAK.replace("reply = 8.0", ""), {"model": "oak", "field": "reply"}),
        (OAK.replace("8.0", "-8.0"), {"model": "oak", "field": "reply"}),
        (OAK.replace("8.0", "nan"), {"model": "oak", "field": "reply"}),
        (OAK.replace("8.0", "inf"), {"model": "oak", "field": "reply"}),
        (OAK.replace("8.0", "true"), {"model": "oak", "field": "reply"}),
        (OAK.replace("8.0", '"8"'), {"model": "oak", "field": "reply"}),
        (OAK.replace('"USD"', '"dollars"'), {"model": "oak", "field": "currency"}),
        (OAK.replace('currency = "USD"', ""), {"model": "oak", "field": "currency"}),
        (OAK + "batch_discount = 50\n", {"model": "oak", "field": "batch_discount"}),
        (OAK + "cached_prompt = -1\n", {"model": "oak", "field": "cached_prompt"}),
        ("model = 3\n", {"model": "–", "field": "model"}),
        ("[model]\noak = 3\n", {"model": "oak", "field": "model"}),
    ],
)
def test_a_price_that_is_none_is_refused_by_model_and_field(tmp_path, text, values):
    path = written(tmp_path, text)

    with pytest.raises(BrokenFile) as refused:
        read_prices(path)

    assert refused.value.code == "bad_price"
    assert refused.value.values == {"file": str(path), **values}


@pytest.mark.parametrize(
    ("text", "field"), [(OAK + "promt = 2\n", "promt"), ("[models.oak]\nprompt = 2\n", "models")]
)
def test_a_misspelt_field_is_refused_by_its_name(tmp_path, text, field):
    with pytest.raises(BrokenFile) as refused:
        read_prices(written(tmp_path, text))

    assert refused.value.code == "unknown_price_field"
    assert refused.value.values["field"] == field


def test_what_is_no_toml_is_refused_with_its_line(tmp_path):
    with pytest.raises(BrokenFile) as refused:
        read_prices(written(tmp_path, f"{OAK}reply = \n"))

    assert refused.value.code == "not_toml"
    assert "line 5" in str(refused.value.values["problem"])


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BrokenFile) as refused:
        read_prices(tmp_path / "none.toml")

    assert refused.value.code == "no_file"
