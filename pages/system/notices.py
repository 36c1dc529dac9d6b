"""Notifications: what happened while nobody looked, and where it is sent."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from backend.actions import notices as actions
from backend.notices import box, channels, config
from backend.notices.box import Notice
from backend.notices.config import NONE, PORTS, SECURITY, Config, Mail
from backend.records import UserError
from backend.settings import settings
from pages.ui import bell, charts, identity, line_view, links, resources
from pages.ui.layout import header, plain_errors

SHOWN, SENT_SHOWN = 50, 20
ICONS = {
    "job": "task_alt",
    "promise": "gpp_bad",
    "disk": "hard_drive",
    "delivery": "mail_off",
    "test": "mail",
}


def show() -> None:
    header(
        "Notifications",
        "What ended, stopped or ran short while nobody looked. It can go to a mailbox and to "
        "another program of the plant too.",
    )
    _feed()
    if identity.may("notices.configure"):
        with plain_errors():
            _settings(config.read(settings().storage))


def _feed() -> None:
    sees = resources.supervisor().sees
    newest = box.newest(settings().storage, 4 * SHOWN)
    found = [one for one in newest if bell.is_for(one) and sees(one.run) and sees(one.line)][:SHOWN]
    if not found:
        st.info(
            "Nothing happened yet that is worth a notice: no long job ended, no promise of a line "
            "is suspended, and there is room on the disk.",
            icon=":material/notifications:",
        )
        return
    new = {one.number for one in box.unread(settings().storage, bell.person())}
    if new and st.button("Mark all as read", icon=":material/done_all:"):
        actions.mark_read(identity.actor(), settings(), bell.person())
        st.rerun()
    for one in found:
        _notice(one, one.number in new)


def _notice(one: Notice, new: bool) -> None:
    when = datetime.fromtimestamp(one.time, UTC)
    badge = ":blue-badge[new] " if new else ""
    with st.container(border=True):
        icon = f":material/{ICONS.get(one.kind, 'info')}:"
        st.markdown(f"{badge}{icon} {charts.plain(one.words)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{when:%Y-%m-%d %H:%M} UTC", width="content")
            if one.run:
                links.to_run(one.run)
            elif one.line:
                line_view.to_promise(one.line)


def _settings(now: Config) -> None:
    st.subheader("What is told, and where it is sent", anchor=False)
    fixed = config.by_environment()
    if fixed:
        words = f"Set by the environment of the server: {', '.join(fixed)}."
        st.caption(f"{words} What is entered here for it counts only without that.")
    kept = config.stored(settings().storage)
    with st.form("notices"):
        left, middle, right = st.columns(3)
        minutes = left.number_input("A job is long from, minutes", 0, 10_000, kept.minutes)
        free = middle.number_input("Little room below, GB", 0.0, 10_000.0, kept.free_gb)
        address = right.text_input(
            "Address of this dashboard",
            kept.address,
            placeholder="http://server:8501",
            help="For links in messages",
        )
        mail = _mail(kept.mail)
        webhook = _webhook(kept.webhook)
        if st.form_submit_button("Save", type="primary", icon=":material/save:"):
            wanted = Config(int(minutes), float(free), (address or "").strip(), mail, webhook)
            _save(wanted)
    _test(now)


def _mail(kept: Mail | None) -> Mail | None:
    """The fields of a mail server; a password that is kept is not shown again."""
    st.markdown("**E-mail**, by a server of the plant. Without a server none is sent.")
    left, middle, right = st.columns([3, 1, 2])
    host = left.text_input("Mail server", kept.host if kept else "", placeholder="mail.plant")
    security = right.selectbox(
        "Security", SECURITY, SECURITY.index(kept.security) if kept else 0, key="mail-security"
    )
    port = middle.number_input("Port", 0, 65535, kept.port if kept else 0, help="0: the usual one")
    left, right = st.columns(2)
    user = left.text_input("User", kept.user if kept else "", autocomplete="off")
    password = right.text_input(
        "Password",
        type="password",
        placeholder="kept; enter another to change it" if kept and kept.password else "",
        autocomplete="new-password",
    )
    left, right = st.columns(2)
    sender = left.text_input("From", kept.sender if kept else "", placeholder="distillery@plant")
    to = right.text_input(
        "To", ", ".join(kept.to) if kept else "", help="Commas between several addresses"
    )
    if not (host or "").strip():
        return None
    before = kept.password if kept and (user or "").strip() and security != NONE else ""
    return Mail(
        host=(host or "").strip(),
        port=int(port) or PORTS[security],
        security=security,
        sender=(sender or "").strip(),
        to=tuple(one.strip() for one in (to or "").split(",") if one.strip()),
        user=(user or "").strip(),
        password=password or before,
    )


def _webhook(kept: str) -> str:
    """The field of an address, which may hold a secret and is not shown again."""
    st.markdown("**Webhook**: JSON to a web server of the plant. No redirect is followed.")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    entered = left.text_input(
        "Its address",
        type="password",
        placeholder=f"kept, at {channels.shown(kept)}" if kept else "https://server.plant/…",
        autocomplete="off",
    )
    none = right.checkbox("Send none", disabled=not kept)
    return "" if none else (entered or "").strip() or kept


def _save(wanted: Config) -> None:
    try:
        actions.configure(identity.actor(), settings(), wanted)
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
    else:
        st.toast("Kept.")
        st.rerun()


def _test(now: Config) -> None:
    """Try it out, and see what became of what was sent."""
    label = "Send a test message"
    if st.button(label, icon=":material/send:", disabled=not now.channels):
        actions.test(identity.actor(), settings())
        st.toast("In the post; below is what becomes of it.")
    if not now.channels:
        st.caption("Name a mail server or a webhook, save, and try it out here.")

    @st.fragment(run_every="2s" if now.channels else None)
    def sent() -> None:
        _sent()

    sent()


def _sent() -> None:
    found = box.deliveries(settings().storage, SENT_SHOWN)
    if not found:
        return
    rows = [
        {
            "told (UTC)": f"{datetime.fromtimestamp(one.notice.time, UTC):%Y-%m-%d %H:%M:%S}",
            "by": one.channel,
            "state": one.state,
            "tries": one.tries,
            "why not": one.error,
            "words": one.notice.words,
        }
        for one in reversed(found)
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"why not": st.column_config.TextColumn(width="large")},
        alt="What was sent, and what waits",
    )


show()
