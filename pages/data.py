"""What the database holds; import and export."""

from core.ui.data_tables import draw_datasets, draw_export, draw_import
from core.ui.shell import page

with page("data") as p:
    draw_datasets(p)
    draw_import(p)
    draw_export(p)
