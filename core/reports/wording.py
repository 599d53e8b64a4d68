"""Wording: how the methods report says a number, a table and a figure, in either language."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.estimation import Estimate
from core.domain.questions import Language
from core.formats.latex import markdown_table
from core.i18n import has_key, sentence
from core.reports.intervals import Line, interval_figure
from core.services.describing import Description
from core.services.rating import Rates


@dataclass(frozen=True, slots=True)
class Section:
    """Puts a part of a description into words."""

    found: Description
    language: Language

    def t(self, key: str, /, **values: object) -> str:
        """A text of the report."""
        return sentence(self.language, f"report.{key}", **values)

    def named(self, group: str, code: str) -> str:
        """The words of a code, or the code itself."""
        return sentence(self.language, f"{group}.{code}") if has_key(f"{group}.{code}") else code

    def table(self, name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """A titled table."""
        titles = [self.t(f"column.{one}") for one in head]
        return f"**{self.t(f'table.{name}')}**\n\n{markdown_table(titles, _safe(rows))}"

    def figure(self, name: str, lines: Sequence[Line]) -> str:
        """A titled figure of intervals; '' where nothing is known."""
        known = [one for one in lines if one.estimate.value is not None]
        if not known:
            return ""
        title = self.t(f"figure.{name}")
        return f"![{title}]({interval_figure(known)})\n\n*{title}*"

    def cells(self, one: Estimate) -> list[str]:
        """Value, interval and n; or why there is no value."""
        if one.value is None:
            because = sentence(self.language, f"undefined.{one.undefined_because}")
            return [because, "–", str(one.n)]
        interval = "–" if one.low is None else f"[{one.low:.4f}, {one.high:.4f}]"
        return [f"{one.value:.4f}", interval, str(one.n)]

    def said(self, one: Estimate) -> str:
        """Value and interval in one cell."""
        value, interval, _ = self.cells(one)
        return f"{value} {interval}".removesuffix(" –") if one.value is not None else value

    def rate(self, rates: Rates, way: str) -> str:
        """A rate of the leaderboard with its n."""
        one: Estimate = getattr(rates, way)
        shared = " *" if way == "second" and rates.is_shared else ""
        return f"{self.said(one)} (n {one.n}){shared}"

    def reasons(self, reasons: dict[str, int]) -> str:
        """Why verdicts are unscored, with counts."""
        said = [f"{self.named('unscored', code)} {count}" for code, count in reasons.items()]
        return "; ".join(said) or "–"


def _safe(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[plain(cell) for cell in row] for row in rows]


def plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line."""
    signs = (f"\\{sign}" if sign in "\\*_`#<>~" else sign for sign in " ".join(text.split()))
    return "".join(signs).replace("](", "]\\(")
