"""The methods report on a study's design: data, questions, models, judges, physicians, draws."""

import json

from core.reports.wording import Section, plain


class Design(Section):
    """What was asked, answered, judged and scored, and how it was drawn."""

    __slots__ = ()

    def parts(self) -> list[str]:
        """The sections in their order."""
        return [*self._design(), *self._machines(), *self._people()]

    def _design(self) -> list[str]:
        found = self.found
        names = ", ".join(
            f"{plain(one.name)} ({one.format}, {self.named('marking', one.marking)})"
            for one in found.datasets
        )
        statements = [
            "- "
            + self.t(
                "item", name=self.t(f"stated.{name}"), value=plain(value) or self.t("not_stated")
            )
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
            self.table(
                "questions", ("category", "language", "n_questions", "conversations", "version",
                              "revised"),
                [
                    [self.named("category", one.category), one.language, str(one.questions),
                     str(one.conversations), str(one.versions), str(one.revised)]
                    for one in found.asked
                ],
            ),
            self.table(
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
                "judge_text", name=plain(one.name), engine=one.engine, model=plain(one.model),
                parameters=json.dumps(one.parameters, ensure_ascii=False, sort_keys=True),
                rounds=one.rounds, usable_from=self.found.panel.scale.usable_from,
                lowest=self.found.panel.scale.minimum, highest=self.found.panel.scale.maximum,
                prompts="; ".join(
                    plain(f"{kind.category}/{kind.language} v{kind.version} (#{kind.prompt_id})")
                    for kind in one.prompts
                ),
                unscored=self.reasons(one.unscored),
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
                or self.named("words", "none"),
                allocation=self.named("assign", f"allocation_{one.allocation}"),
                overlap=one.overlap, repeat=f"{100 * one.repeat_share:.0f}", seed=one.seed,
                low=f"{one.low:.4f}", high=f"{one.high:.4f}",
            )
            for one in found.drawn
        ]  # fmt: skip
        blind, unknown = (
            sum(getattr(one, phase) for one in found.scorers) for phase in ("blind", "unknown")
        )
        no_draw = self.t("no_draw_elsewhere" if unknown > blind else "no_draw")
        return [
            f"## {self.t('people')}",
            self.t("people_text", n=len(found.scorers), blind=blind, unknown=unknown),
            self.table(
                "scorers", ("rater", "n_scores", "blind", "unknown", "seconds"),
                [
                    [one.code, str(one.scores), str(one.blind), str(one.unknown),
                     "–" if one.seconds is None else f"{one.seconds:.0f}"]
                    for one in found.scorers
                ],
            ),
            "\n".join(f"- {one}" for one in draws) if draws else no_draw,
        ]  # fmt: skip
