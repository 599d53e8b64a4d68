"""The methods report on agreement: judge and physicians, physicians among themselves, parts."""

from collections.abc import Sequence

from core.domain import mtg
from core.domain.agreement import Agreement
from core.formats.latex import markdown_table
from core.reports.intervals import Line
from core.reports.wording import Section
from core.services.comparing import Comparison

_SHARES = ("false_usable", "missed_risk", "sensitivity", "specificity")


class OnAgreement(Section):
    """Every coefficient with its n and interval, whole, by group and by part."""

    __slots__ = ()

    def parts(self) -> list[str]:
        """The sections in their order."""
        return [*self._agreement(), *self._among(), *self._parts()]

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
            self.figure(
                "bars",
                [
                    Line(self.named("category", label), one.usable.agreement)
                    for label, one in self.found.groups["category"].items()
                ],
            ),
        ]  # fmt: skip

    def _comparison(self, name: str, found: Comparison) -> str:
        rows = [
            [self.named("figure", one), self.t("on_usable"), *self.cells(getattr(found, one))]
            for one in _SHARES
        ]
        for on, agreement in (("usable", found.usable), ("scores", found.scores)):
            rows += [
                [self.named("figure", "agreement"), self.t(f"on_{on}"),
                 *self.cells(agreement.agreement)],
                *(
                    [self.named("coefficient", one), self.t(f"on_{on}"), *self.cells(estimate)]
                    for one, estimate in agreement.coefficients.items()
                    if on == "scores" or one not in ("linear_kappa", "quadratic_kappa")
                ),
            ]  # fmt: skip
        return self.table(f"comparison_{name}", ("figure", "on", "value", "interval", "n"), rows)

    def _group(self, name: str, groups: dict[str, Comparison]) -> str:
        if not groups:
            return ""
        rows = [
            [
                self.named(name, label), str(one.usable.agreement.n),
                *(self.said(estimate) for estimate in (
                    one.false_usable, one.usable.agreement, one.usable.coefficients["cohen_kappa"],
                    one.usable.coefficients["gwet_ac1"],
                    one.scores.coefficients["quadratic_kappa"],
                )),
            ]
            for label, one in groups.items()
        ]  # fmt: skip
        head = (name, "n", "false_usable", "agreement_short", "kappa", "ac1", "quadratic")
        return self.table(f"by_{name}", head, rows)

    def _matrix(self, name: str, found: Agreement, labels: Sequence[str]) -> str:
        rows = [[label, *map(str, row)] for label, row in zip(labels, found.table, strict=True)]
        head = [self.t("column.corner"), *labels]
        return f"**{self.t(f'table.matrix_{name}')}**\n\n{markdown_table(head, rows)}"

    def _among(self) -> list[str]:
        ceiling = self.found.ceiling
        rows = [
            [self.named("figure", "agreement"), *self.cells(ceiling.usable.agreement)],
            *(
                [self.named("coefficient", name), *self.cells(one)]
                for name, one in ceiling.usable.coefficients.items()
            ),
            *(
                [self.named("agreement", f"alpha_{name}"), *self.cells(one)]
                for name, one in ceiling.alpha.items()
            ),
            ["Fleiss κ", *self.cells(ceiling.fleiss)],
            *(
                [self.t("within", name=label), *self.cells(one)]
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
                omega=self.said(test.omega),
                rho=self.said(test.rho),
                epsilon=test.epsilon,
                physicians=test.physicians,
                units=test.units,
            )
            for name, test in (("usable", ceiling.test_usable), ("scores", ceiling.test_scores))
        ]
        return [
            f"## {self.t('among')}",
            self.t("among_text", n=ceiling.usable.agreement.n, responses=ceiling.responses),
            self.table("ceiling", ("figure", "value", "interval", "n"), rows),
            "\n\n".join(tests),
        ]

    def _parts(self) -> list[str]:
        found = self.found.requirements
        rows = [
            [self.named("agreement.level", name), str(one.agreement.n),
             self.said(one.agreement), self.said(one.coefficients["cohen_kappa"]),
             self.said(one.coefficients["quadratic_kappa"])]
            for name, one in (("all", found.all), ("core", found.core),
                              ("secondary", found.secondary))
        ]  # fmt: skip
        said = [
            f"## {self.t('parts')}",
            self.t("parts_text", n=found.all.agreement.n, unpaired=found.unpaired),
            self.table(
                "requirements", ("level", "n", "agreement_short", "kappa", "quadratic"), rows
            ),
        ]
        if self.found.dimensions:
            said.append(
                self.table(
                    "dimensions", ("model", "by", *mtg.DIMENSIONS),
                    [
                        [one.model, self.t(f"by_{one.by}"),
                         *(self.said(one.means[name]) for name in mtg.DIMENSIONS)]
                        for one in self.found.dimensions
                    ],
                )
            )  # fmt: skip
        return said
