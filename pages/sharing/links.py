"""Shared links: who reads which report without an account, until when; take one back."""

import streamlit as st

from backend.actions import sharing
from backend.core import runs
from backend.settings import settings
from backend.sharing import links as shared
from backend.sharing.links import Share
from pages.ui import charts, identity, links, resources, share_links
from pages.ui.layout import header, plain_errors

PAGE = 20


def show() -> None:
    window = resources.supervisor()
    found = [
        share
        for share in shared.every(settings().storage)
        if window.holds(share.scope.runs, share.scope.line)
    ]
    if not found:
        st.info(
            "No report is shared. Open a result, press Report, and make a link.",
            icon=":material/link_off:",
        )
        st.page_link(links.RUNS, label="Runs", icon=":material/list_alt:")
        return
    now = runs.now()
    standing = [share for share in found if share.open_at(now)]
    over = [share for share in found if not share.open_at(now)]
    st.markdown(f"**{len(standing)} open**, {len(over)} ended or taken back.")
    for share in standing[:PAGE]:
        _open(share)
    if len(standing) > PAGE:
        st.caption(f"The newest {PAGE} are shown.")
    if over:
        with st.expander(f"Ended or taken back ({len(over)})", icon=":material/history:"):
            st.dataframe([_row(share) for share in over], hide_index=True, alt="Links that ended")


def _open(share: Share) -> None:
    """One that may be read: what, by whom, until when, opened when, and the way to end it."""
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(f"**{charts.plain(share.title)}**")
        left.caption(
            f"By {charts.plain(share.who)} on {share.made:%Y-%m-%d %H:%M}, until "
            f"{share.until:%Y-%m-%d %H:%M} UTC. {_opened(share)}"
        )
        barred = not identity.may("sharing.revoke")
        with right.popover(
            "Take back", icon=":material/link_off:", width="stretch", disabled=barred
        ):
            st.markdown("Whoever has the link will then read that it has ended.")
            if st.button("Take it back", type="primary", key=f"revoke-{share.token}"):
                sharing.revoke(identity.actor(), settings(), share.token)
                st.toast("Taken back: the link shows nothing any more.")
                st.rerun()
        with st.expander("Address and QR code", icon=":material/qr_code_2:"):
            share_links.show(share.token)


def _opened(share: Share) -> str:
    if share.last is None:
        return "Not opened yet."
    times = "once" if share.openings == 1 else f"{share.openings} times"
    return f"Opened {times}, last {share.last:%Y-%m-%d %H:%M} UTC."


def _row(share: Share) -> dict[str, str]:
    return {
        "report": share.title,
        "by": share.who,
        "made": f"{share.made:%Y-%m-%d %H:%M}",
        "how it ended": share.standing,
        "opened": _opened(share),
    }


header(
    "Shared links",
    "Reports that somebody without an account can read by a link. Each link ends by itself; take "
    "one back at any time.",
)
with plain_errors():
    show()
