"""Projects: a product, a line, a customer; what runs belong to, and who sees them.

`projects.jsonl` in the storage folder, only ever appended to: the last line of an id counts. To
which project a run belongs stands in its own folder (`runs.project_of`), so that a reindex, a
backup and the trash keep it; a run that says nothing belongs to the default one.
"""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from backend.access import accounts
from backend.access.rights import Role
from backend.core import journal, runs
from backend.records import UserError

JOURNAL = "projects.jsonl"
DEFAULT = ""  # the id of the project that is always there
ALL = "*"  # in place of an id: every project that somebody may see, to read in
FIRST_NAME = "General"
LONGEST = 60  # letters of a name
NOBODY = ("",)  # no account has this name


@dataclass(frozen=True)
class Project:
    """members: names of accounts; without any, everybody sees it. Admins see every one.

    archived: it is offered no more, and nothing new is made in it; its runs stay as they are.
    """

    id: str
    name: str
    members: tuple[str, ...] = ()
    archived: bool = False

    @property
    def seen_by(self) -> str:
        """Who sees it, in words."""
        return ", ".join(filter(None, self.members)) or ("admins" if self.members else "everybody")

    def is_seen_by(self, name: str, role: Role | None) -> bool:
        """Whether somebody of that name and role may see what is in it."""
        if role is Role.ADMIN or not self.members:
            return True
        return accounts.key(name) in {accounts.key(member) for member in self.members}


def refuse_deletion(storage: Path, run_id: str) -> None:
    """A project holds no run."""


def every(storage: Path) -> dict[str, Project]:
    """Id → project, the default one first, then in the order they were made."""
    path = storage / JOURNAL
    try:
        stat = path.stat()
    except FileNotFoundError:
        return {DEFAULT: Project(DEFAULT, FIRST_NAME)}
    return dict(_read(path, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> dict[str, Project]:
    """Read once for each state of the file; damaged lines are passed over."""
    found = {DEFAULT: Project(DEFAULT, FIRST_NAME)}
    for line in runs.json_lines(path):
        with suppress(KeyError, TypeError):
            members = tuple(line["members"])
            found[line["id"]] = Project(line["id"], line["name"], members, line["archived"])
    return found


def find(storage: Path, project: str) -> Project:
    """The project of that id. One that the journal does not know, as of a run that came from
    another storage folder, only admins see."""
    return every(storage).get(project) or Project(project, f"project {project}", NOBODY)


def named(storage: Path, name: str) -> Project:
    """The project of that name, whatever its case. Raises UserError where there is none."""
    wanted = name.strip().casefold()
    for project in every(storage).values():
        if project.name.casefold() == wanted:
            return project
    known = ", ".join(f"'{project.name}'" for project in every(storage).values())
    raise UserError(f"There is no project '{name}'. Known are: {known}.")


def seen(storage: Path, name: str, role: Role | None) -> dict[str, Project]:
    """Id → project, of those that somebody of that name and role may see."""
    return {i: p for i, p in every(storage).items() if p.is_seen_by(name, role)}


def check_seen(storage: Path, name: str, role: Role | None, project: str) -> None:
    """Raises UserError where somebody may not see what is in a project."""
    if not find(storage, project).is_seen_by(name, role):
        raise UserError(
            "This belongs to a project of which you are no member. Ask an admin to add you to it."
        )


def check_runs(storage: Path, name: str, role: Role | None, run_ids: Iterable[str]) -> None:
    """Raises UserError where one of these runs is in a project that somebody may not see."""
    if role is Role.ADMIN:  # who also deletes a run whose files are damaged
        return
    for run_id in run_ids:
        if runs.RUN_ID.fullmatch(run_id):
            check_seen(storage, name, role, of_run(storage, run_id))


def of_run(storage: Path, run_id: str) -> str:
    """The id of the project of a run, also of one in the trash; the default one's where it is
    gone."""
    folder = storage / "runs" / run_id
    return runs.project_of(folder if folder.is_dir() else storage / "trash" / run_id)


def check_open(storage: Path, project: str) -> None:
    """Raises UserError where nothing new may be made in a project."""
    found = every(storage).get(project)
    if found is None:
        raise UserError("There is no such project. Choose one that you are a member of.")
    if found.archived:
        raise UserError(
            f"The project '{found.name}' is archived: nothing new is made in it. Choose another, "
            "or bring it back on the page Projects."
        )


def of_line(runs_folder: Path, name: str) -> str:
    """The id of the project of a line: that of the newest run which bears its name."""
    return lines(runs_folder).get(name, DEFAULT)


def lines(runs_folder: Path) -> dict[str, str]:
    """Name of a line → the id of its project."""
    found = {}
    for folder in runs.folders(runs_folder, "line"):
        states = (runs.state_of(folder / "spec.json"), runs.state_of(folder / runs.PROJECT))
        with suppress(UserError):
            name, project = _line(folder, states)
            found[name] = project
    return found


@lru_cache(maxsize=4096)
def _line(folder: Path, states: tuple[runs.FileState, ...]) -> tuple[str, str]:
    """Name and project of a run of a line, read once for each state of its files. Raises UserError
    for a damaged one."""
    run = runs.asked_for(folder)
    return run.name, run.project


def add(storage: Path, name: str) -> Project:
    """A new project. Raises UserError for a name that is taken or none."""
    made = Project(secrets.token_hex(4), _checked(storage, name))
    _append(storage, made)
    return made


def rename(storage: Path, project: str, name: str) -> Project:
    """Raises UserError for a name that is taken or none."""
    changed = replace(find(storage, project), name=_checked(storage, name, project))
    _append(storage, changed)
    return changed


def set_members(storage: Path, project: str, members: Iterable[str]) -> Project:
    """Let these accounts alone see it, beside admins; everybody where there is none. Raises
    UserError for a name that nobody has."""
    known = {accounts.key(one.name): one.name for one in accounts.everybody(storage)}
    names = list(dict.fromkeys(members))
    for name in names:
        if accounts.key(name) not in known:
            raise UserError(f"Nobody here has the name '{name}'. Choose from the accounts.")
    kept = tuple(known[accounts.key(name)] for name in names)
    changed = replace(find(storage, project), members=kept)
    _append(storage, changed)
    return changed


def set_archived(storage: Path, project: str, archived: bool) -> Project:
    """Raises UserError for the default project, which is always there."""
    if project == DEFAULT:
        raise UserError("The first project cannot be archived: what names no project is in it.")
    changed = replace(find(storage, project), archived=archived)
    _append(storage, changed)
    return changed


def _checked(storage: Path, name: str, own: str | None = None) -> str:
    """The name as it is kept. own: the id of the project that may have it already."""
    text = " ".join(name.split())
    if not text or len(text) > LONGEST or not text.isprintable():
        raise UserError(f"A project has a name of 1 to {LONGEST} letters.")
    for other in every(storage).values():
        if other.name.casefold() == text.casefold() and other.id != own:
            raise UserError(f"There is a project '{other.name}' already. Choose another name.")
    return text


def _append(storage: Path, project: Project) -> None:
    storage.mkdir(parents=True, exist_ok=True)
    journal.add(storage / JOURNAL, asdict(project))
