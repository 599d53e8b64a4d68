"""Clinical text on the screen, to the character.

Questions, references, requirements and comments are shown as plain text with their white space.
Responses may be rendered as Markdown, with everything off that could change or hide a dose: HTML,
images, links, quotations, strikethrough, and stars that could be a product, a power or an allele.
A response of which anything else would be lost is shown as plain text. Neither ever passes through
`st.markdown`, which strikes out `2~3片，每日5~7天` and swallows the stars of `HLA-B*27…B*57`.
"""

import html
import re
from collections.abc import Sequence

import streamlit as st
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

from core.domain.differences import Piece

_SPECIAL = str.maketrans({"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
#: Marks that a rendered response shows by its layout instead.
_LAYOUT = re.compile(
    r"^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)+"  # items of lists, also nested on one line
    r"|^[ \t]*(?:`{3,}).*$"  # fences with their language
    r"|&#?\w+;",
    re.MULTILINE,
)
_TAG = re.compile(r"<[^>]*>")
_SIGNS = "<>%~±×÷≤≥^/=+"


def show_text(text: str, *, kind: str = "") -> None:
    """Show a text exactly as it is written.

    Args:
        kind: a further style class, such as `note`.
    """
    st.html(text_html(text, kind=kind))


def show_response(text: str, *, raw: bool) -> None:
    """Show a model's response, rendered or raw."""
    st.html(response_html(text, raw=raw))


def response_html(text: str, *, raw: bool) -> str:
    """HTML of a model's response on one line, rendered or raw."""
    return text_html(text) if raw else rendered_html(text)


def text_html(text: str, *, kind: str = "") -> str:
    """HTML on one line (Streamlit dedents what it is given) whose text is exactly `text`.

    HTML itself has no NUL and reads a carriage return as a line feed.
    """
    escaped = html.escape(text, quote=False).translate(_SPECIAL)
    return f'<div class="clinical {kind}" dir="auto">{escaped}</div>'


def found_html(parts: Sequence[str]) -> str:
    """HTML on one line whose text is exactly that of the parts, with every second one marked."""
    body = "".join(
        ("<mark>{}</mark>" if at % 2 else "{}").format(
            html.escape(part, quote=False).translate(_SPECIAL)
        )
        for at, part in enumerate(parts)
    )
    return f'<div class="clinical" dir="auto">{body}</div>'


def pieces_html(pieces: Sequence[Piece]) -> str:
    """HTML on one line whose text is exactly that of the pieces, with changed ones marked."""
    marks = {"same": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
    body = "".join(
        marks[piece.kind].format(html.escape(piece.text, quote=False).translate(_SPECIAL))
        for piece in pieces
    )
    return f'<div class="clinical" dir="auto">{body}</div>'


def rendered_html(text: str) -> str:
    """HTML of a response's Markdown, on one line; of its plain text where that loses anything."""
    body = _MARKDOWN.render(text)
    if _content(_LAYOUT.sub(_kept_entity, text)) != _content(html.unescape(_TAG.sub("", body))):
        return text_html(text)
    return f'<div class="clinical-rendered" dir="auto">{body.translate(_SPECIAL)}</div>'


def _kept_entity(found: re.Match[str]) -> str:
    """Layout goes; `&lt;` in a response is these four characters."""
    return found[0] if found[0].startswith("&") else ""


def _content(text: str) -> str:
    """The letters, digits and signs of a text, in order."""
    return "".join(character for character in text if character.isalnum() or character in _SIGNS)


def _literal_stars(state: StateInline, silent: bool) -> bool:
    """Take stars as themselves, but for `**strong**` that is no power such as `10**9`."""
    at = state.pos
    if state.src[at] not in "*_":
        return False
    end = at
    while end < state.posMax and state.src[end] == state.src[at]:
        end += 1
    before = state.src[at - 1] if at else " "
    after = state.src[end] if end < state.posMax else " "
    is_power = _is_operand(before) and _is_operand(after)
    if state.src[at] == "*" and end - at >= 2 and not is_power:
        return False
    if not silent:
        state.pending += state.src[at:end]
    state.pos = end
    return True


def _is_operand(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in ")(]")


def _numbered_as_written(state: StateCore) -> None:
    """Give every item of a numbered list its own number: 3, 2, 1 stays 3, 2, 1."""
    for token in state.tokens:
        if token.type == "list_item_open" and token.info:
            token.attrSet("value", token.info)


def _markdown() -> MarkdownIt:
    found = MarkdownIt(
        "commonmark", {"html": False, "linkify": False, "typographer": False, "breaks": True}
    )
    found.enable("table")
    found.disable(
        ["image", "link", "autolink", "reference", "html_block", "html_inline", "entity",
         "blockquote"]
    )  # fmt: skip
    found.inline.ruler.before("emphasis", "literal_stars", _literal_stars)
    found.core.ruler.push("numbered_as_written", _numbered_as_written)
    return found


_MARKDOWN = _markdown()
