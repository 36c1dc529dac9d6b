"""What each role may do, checked where an action begins."""

from pathlib import Path

import pytest

from backend.access import rights
from backend.access.rights import Role
from backend.actions import results, work
from backend.core import audit, jobs
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.records import UserError

SMALL = {"count": 2, "size": 128}


def as_(role):
    return Actor("Eve", Way.PAGE, role)


def test_roles_cover_those_before_them():
    assert [[a.covers(b) for b in Role] for a in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_a_viewer_starts_nothing_and_an_engineer_does(storage):
    desk = CommandLine(storage, queued=True)
    with pytest.raises(UserError, match="takes the role engineer, yours is viewer"):
        work.submit(as_(Role.VIEWER), desk, "generate", SMALL)
    assert list(storage.runs.iterdir()) == []
    assert not (storage.storage / audit.JOURNAL).exists()
    assert work.submit(as_(Role.ENGINEER), desk, "generate", SMALL).kind == "generate"


def test_who_is_not_signed_in_does_nothing(storage):
    with pytest.raises(UserError, match="session has ended"):
        work.submit(as_(None), CommandLine(storage, queued=True), "generate", SMALL)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER])
def test_only_an_admin_puts_in_force_and_deletes(storage, role):
    with pytest.raises(UserError, match="takes the role admin"):
        work.clear(as_(role), storage, "uploads")
    with pytest.raises(UserError, match="takes the role admin"):
        results.roll_back_package(as_(role), storage, "inspect", "why")


def test_an_action_without_a_row_is_for_admins_alone(storage):
    def unheard_of(actor):
        with audit.noting(storage.storage, actor) as note:
            note("did")

    for role in (Role.VIEWER, Role.ENGINEER, None):
        with pytest.raises(UserError, match="Nothing was changed"):
            unheard_of(as_(role))
    unheard_of(as_(Role.ADMIN))
    assert [line.action for line in audit.newest(storage.storage)] == ["did"]
    assert rights.least("x.unheard_of") is Role.ADMIN


@pytest.fixture
def engineer_asks(storage, monkeypatch):
    monkeypatch.setattr(jobs, "submit", lambda settings, kind, values, **_: pytest.fail("asked"))

    def ask(folder):
        values = {"maker": "folder", "folder": str(folder)}
        work.submit(as_(Role.ENGINEER), CommandLine(storage, queued=True), "parts", values)

    return ask


@pytest.mark.parametrize("folder", ["/etc", "uploads/../runs", "uploads/out"])
def test_an_engineer_names_no_folder_of_the_server(storage, engineer_asks, folder):
    storage.uploads.mkdir()
    (storage.uploads / "out").symlink_to("/etc")
    with pytest.raises(UserError, match="only an admin may name"):
        engineer_asks(storage.storage / folder)


def test_an_engineer_names_what_was_uploaded_and_what_an_admin_allowed(storage, monkeypatch):
    from dataclasses import replace

    from backend.actions import folders

    allowed = replace(storage, folders=(Path("/srv/pictures"),))
    for place in (storage.uploads / "a", "/srv/pictures/b", ""):
        folders.check(as_(Role.ENGINEER), allowed, "parts", {"folder": str(place)})
    with pytest.raises(UserError, match=r"DISTILLERY_FOLDERS \(there: /srv/pictures\)"):
        folders.check(as_(Role.ENGINEER), allowed, "parts", {"folder": "/srv/pictures-2"})
    folders.check(as_(Role.ADMIN), allowed, "parts", {"folder": "/etc"})


def test_a_home_folder_is_no_way_out_of_what_was_allowed(storage, tmp_path, monkeypatch):
    """A job follows `~`, so the check does."""
    from dataclasses import replace

    from backend.actions import folders

    monkeypatch.setenv("HOME", str(tmp_path))
    here = replace(storage, folders=(Path.cwd(),))
    for folder in ("~", "~root/x", "~nobody-of-that-name/x"):
        with pytest.raises(UserError, match=r"only an admin may name|is no path"):
            folders.check(as_(Role.ENGINEER), here, "parts", {"folder": folder})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("generate", {"model": "/srv/model"}),
        ("composite", {"lora_file": "/srv/a.safetensors"}),
        ("lora", {"model": "~/model"}),
        ("inspect", {"backbone": "../../srv"}),
        ("inspect", {"backbone": "tests"}),
        ("benchmark", {"backbone": "./x"}),
        ("ablation", {"changes": ("steps = 0", "dims = 50, weights file = /srv/a.pt")}),
        ("ablation", {"changes": ("backbone = /srv/dino",)}),
    ],
    ids=str,
)
def test_a_model_s_name_is_no_way_to_a_folder_of_the_server(storage, kind, values):
    from backend.actions import folders

    with pytest.raises(UserError, match="only an admin may name"):
        folders.check(as_(Role.ENGINEER), storage, kind, values)
    folders.check(as_(Role.ADMIN), storage, kind, values)


def test_a_model_s_name_is_free(storage):
    from backend.actions import folders

    own = str(storage.weights / "dino")
    for kind, values in (
        ("generate", {"model": "stable-diffusion-v1-5/stable-diffusion-v1-5"}),
        *(("inspect", {"backbone": name}) for name in ("dinov2-small", own, "")),
        ("ablation", {"changes": ("steps = 0", "strides = 32")}),
    ):
        folders.check(as_(Role.ENGINEER), storage, kind, values)


def test_an_engineer_lets_no_line_speak_with_another_computer(storage):
    from backend.actions import folders

    named = {"sink": ("https://10.0.0.1/hook",)}
    with pytest.raises(UserError, match="only an admin lets a line speak"):
        folders.check(as_(Role.ENGINEER), storage, "line", named)
    with pytest.raises(UserError, match="only an admin opens a line to the network"):
        folders.check(as_(Role.ENGINEER), storage, "line", {"metrics_host": "0.0.0.0"})
    driver = {"producer": str(storage.uploads / "mine.cti")}
    with pytest.raises(UserError, match="only an admin names the library"):
        folders.check(as_(Role.ENGINEER), storage, "line", driver)
    folders.check(as_(Role.ADMIN), storage, "line", driver)
    own = {
        "sink": (),
        "camera": "",
        "producer": "",
        "host": "127.0.0.1",
        "metrics_host": "localhost",
    }
    folders.check(as_(Role.ENGINEER), storage, "line", own)
    folders.check(as_(Role.ADMIN), storage, "line", named)
