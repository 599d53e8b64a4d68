"""Responses on which physicians differ: one person decides, before any judge is shown."""

from core.ui.adjudication import draw_disputes, draw_spot_checks
from core.ui.key_list import draw_key_list
from core.ui.shell import page

with page("adjudicate") as p:
    draw_key_list(p, ("decide", "note", "second_look", "help"))
    draw_disputes(p)
    draw_spot_checks(p)
