"""What each role may do: one table, looked at where an action begins, whoever calls it.

The key is the action itself, module and function of backend/actions. What has no row here is for
administrators alone.
"""

from enum import StrEnum

from backend.records import UserError


class Role(StrEnum):
    """What somebody may do; each role may also do what those before it may."""

    VIEWER = "viewer"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        """Whether who has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


PURPOSES = {
    Role.VIEWER: "sees everything, comments, and changes nothing",
    Role.ENGINEER: "starts jobs, reviews and corrects",
    Role.ADMIN: "also puts limits and packages in force, deletes, and looks after people",
}

RIGHTS = {
    "people.join": Role.VIEWER,
    "people.sign_in": Role.VIEWER,
    "people.sign_in_elsewhere": Role.VIEWER,
    "people.sign_out_elsewhere": Role.VIEWER,
    "people.change_password": Role.VIEWER,
    "people.end_session": Role.VIEWER,
    "people.add": Role.ADMIN,
    "people.invite": Role.ADMIN,
    "people.take_back": Role.ADMIN,
    "people.set_up_link": Role.ADMIN,
    "people.set_role": Role.ADMIN,
    "people.reset": Role.ADMIN,
    "people.set_password": Role.ADMIN,
    "people.disable": Role.ADMIN,
    "people.enable": Role.ADMIN,
    "people.forget_names": Role.ADMIN,
    "work.comment": Role.VIEWER,
    "work.submit": Role.ENGINEER,
    "work.cancel": Role.ENGINEER,
    "work.resume": Role.ENGINEER,
    "work.keep_uploads": Role.ENGINEER,
    "work.delete": Role.ADMIN,
    "work.restore": Role.ADMIN,
    "work.empty_trash": Role.ADMIN,
    "work.clear": Role.ADMIN,
    "work.back_up": Role.ADMIN,
    "work.migrate": Role.ADMIN,
    "work.reindex": Role.ADMIN,
    "archives.archive": Role.ADMIN,
    "archives.fetch": Role.ENGINEER,
    "work.update": Role.ADMIN,
    "work.roll_back": Role.ADMIN,
    "results.curate": Role.ENGINEER,
    "results.relabel_part": Role.ENGINEER,
    "results.undo": Role.ENGINEER,
    "results.export_images": Role.ENGINEER,
    "results.put_in_force": Role.ADMIN,
    "results.put_package_in_force": Role.ADMIN,
    "results.roll_back_package": Role.ADMIN,
    "reports.write": Role.ENGINEER,
    "reports.taken": Role.VIEWER,
    "reports.keep": Role.ADMIN,
    "sharing.share": Role.ENGINEER,
    "sharing.revoke": Role.ENGINEER,
    "sharing.save_view": Role.ENGINEER,
    "sharing.remove_view": Role.ENGINEER,
    "sharing.ask": Role.ENGINEER,
    "sharing.save_question": Role.ENGINEER,
    "sharing.remove_question": Role.ENGINEER,
    "sharing.mark": Role.ENGINEER,
    "projects.add": Role.ENGINEER,
    "projects.rename": Role.ENGINEER,
    "projects.move": Role.ENGINEER,
    "projects.set_members": Role.ADMIN,
    "projects.archive": Role.ADMIN,
    "projects.bring_back": Role.ADMIN,
    "reviews.decide": Role.ENGINEER,
    "reviews.take_back": Role.ENGINEER,
    "reviews.make_parts": Role.ENGINEER,
    "reviews.watch_anew": Role.ADMIN,
    "reviews.recalibrate": Role.ADMIN,
    "lines.change": Role.ADMIN,
    "notices.configure": Role.ADMIN,
    "notices.test": Role.ADMIN,
    "notices.mark_read": Role.VIEWER,
    "lines.shadow": Role.ENGINEER,
}


def least(action: str) -> Role:
    """The least role that may do it."""
    return RIGHTS.get(action, Role.ADMIN)


def may(role: Role | None, action: str) -> bool:
    """Whether this role may; nobody who is not signed in has one."""
    return role is not None and role.covers(least(action))


def check(role: Role | None, action: str) -> None:
    """Raises UserError where this role may not do it."""
    if role is None:
        raise UserError("Nothing was changed: your session has ended. Sign in again.")
    if not may(role, action):
        raise UserError(
            f"Nothing was changed: this takes the role {least(action)}, yours is {role}. "
            "Ask an admin to do it, or to give you that role."
        )
