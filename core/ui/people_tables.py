"""People: how far they are, their accounts and rights, and one's own password."""

import html
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.domain.rights import RIGHTS, SHORTEST_PASSWORD
from core.errors import Refused
from core.services import authenticating, enrolling
from core.services.enrolling import Enrolment, Progress
from core.store.accounts import Account
from core.store.database import Store
from core.ui.shell import Page, entered
from core.ui.sign_in import token

_CHANGED = "own-changed"


def draw_people(p: Page) -> None:
    """Everybody with how many responses of the study they have scored."""
    rows = [
        {
            p.t("people.name"): one.person.name,
            p.t("people.rights"): _rights(p, one.account.rights if one.account else ()),
            p.t("people.state"): _state(p, one),
            p.t("people.scored"): f"{one.scored} / {one.total}",
        }
        for one in enrolling.progress_of_people(p.store, p.study)
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def draw_add(p: Page) -> None:
    """Give somebody an account."""
    fields = ("name", "rights", "subject", "password", "reason")
    keys = {name: p.field("add", name) for name in fields}
    with st.expander(p.t("people.add"), key=p.key("add", "box")):
        st.text_input(p.t("people.new_name"), key=keys["name"])
        _draw_rights(p, keys["rights"], ("physician",))
        first, second = st.columns(2)
        first.text_input(
            p.t("people.first_password", shortest=SHORTEST_PASSWORD), type="password",
            key=keys["password"], autocomplete="new-password",
        )  # fmt: skip
        second.text_input(p.t("people.subject"), key=keys["subject"])
        st.text_input(p.t("people.reason"), key=keys["reason"], max_chars=500)
        st.button(
            p.t("people.do_add"), key=p.key("add", "do"), type="primary",
            on_click=p.act(_add, p, keys),
        )  # fmt: skip


def draw_change(p: Page) -> None:
    """Change an account's rights or password, close it, or open it again; each with a reason."""
    known = {a.name: a for a in enrolling.accounts_of(p.store) if not a.is_illustrative}
    with st.expander(p.t("people.change"), key=p.key("change", "box")):
        name = st.selectbox(p.t("people.who"), list(known), key=p.key("change", "who"))
        account = known[name]
        names = {"rights": f"{account.person_id}-rights", "reason": "reason"}
        names["password"] = f"{account.person_id}-password"
        keys = {field: p.field("change", name) for field, name in names.items()}
        st.text_input(p.t("people.reason"), key=keys["reason"], max_chars=500)
        left, middle, right = st.columns([4, 4, 2], vertical_alignment="bottom")
        with left:
            _draw_rights(p, keys["rights"], account.rights)
        middle.text_input(
            p.t("people.new_password", shortest=SHORTEST_PASSWORD), type="password",
            key=keys["password"], autocomplete="new-password",
        )  # fmt: skip
        _draw_button(p, left, account, "do_rights", _set_rights, keys)
        _draw_button(p, middle, account, "do_reset", _reset, keys)
        if account.is_disabled:
            _draw_button(p, right, account, "do_enable", _enable, keys)
        else:
            _draw_button(p, right, account, "do_disable", _disable, keys)


def draw_history(p: Page) -> None:
    """What was changed about accounts, newest first."""
    with st.expander(p.t("people.history")):
        rows = [
            {
                p.t("people.column.time"): event.created_at[:16].replace("T", " "),
                p.t("people.name"): event.name,
                p.t("people.column.what"): p.t(f"people.what.{event.what}"),
                p.t("people.rights"): _rights(p, event.rights.split()),
                p.t("people.column.reason"): p.written(event.reason),
                p.t("people.column.by"): event.created_by,
            }
            for event in enrolling.changes(p.store)
        ]
        st.dataframe(rows, hide_index=True, width="stretch")


def draw_own(p: Page) -> None:
    """Who one is here, and the form that changes one's password."""
    held = [right for right in RIGHTS if right in p.rights]
    said = p.t("account.you_are", name=p.person.name, rights=_rights(p, held))
    st.html(html.escape(said))
    if not authenticating.has_password(p.store, p.person):
        st.html(f'<div class="quiet">{p.t("account.no_password")}</div>')
        return
    keys = {name: p.field("own", name) for name in ("old", "new", "again")}
    with st.container(width=420):
        st.html(f"<h3>{p.t('account.change')}</h3>")
        for name, autocomplete in (
            ("old", "current-password"), ("new", "new-password"), ("again", "new-password"),
        ):  # fmt: skip
            st.text_input(
                p.t(f"account.{name}", shortest=SHORTEST_PASSWORD), type="password",
                key=keys[name], autocomplete=autocomplete,
            )  # fmt: skip
        st.button(
            p.t("account.do_change"), key=p.key("own", "do"), type="primary",
            on_click=p.act(_change_own, p, keys),
        )  # fmt: skip
    if p.kept.pop(_CHANGED, False):
        st.success(p.t("account.changed"))


def _draw_rights(p: Page, key: str, chosen: Sequence[str]) -> None:
    st.multiselect(
        p.t("people.rights"), RIGHTS, default=list(chosen), key=key,
        format_func=lambda right: p.t(f"right_of.{right}"),
    )  # fmt: skip


def _draw_button(
    p: Page,
    place: st.delta_generator.DeltaGenerator,
    account: Account,
    name: str,
    action: Callable[..., None],
    keys: dict[str, str],
) -> None:
    place.button(
        p.t(f"people.{name}"), key=p.key(account.person_id, name), width="stretch",
        on_click=p.act(action, p, account, keys),
    )  # fmt: skip


def _rights(p: Page, rights: Sequence[str]) -> str:
    return p.t("right.and").join(p.t(f"right_of.{right}") for right in rights)


def _state(p: Page, one: Progress) -> str:
    account = one.account
    if account is None:
        return p.t("people.no_account")
    said = [p.t("people.disabled" if account.is_disabled else "people.open")]
    if account.is_illustrative:
        said.append(p.t("people.illustrative"))
    if account.has_password:
        said.append(p.t("people.by_password"))
    if account.oidc_subject is not None:
        said.append(p.t("people.by_single"))
    return " · ".join(said)


def _add(store: Store, p: Page, keys: dict[str, str]) -> None:
    typed = _typed(keys)
    wanted = Enrolment(
        typed["name"], tuple(typed["rights"]), typed["password"] or None, typed["subject"],
        typed["reason"],
    )  # fmt: skip
    enrolling.add_account(store, wanted, by=p.person.name)
    p.empty("add")


def _set_rights(store: Store, p: Page, account: Account, keys: dict[str, str]) -> None:
    typed, by = _typed(keys), p.person.name
    enrolling.set_rights(store, account.name, typed["rights"], reason=typed["reason"], by=by)
    p.empty("change")


def _reset(store: Store, p: Page, account: Account, keys: dict[str, str]) -> None:
    typed, by = _typed(keys), p.person.name
    enrolling.reset_password(store, account.name, typed["password"], reason=typed["reason"], by=by)
    p.empty("change")


def _disable(store: Store, p: Page, account: Account, keys: dict[str, str]) -> None:
    enrolling.disable(store, account.name, reason=_typed(keys)["reason"], by=p.person.name)
    p.empty("change")


def _enable(store: Store, p: Page, account: Account, keys: dict[str, str]) -> None:
    enrolling.enable(store, account.name, reason=_typed(keys)["reason"], by=p.person.name)
    p.empty("change")


def _change_own(store: Store, p: Page, keys: dict[str, str]) -> None:
    typed = _typed(keys)
    p.empty("own")
    if typed["new"] != typed["again"]:
        raise Refused("passwords_differ")
    authenticating.change_password(store, p.person, typed["old"], typed["new"], token=token())
    p.kept[_CHANGED] = True


def _typed(keys: dict[str, str]) -> dict[str, Any]:
    held = entered()
    return {name: held[key] for name, key in keys.items()}
