"""Where words stand in the texts that one may see."""

from core.services.searching import search
from core.ui.address import written
from core.ui.searches import draw_found
from core.ui.shell import page

with page("search") as p:
    words = written(
        p, "words", label=p.t("search.words"), placeholder=p.t("nav.search"),
        help=p.t("search.help_lead" if "lead" in p.rights else "search.help"),
    )  # fmt: skip
    if words.strip():
        draw_found(p, search(p.store, p.study, p.person, words))
