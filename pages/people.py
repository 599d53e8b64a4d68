"""Who does what: how physicians work for leads, accounts for administrators."""

from core.ui.backups import draw_backups
from core.ui.people_tables import draw_add, draw_change, draw_history, draw_people
from core.ui.physicians import draw_audits, draw_observed, draw_shift
from core.ui.shell import page

with page("people") as p:
    draw_people(p)
    if "lead" in p.rights:
        draw_observed(p)
        draw_shift(p)
        draw_audits(p)
    if "administrator" in p.rights:
        draw_add(p)
        draw_change(p)
        draw_history(p)
        draw_backups(p)
