"""The methods report: a study's design, figures, formulas and references, in either language."""

import html
import json

from markdown_it import MarkdownIt

from core.domain.questions import Language
from core.formats.latex import markdown_table
from core.i18n import sentence
from core.reports.agreement import OnAgreement
from core.reports.design import Design
from core.reports.intervals import Line
from core.reports.wording import Section, plain
from core.services.describing import Description
from core.services.ranking import Row

_WAYS = ("judge", "physicians", "corrected", "second")
_FORMULAS = (
    "usable", "kappa", "weighted_kappa", "ac1", "pabak", "alpha", "alt_test", "bootstrap", "wilson",
    "weights", "ppi", "rogan_gladen", "ranks", "op",
)  # fmt: skip
#: Bibliographic facts, the same in every language.
REFERENCES = (
    "Angelopoulos AN, Duchi JC, Zrnic T. PPI++: efficient prediction-powered inference. "
    "arXiv:2311.01453, 2023.",
    "Benjamini Y, Yekutieli D. The control of the false discovery rate in multiple testing under "
    "dependency. Ann Stat 2001;29:1165-1188.",
    "Bland JM, Altman DG. Statistical methods for assessing agreement between two methods of "
    "clinical measurement. Lancet 1986;327:307-310.",
    "Byrt T, Bishop J, Carlin JB. Bias, prevalence and kappa. J Clin Epidemiol 1993;46:423-429.",
    "Calderon N, Reichart R, Dror R. The alternative annotator test for LLM-as-a-judge. "
    "arXiv:2501.10970, 2025.",
    "Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46.",
    "Cohen J. Weighted kappa. Psychol Bull 1968;70:213-220.",
    "Fleiss JL. Measuring nominal scale agreement among many raters. Psychol Bull 1971;76:378-382.",
    "Gwet KL. Computing inter-rater reliability and its variance in the presence of high "
    "agreement. Br J Math Stat Psychol 2008;61:29-48.",
    "Horvitz DG, Thompson DJ. A generalization of sampling without replacement from a finite "
    "universe. J Am Stat Assoc 1952;47:663-685.",
    "Krippendorff K. Computing Krippendorff's alpha-reliability. University of Pennsylvania, 2011.",
    "Lee C, Zeng T, Jeong J, Sohn J, Lee K. How to correctly report LLM-as-a-judge evaluations. "
    "arXiv:2511.21140, 2025.",
    "Rogan WJ, Gladen B. Estimating prevalence from the results of a screening test. "
    "Am J Epidemiol 1978;107:71-76.",
    "Wilson EB. Probable inference, the law of succession, and statistical inference. "
    "J Am Stat Assoc 1927;22:209-212.",
    "Zhang M, et al. LLMEval-Med: a real-world clinical benchmark for medical LLMs with physician "
    "validation. arXiv:2506.04078, 2025.",
)
_STYLE = (
    "body{font:16px/1.6 'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
    "table{border-collapse:collapse;font-size:.85rem;display:block;overflow-x:auto}"
    "td,th{padding:.2rem .6rem;border-bottom:1px solid #c9d1da;text-align:right}"
    "td:first-child,th:first-child{text-align:left}h1,h2{line-height:1.25}img{max-width:100%}"
)


def methods_markdown(found: Description, language: Language) -> str:
    """The whole report as Markdown, figures included; people appear as R1, R2, …"""
    return _Report(found, language).text()


def methods_html(found: Description, language: Language) -> str:
    """The same report as one HTML file that asks nothing of any network."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table")
    body.validateLink = lambda url: url.startswith("data:image/svg+xml;base64,")  # type: ignore[method-assign]
    title = html.escape(sentence(language, "report.title", study=found.study.name))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"{body.render(methods_markdown(found, language))}</body></html>\n"
    )


class _Report(Section):
    """The whole of it."""

    __slots__ = ()

    def text(self) -> str:
        """As Markdown."""
        parts = [
            f"# {self.t('title', study=plain(self.found.study.name))}",
            sentence(self.language, "shell.research_only"),
            self.t("made", at=self.found.made_at),
            *Design(self.found, self.language).parts(),
            *OnAgreement(self.found, self.language).parts(), *self._board(), *self._left_out(),
            *self._formulas(),
            *self._references(), *self._reproduction(),
        ]  # fmt: skip
        return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"

    def _board(self) -> list[str]:
        board = self.found.board
        ways = [
            [_ranks(row), row.model, *(self.rate(row.op, way) for way in _WAYS),
             self.rate(row.weighted, "judge"), str(row.op.responses), str(row.op.unscored)]
            for row in board.rows
        ]  # fmt: skip
        cells = [
            [row.model, *(self.rate(row.cells[name], "judge") for name in board.columns)]
            for row in board.rows
        ]
        alike = [
            self.t("alike", names=", ".join(row.model for row in board.rows[i : j + 1]))
            for i, j in board.brackets
        ]
        columns = [self.named("category", name) for name in board.columns]
        by_category = markdown_table([self.t("column.model"), *columns], cells)
        lines = [
            Line(f"{row.model} · {self.t(f'column.{way}')}", getattr(row.op, way))
            for row in board.rows
            for way in ("judge", "physicians", "corrected")
        ]
        return [
            f"## {self.t('board')}",
            self.t("board_text"),
            self.table(
                "board", ("rank", "model", *_WAYS, "question_weighted", "n_responses", "unscored"),
                ways,
            ),
            f"**{self.t('table.by_cell')}**\n\n{by_category}",
            "\n".join(f"- {one}" for one in alike),
            self.figure("three_ways", lines),
        ]  # fmt: skip

    def _left_out(self) -> list[str]:
        excluded = [
            f"- {one.key} ({one.at[:10]}): {plain(one.reason)}" for one in self.found.exclusions
        ]
        return [
            f"## {self.t('excluded')}",
            "\n".join(excluded) if excluded else self.t("none_excluded"),
        ]

    def _formulas(self) -> list[str]:
        lines = [f"- {self.t(f'formula.{name}')}" for name in _FORMULAS]
        return [f"## {self.t('formulas')}", "\n".join(lines)]

    def _references(self) -> list[str]:
        lines = [f"{number}. {plain(one)}" for number, one in enumerate(REFERENCES, 1)]
        return [f"## {self.t('references')}", "\n".join(lines)]

    def _reproduction(self) -> list[str]:
        found = self.found
        judged = [
            f"- {self.t('judged_rows', name=plain(one.name))}: {one.rows or '–'}"
            for one in found.judges
        ]
        name = found.datasets[0].name
        commands = "\n".join(
            f"    python -m core {one} --dataset {json.dumps(name, ensure_ascii=False)}"
            f" --judge {json.dumps(found.panel.name, ensure_ascii=False)} --json"
            for one in ("agreement", "leaderboard")
        )
        facts = ", ".join(f"{table} {last}" for table, last in found.facts)
        return [
            f"## {self.t('reproduction')}",
            self.t("reproduction_text"),
            commands,
            f"- {self.t('scored_rows')}: {found.scored_rows}",
            "\n".join(judged),
            self.t("facts", facts=facts, python=found.python),
        ]


def _ranks(row: Row) -> str:
    return "–".join(map(str, dict.fromkeys(row.ranks or ()))) or "–"
