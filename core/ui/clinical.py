"""Clinical text on the screen, to the character.

Questions, references, requirements and comments are shown as plain text with their white space.
Responses may be rendered as Markdown with everything off that could change or hide a dose: HTML,
images, links, strikethrough, and a `*` inside a word. Neither ever passes through `st.markdown`,
which strikes out `2~3片，每日5~7天` and swallows the stars of `HLA-B*27…B*57`.
"""

import html

import streamlit as st
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_SPECIAL = str.maketrans({"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def show_text(text: str, *, kind: str = "") -> None:
    """Show a text exactly as it is written.

    Args:
        kind: a further style class, such as `note`.
    """
    st.html(text_html(text, kind=kind))


def show_response(text: str, *, raw: bool) -> None:
    """Show a model's response, rendered or raw."""
    if raw:
        show_text(text)
    else:
        st.html(rendered_html(text))


def text_html(text: str, *, kind: str = "") -> str:
    """HTML on one line (Streamlit dedents what it is given) whose text is exactly `text`."""
    return f'<div class="clinical {kind}" dir="auto">{_escaped(text)}</div>'


def rendered_html(text: str) -> str:
    """HTML of a response's Markdown, on one line."""
    body = _MARKDOWN.render(text).translate(_SPECIAL)
    return f'<div class="clinical-rendered" dir="auto">{body}</div>'


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).translate(_SPECIAL)


def _star_inside_word(state: StateInline, silent: bool) -> bool:
    """Take a `*` between two word characters, as in HLA-B*27, as itself."""
    at = state.pos
    if state.src[at] != "*" or at == 0 or at + 1 >= state.posMax:
        return False
    before, after = state.src[at - 1], state.src[at + 1]
    if not (_is_word(before) and _is_word(after)):
        return False
    if not silent:
        state.pending += "*"
    state.pos += 1
    return True


def _is_word(character: str) -> bool:
    """Latin letters, digits and signs of measure; Chinese emphasis needs no spaces around it."""
    return character.isascii() and (character.isalnum() or character in "-_.:%/)")


def _markdown() -> MarkdownIt:
    found = MarkdownIt(
        "commonmark", {"html": False, "linkify": False, "typographer": False, "breaks": True}
    )
    found.enable("table")
    found.disable(["image", "link", "autolink", "reference", "html_block", "html_inline", "entity"])
    found.inline.ruler.before("emphasis", "star_inside_word", _star_inside_word)
    return found


_MARKDOWN = _markdown()
