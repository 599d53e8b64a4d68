"""Tables as LaTeX, Markdown and CSV text, for papers and spreadsheets."""

import csv
import io
from collections.abc import Sequence

from core.domain.table_fields import harmless

#: Characters that LaTeX reads as commands, with what prints them.
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "κ": r"$\kappa$", "α": r"$\alpha$", "ω": r"$\omega$", "ρ": r"$\rho$", "ε": r"$\varepsilon$",
    "–": "--", "±": r"$\pm$", "≥": r"$\geq$", "→": r"$\rightarrow$", "·": r"$\cdot$",
    "−": "$-$", "π": r"$\pi$",
}  # fmt: skip


def latex_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A `tabular`, first column left, the others right; Chinese needs `ctex` or XeLaTeX."""
    lines = [" & ".join(map(latex_text, line)) + r" \\" for line in (head, *rows)]
    return "\n".join(
        [rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", r"\hline", lines[0], r"\hline",
         *lines[1:], r"\hline", r"\end{tabular}", ""]
    )  # fmt: skip


def latex_text(text: str) -> str:
    """A text that LaTeX prints as it is."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A pipe table, first column left, the others right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    cells = [[cell.replace("|", r"\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def csv_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated, with cells that no spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
