"""One's own account: who one is here, and the password."""

from core.ui.people_tables import draw_own
from core.ui.shell import page

with page("account") as p:
    draw_own(p)
