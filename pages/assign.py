"""A lead draws the responses that physicians are asked for, and watches how far they are."""

from core.ui.assigning import draw_draws, draw_fields_of_work, draw_new_draw, draw_plan
from core.ui.manual import draw_manual_editor
from core.ui.shell import page

with page("assign") as p:
    draw_draws(p)
    draw_new_draw(p)
    draw_plan(p)
    draw_fields_of_work(p)
    draw_manual_editor(p)
