"""Who does what: progress for leads, accounts for administrators."""

from core.ui.backups import draw_backups
from core.ui.people_tables import draw_add, draw_change, draw_history, draw_people
from core.ui.shell import page

with page("people") as p:
    draw_people(p)
    if "administrator" in p.rights:
        draw_add(p)
        draw_change(p)
        draw_history(p)
        draw_backups(p)
