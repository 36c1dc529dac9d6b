"""Changes to who may come in: accounts, passwords, sessions, one-time links."""

from collections.abc import Iterable
from dataclasses import replace

from backend.access import accounts, database, known_as, links, passwords, sessions
from backend.access.accounts import Account
from backend.access.elsewhere import Outsider
from backend.access.links import Purpose
from backend.access.rights import Role
from backend.core import audit
from backend.core.audit import Actor, Way
from backend.records import UserError
from backend.settings import Settings

WRONG = "Name and password do not fit together. An admin can give you a new password."
DISABLED = "Your account here is disabled. Ask an admin to let you in again."
NO_GROUP = (
    "You are in none of the groups that may come in here. Ask whoever looks after the plant's "
    "sign-in to put you into one of: {groups}."
)


def sign_in(actor: Actor, settings: Settings, name: str, password: str, browser: str) -> str:
    """The token of a new session. Raises UserError where name and password do not fit together,
    whichever of the two it is."""
    storage = settings.storage
    row = accounts.row_at(storage, name)
    good = passwords.fits(password, row["password"] if row else "")
    if row is None:
        raise UserError(WRONG)
    account = accounts.of(row)
    with audit.noting(storage, _as(actor, account)) as note:
        if not good or account.disabled:
            note("was refused", detail="sign-in")
            raise UserError(WRONG)
        fresh = passwords.renewed(password, row["password"])
        with database.writing(storage) as db:
            if fresh:
                accounts.set_password(db, account.id, fresh)
            sessions.sweep(db, sessions.lifetime(settings))
            token = sessions.begin(db, account.id, actor.address, browser)
        note("sign in")
    return token


def sign_in_elsewhere(
    actor: Actor, settings: Settings, who: Outsider, groups: Iterable[str], browser: str
) -> str:
    """The token of a new session of somebody who is known elsewhere. Their account is made when
    they first come; its role follows their groups each time.

    groups: that may come in. Raises UserError where they are in none, or disabled here.
    """
    storage = settings.storage
    with database.writing(storage) as db:
        before = known_as.find(db, who)
        name = before.name if before else accounts.free_name(db, who.name)
    with audit.noting(storage, replace(actor, name=name)) as note:
        with database.writing(storage) as db:
            account = known_as.followed(db, who)
            good = account is not None and not account.disabled
            token = ""
            if account and good:
                sessions.sweep(db, sessions.lifetime(settings))
                token = sessions.begin(db, account.id, actor.address, browser)
                if who.at:
                    sessions.note_elsewhere(db, token, who)
        if account is None or not good:
            note("was refused", detail="sign-in elsewhere")
            raise UserError(DISABLED if account else NO_GROUP.format(groups=", ".join(groups)))
        changed = "add account" if before is None else ""
        if changed or (before and before.role is not account.role):
            detail = f"{account.role}, by groups elsewhere"
            note(changed or "change role", about=account.name, detail=detail)
        note("sign in", detail="elsewhere")
    return token


def sign_out(actor: Actor, settings: Settings, token: str) -> None:
    """End the session of this token; nothing where it ended already."""
    end_session(actor, settings, sessions.kept_as(token))


def sign_out_elsewhere(actor: Actor, settings: Settings, who: Outsider) -> None:
    """End the sessions of somebody who signed out where they are known, all or the one that is
    named: not those of a later sign-in, where that word comes late or again."""
    with database.writing(settings.storage) as db:
        found = sessions.of_elsewhere(db, who)
    for session, account in found:
        with (
            audit.noting(settings.storage, replace(actor, name=account.name)) as note,
            database.writing(settings.storage) as db,
        ):
            if sessions.end(db, account.id, session):
                note("sign out", detail="elsewhere")


def end_session(actor: Actor, settings: Settings, session: str) -> None:
    """End one of the actor's own sessions."""
    with (
        audit.noting(settings.storage, actor) as note,
        database.writing(settings.storage) as db,
    ):
        if sessions.end(db, accounts.named(db, actor.name).id, session):
            note("sign out")


def change_password(actor: Actor, settings: Settings, old: str, new: str, session: str) -> None:
    """Change the actor's own password; their other sessions end. session: the id of this one.

    Raises UserError where the old one is wrong or the new one too short.
    """
    storage = settings.storage
    with audit.noting(storage, actor) as note:
        row = accounts.row_at(storage, actor.name)
        if row is None or not passwords.fits(old, row["password"]):
            raise UserError("The old password is wrong. Nothing was changed.")
        kept = passwords.hashed(new)
        with database.writing(storage) as db:
            accounts.set_password(db, row["id"], kept)
            sessions.end_all(db, row["id"], except_for=session)
        note("change password")


def join(actor: Actor, settings: Settings, token: str, password: str) -> Account:
    """Use a one-time link up: the account that it made, or whose password it set.

    actor: under the name that was chosen. Raises UserError where the link is gone, the name taken
    or the password too short; the link is then left.
    """
    storage = settings.storage
    asked = links.look_up(storage, token)
    owner = replace(actor, name=asked.name) if asked.account is not None else actor
    with audit.noting(storage, owner) as note:
        kept = passwords.hashed(password)
        with database.writing(storage) as db:
            link = links.take(db, token)
            if link.purpose is Purpose.SET_UP and accounts.any_in(db):
                raise UserError(links.GONE)
            if link.account is not None:
                account = accounts.named(db, link.name)
                accounts.set_password(db, account.id, kept)
                sessions.end_all(db, account.id)
            else:
                account = accounts.add(db, actor.name, link.role, kept)
        note(f"took up {link.purpose}", about=account.name, detail=account.role)
    return account


def add(actor: Actor, settings: Settings, name: str, role: Role, password: str) -> Account:
    """A new account with a password. Raises UserError where the name is taken or none, or the
    password too short."""
    with audit.noting(settings.storage, actor) as note:
        kept = passwords.hashed(password)
        with database.writing(settings.storage) as db:
            account = accounts.add(db, name, role, kept)
        note("add account", about=account.name, detail=role)
    return account


def invite(actor: Actor, settings: Settings, name: str, role: Role) -> str:
    """The path of a link by which somebody makes an account. Raises UserError where the name is
    taken or none."""
    with audit.noting(settings.storage, actor) as note:
        text = accounts.checked_name(name)
        with database.writing(settings.storage) as db:
            if accounts.row_of(db, text) is not None:
                raise UserError(f"There is an account '{text}' already. Choose another name.")
            token = links.for_joining(db, text, role)
        note("invite", about=text, detail=role)
    return links.address(Purpose.JOIN, token)


def take_back(actor: Actor, settings: Settings, name: str) -> None:
    """Make an invitation void that nobody took up yet. Raises UserError where there is none."""
    with audit.noting(settings.storage, actor) as note:
        with database.writing(settings.storage) as db:
            if not links.take_back(db, name):
                raise UserError(f"Nobody is invited as '{name}'. `user list` names who is.")
        note("take back invitation", about=name)


def reset(actor: Actor, settings: Settings, name: str) -> str:
    """Make a password void and end the account's sessions; the path of a link to a new one.

    Raises UserError where nobody has that name, and on a page for one's own: the page that shows
    the link would close.
    """
    with audit.noting(settings.storage, actor) as note:
        with database.writing(settings.storage) as db:
            account = accounts.named(db, name)
            if actor.way is Way.PAGE and account.name == actor.name:
                raise UserError("Change your own password under your name in the sidebar.")
            known_as.check_here(db, account, "their password is changed")
            accounts.set_password(db, account.id, "")
            sessions.end_all(db, account.id)
            token = links.for_reset(db, account)
        note("reset password", about=account.name)
    return links.address(Purpose.RESET, token)


def set_password(actor: Actor, settings: Settings, name: str, password: str) -> None:
    """Give an account another password; its sessions and links end. Raises UserError as `add`."""
    with audit.noting(settings.storage, actor) as note:
        kept = passwords.hashed(password)
        with database.writing(settings.storage) as db:
            account = accounts.named(db, name)
            known_as.check_here(db, account, "their password is changed")
            accounts.set_password(db, account.id, kept)
            sessions.end_all(db, account.id)
            links.void(db, account)
        note("reset password", about=account.name)


def set_role(actor: Actor, settings: Settings, name: str, role: Role) -> None:
    """Raises UserError where nobody has that name, it is the last admin's, or the role follows
    groups elsewhere."""
    with audit.noting(settings.storage, actor) as note:
        with database.writing(settings.storage) as db:
            account = accounts.named(db, name)
            known_as.check_here(db, account, "their role follows their groups")
            accounts.set_role(db, account, role)
        note("change role", about=name, detail=role)


def disable(actor: Actor, settings: Settings, name: str) -> None:
    """Let somebody in no more; their sessions and links end. Raises UserError as `set_role`."""
    with audit.noting(settings.storage, actor) as note:
        with database.writing(settings.storage) as db:
            account = accounts.named(db, name)
            accounts.set_disabled(db, account, True)
            sessions.end_all(db, account.id)
            links.void(db, account)
        note("disable account", about=account.name)


def enable(actor: Actor, settings: Settings, name: str) -> None:
    """Let somebody in again. Raises UserError where nobody has that name."""
    with audit.noting(settings.storage, actor) as note:
        with database.writing(settings.storage) as db:
            account = accounts.named(db, name)
            accounts.set_disabled(db, account, False)
        note("enable account", about=account.name)


def set_up_link(actor: Actor, settings: Settings) -> str:
    """The path of a link for the first admin; earlier ones are void."""
    with audit.noting(settings.storage, actor) as note:
        with database.writing(settings.storage) as db:
            token = links.for_set_up(db)
        note("print set-up link")
    return links.address(Purpose.SET_UP, token)


def forget_names(actor: Actor, settings: Settings) -> None:
    """Take names and addresses out of the journal's lines that are older than the settings say."""
    with audit.noting(settings.storage, actor) as note:
        if count := audit.forget_names(settings.storage, settings.names_days):
            note("forget names", detail=f"{count} lines")


def _as(actor: Actor, account: Account) -> Actor:
    """The actor, known to be this account's owner."""
    return Actor(account.name, actor.way, account.role, actor.address)
