"""The methods report: a study's design, figures, formulas and references, in either language."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from core.domain import mtg
from core.domain.agreement import Agreement
from core.domain.estimation import Estimate
from core.domain.questions import Language
from core.formats.latex import markdown_table
from core.i18n import has_key, sentence
from core.reports.intervals import Line, interval_figure
from core.services.comparing import Comparison
from core.services.describing import Description
from core.services.ranking import Row
from core.services.rating import Rates

_WAYS = ("judge", "physicians", "corrected", "second")
_SHARES = ("false_usable", "missed_risk", "sensitivity", "specificity")
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


@dataclass(frozen=True, slots=True)
class _Report:
    """Puts a description into words."""

    found: Description
    language: Language

    def t(self, key: str, /, **values: object) -> str:
        return sentence(self.language, f"report.{key}", **values)

    def named(self, group: str, code: str) -> str:
        return sentence(self.language, f"{group}.{code}") if has_key(f"{group}.{code}") else code

    def text(self) -> str:
        parts = [
            f"# {self.t('title', study=_plain(self.found.study.name))}",
            sentence(self.language, "shell.research_only"),
            self.t("made", at=self.found.made_at),
            *self._design(), *self._machines(), *self._people(), *self._agreement(),
            *self._among(), *self._parts(), *self._board(), *self._left_out(), *self._formulas(),
            *self._references(), *self._reproduction(),
        ]  # fmt: skip
        return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"

    # --- design -----------------------------------------------------------------------------

    def _design(self) -> list[str]:
        found = self.found
        names = ", ".join(
            f"{_plain(one.name)} ({one.format}, {self.named('marking', one.marking)})"
            for one in found.datasets
        )
        statements = [
            f"- {self.t(f'stated.{name}')}: {_plain(value) or self.t('not_stated')}"
            for name, value in found.stated.items()
        ]
        return [
            f"## {self.t('design')}",
            self.t("banner") if found.study.is_illustrative else "",
            self.t(
                "design_text", datasets=names, questions=sum(one.questions for one in found.asked),
                conversations=sum(one.conversations for one in found.asked),
                models=len(found.answered),
                responses=sum(one.responses for one in found.answered),
                reveal=self.t(f"reveal.{found.study.reveal}"),
            ),
            "\n".join(statements),
            self._table(
                "questions", ("category", "language", "n_questions", "conversations", "version",
                              "revised"),
                [
                    [self.named("category", one.category), one.language, str(one.questions),
                     str(one.conversations), str(one.versions), str(one.revised)]
                    for one in found.asked
                ],
            ),
            self._table(
                "models", ("model", "n_responses", "absent", "samples"),
                [
                    [one.model, str(one.responses), str(one.absent), str(one.samples)]
                    for one in found.answered
                ],
            ),
        ]  # fmt: skip

    def _machines(self) -> list[str]:
        rule = self.found.panel.rule
        lines = [
            self.t(
                "judge_text", name=_plain(one.name), engine=one.engine, model=_plain(one.model),
                parameters=json.dumps(one.parameters, ensure_ascii=False, sort_keys=True),
                rounds=one.rounds, usable_from=self.found.panel.scale.usable_from,
                lowest=self.found.panel.scale.minimum, highest=self.found.panel.scale.maximum,
                prompts="; ".join(
                    _plain(f"{kind.category}/{kind.language} v{kind.version} (#{kind.prompt_id})")
                    for kind in one.prompts
                ),
                unscored=self._reasons(one.unscored),
            )
            for one in self.found.judges
        ]  # fmt: skip
        jury = "" if rule is None else self.t("jury_text", rule=self.named("jury.rule", rule))
        return [f"## {self.t('machines')}", jury, "\n\n".join(lines)]

    def _people(self) -> list[str]:
        found = self.found
        draws = [
            self.t(
                "draw_text", id=one.id, purpose=self.named("assign", f"purpose_{one.purpose}"),
                responses=one.responses, unit=self.named("assign", f"unit_{one.unit}"),
                strata=", ".join(self.named("assign", f"stratum_{name}") for name in one.strata)
                or "–",
                allocation=self.named("assign", f"allocation_{one.allocation}"),
                overlap=one.overlap, repeat=f"{100 * one.repeat_share:.0f}", seed=one.seed,
                low=f"{one.low:.4f}", high=f"{one.high:.4f}",
            )
            for one in found.drawn
        ]  # fmt: skip
        return [
            f"## {self.t('people')}",
            self.t("people_text", n=len(found.scorers)),
            self._table(
                "scorers", ("rater", "n_scores", "blind", "unknown", "seconds"),
                [
                    [one.code, str(one.scores), str(one.blind), str(one.unknown),
                     "–" if one.seconds is None else f"{one.seconds:.0f}"]
                    for one in found.scorers
                ],
            ),
            "\n".join(f"- {one}" for one in draws) if draws else self.t("no_draw"),
        ]  # fmt: skip

    # --- agreement --------------------------------------------------------------------------

    def _agreement(self) -> list[str]:
        found = self.found.comparison
        raw = found.raw
        weighted = "" if raw is None else self.t(
            "weighted", effective=f"{found.effective_n or 0:.0f}", undrawn=found.undrawn
        )  # fmt: skip
        excluded = self.found.with_excluded
        readings = [
            (name, one)
            for name, one in (("raw", raw), ("with_excluded", excluded))
            if one is not None
        ]
        return [
            f"## {self.t('agreement')}",
            self.t(
                "agreement_text", cases=found.cases, undecided=found.undecided,
                unscored=found.unscored, pending=found.pending, unknown=found.unknown_phase,
            ),
            weighted,
            self._comparison("main", found),
            *(self._comparison(name, one) for name, one in readings),
            self._matrix("usable", found.usable, ["0", "1"]),
            self._matrix(
                "scores", found.scores,
                [str(found.lowest + step) for step in range(len(found.scores.table))],
            ),
            *(self._group(name, some) for name, some in self.found.groups.items()),
            self._figure(
                "bars",
                [
                    Line(self.named("category", label), one.usable.agreement)
                    for label, one in self.found.groups["category"].items()
                ],
            ),
        ]  # fmt: skip

    def _comparison(self, name: str, found: Comparison) -> str:
        rows = [
            [self.named("figure", one), self.t("on_usable"), *self._cells(getattr(found, one))]
            for one in _SHARES
        ]
        for on, agreement in (("usable", found.usable), ("scores", found.scores)):
            rows += [
                [self.named("figure", "agreement"), self.t(f"on_{on}"),
                 *self._cells(agreement.agreement)],
                *(
                    [self.named("coefficient", one), self.t(f"on_{on}"), *self._cells(estimate)]
                    for one, estimate in agreement.coefficients.items()
                    if on == "scores" or one not in ("linear_kappa", "quadratic_kappa")
                ),
            ]  # fmt: skip
        return self._table(f"comparison_{name}", ("figure", "on", "value", "interval", "n"), rows)

    def _group(self, name: str, groups: dict[str, Comparison]) -> str:
        if not groups:
            return ""
        rows = [
            [
                self.named(name, label), str(one.usable.agreement.n),
                *(self._said(estimate) for estimate in (
                    one.false_usable, one.usable.agreement, one.usable.coefficients["cohen_kappa"],
                    one.usable.coefficients["gwet_ac1"],
                    one.scores.coefficients["quadratic_kappa"],
                )),
            ]
            for label, one in groups.items()
        ]  # fmt: skip
        head = (name, "n", "false_usable", "agreement_short", "kappa", "ac1", "quadratic")
        return self._table(f"by_{name}", head, rows)

    def _matrix(self, name: str, found: Agreement, labels: Sequence[str]) -> str:
        rows = [[label, *map(str, row)] for label, row in zip(labels, found.table, strict=True)]
        head = [self.t("column.corner"), *labels]
        return f"**{self.t(f'table.matrix_{name}')}**\n\n{markdown_table(head, rows)}"

    def _among(self) -> list[str]:
        ceiling = self.found.ceiling
        rows = [
            [self.named("figure", "agreement"), *self._cells(ceiling.usable.agreement)],
            *(
                [self.named("coefficient", name), *self._cells(one)]
                for name, one in ceiling.usable.coefficients.items()
            ),
            *(
                [self.named("agreement", f"alpha_{name}"), *self._cells(one)]
                for name, one in ceiling.alpha.items()
            ),
            ["Fleiss κ", *self._cells(ceiling.fleiss)],
            *(
                [self.t("within", name=label), *self._cells(one)]
                for some in self.found.within
                for label, one in (
                    (self.named("figure", "agreement"), some.usable.agreement),
                    ("Cohen κ", some.usable.coefficients["cohen_kappa"]),
                )
            ),
        ]  # fmt: skip
        tests = [
            self.t(
                f"alt_{name}",
                omega=self._said(test.omega),
                rho=self._said(test.rho),
                epsilon=test.epsilon,
                physicians=test.physicians,
                units=test.units,
            )
            for name, test in (("usable", ceiling.test_usable), ("scores", ceiling.test_scores))
        ]
        return [
            f"## {self.t('among')}",
            self.t("among_text", n=ceiling.usable.agreement.n, responses=ceiling.responses),
            self._table("ceiling", ("figure", "value", "interval", "n"), rows),
            "\n\n".join(tests),
        ]

    def _parts(self) -> list[str]:
        found = self.found.requirements
        rows = [
            [self.named("agreement.level", name), str(one.agreement.n),
             self._said(one.agreement), self._said(one.coefficients["cohen_kappa"]),
             self._said(one.coefficients["quadratic_kappa"])]
            for name, one in (("all", found.all), ("core", found.core),
                              ("secondary", found.secondary))
        ]  # fmt: skip
        said = [
            f"## {self.t('parts')}",
            self.t("parts_text", n=found.all.agreement.n, unpaired=found.unpaired),
            self._table(
                "requirements", ("level", "n", "agreement_short", "kappa", "quadratic"), rows
            ),
        ]
        if self.found.dimensions:
            said.append(
                self._table(
                    "dimensions", ("model", "by", *mtg.DIMENSIONS),
                    [
                        [one.model, self.t(f"by_{one.by}"),
                         *(self._said(one.means[name]) for name in mtg.DIMENSIONS)]
                        for one in self.found.dimensions
                    ],
                )
            )  # fmt: skip
        return said

    # --- leaderboard ------------------------------------------------------------------------

    def _board(self) -> list[str]:
        board = self.found.board
        ways = [
            [_ranks(row), row.model, *(self._rate(row.op, way) for way in _WAYS),
             self._rate(row.weighted, "judge"), str(row.op.responses), str(row.op.unscored)]
            for row in board.rows
        ]  # fmt: skip
        cells = [
            [row.model, *(self._rate(row.cells[name], "judge") for name in board.columns)]
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
            self._table(
                "board", ("rank", "model", *_WAYS, "question_weighted", "n_responses", "unscored"),
                ways,
            ),
            f"**{self.t('table.by_cell')}**\n\n{by_category}",
            "\n".join(f"- {one}" for one in alike),
            self._figure("three_ways", lines),
        ]  # fmt: skip

    # --- what was left out, formulas, rows --------------------------------------------------

    def _left_out(self) -> list[str]:
        excluded = [
            f"- {one.key} ({one.at[:10]}): {_plain(one.reason)}" for one in self.found.exclusions
        ]
        return [
            f"## {self.t('excluded')}",
            "\n".join(excluded) if excluded else self.t("none_excluded"),
        ]

    def _formulas(self) -> list[str]:
        lines = [f"- {self.t(f'formula.{name}')}" for name in _FORMULAS]
        return [f"## {self.t('formulas')}", "\n".join(lines)]

    def _references(self) -> list[str]:
        lines = [f"{number}. {_plain(one)}" for number, one in enumerate(REFERENCES, 1)]
        return [f"## {self.t('references')}", "\n".join(lines)]

    def _reproduction(self) -> list[str]:
        found = self.found
        judged = [
            f"- {self.t('judged_rows', name=_plain(one.name))}: {one.rows or '–'}"
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

    # --- cells ------------------------------------------------------------------------------

    def _table(self, name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        titles = [self.t(f"column.{one}") for one in head]
        return f"**{self.t(f'table.{name}')}**\n\n{markdown_table(titles, _safe(rows))}"

    def _figure(self, name: str, lines: Sequence[Line]) -> str:
        known = [one for one in lines if one.estimate.value is not None]
        if not known:
            return ""
        title = self.t(f"figure.{name}")
        return f"![{title}]({interval_figure(known)})\n\n*{title}*"

    def _cells(self, one: Estimate) -> list[str]:
        if one.value is None:
            because = sentence(self.language, f"undefined.{one.undefined_because}")
            return [because, "–", str(one.n)]
        interval = "–" if one.low is None else f"[{one.low:.4f}, {one.high:.4f}]"
        return [f"{one.value:.4f}", interval, str(one.n)]

    def _said(self, one: Estimate) -> str:
        value, interval, _ = self._cells(one)
        return f"{value} {interval}".removesuffix(" –") if one.value is not None else value

    def _rate(self, rates: Rates, way: str) -> str:
        one: Estimate = getattr(rates, way)
        shared = " *" if way == "second" and rates.is_shared else ""
        return f"{self._said(one)} (n {one.n}){shared}"

    def _reasons(self, reasons: dict[str, int]) -> str:
        said = [f"{self.named('unscored', code)} {count}" for code, count in reasons.items()]
        return "; ".join(said) or "–"


def _ranks(row: Row) -> str:
    return "–".join(map(str, dict.fromkeys(row.ranks or ()))) or "–"


def _safe(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[_plain(cell) for cell in row] for row in rows]


def _plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line."""
    signs = (f"\\{sign}" if sign in "\\*_`#<>~" else sign for sign in " ".join(text.split()))
    return "".join(signs).replace("](", "]\\(")
