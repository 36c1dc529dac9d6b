"""Settings come from the environment once, and nothing talks to servers outside."""

import pytest

from backend import settings as settings_module
from backend.records import UserError
from backend.settings import PROJECT, Settings, quiet_environment, settings


def test_the_environment_decides(monkeypatch, tmp_path):
    monkeypatch.setenv("DISTILLERY_STORAGE", str(tmp_path / "here"))
    monkeypatch.setenv("DISTILLERY_MAX_JOBS", "3")
    monkeypatch.setenv("DISTILLERY_THREADS", "2")
    settings_module.settings.cache_clear()
    assert settings() == Settings(tmp_path / "here", 3, 2)
    monkeypatch.setenv("DISTILLERY_MAX_JOBS", "4")
    assert settings().max_jobs == 3, "read once"


def test_defaults(monkeypatch):
    monkeypatch.setenv("DISTILLERY_STORAGE", "")
    settings_module.settings.cache_clear()
    assert settings().storage == PROJECT / "storage"
    assert settings().max_jobs == 1
    assert settings().threads >= 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²", " "])
def test_a_count_that_is_none_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("DISTILLERY_THREADS", value)
    settings_module.settings.cache_clear()
    with pytest.raises(UserError, match="DISTILLERY_THREADS must be a whole number of at least 1"):
        settings()


def test_no_job_at_all_may_be_asked_for(monkeypatch):
    monkeypatch.setenv("DISTILLERY_MAX_JOBS", "0")
    settings_module.settings.cache_clear()
    assert settings().max_jobs == 0


def test_every_byte_of_state_is_below_storage(tmp_path):
    here = Settings(storage=tmp_path)
    for path in (here.runs, here.trash, here.weights, here.database, here.backups):
        assert path.parent == tmp_path


def test_libraries_stay_offline_and_inside_storage(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    found = quiet_environment(Settings(storage=tmp_path, threads=3))
    assert found["YOLO_OFFLINE"] == "true"
    assert found["YOLO_AUTOINSTALL"] == "false"
    assert found["HF_HUB_OFFLINE"] == found["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert found["OMP_NUM_THREADS"] == "3"
    assert found["OMP_WAIT_POLICY"] == "PASSIVE"
    for name in ("YOLO_CONFIG_DIR", "MPLCONFIGDIR", "HF_HOME"):
        assert found[name].startswith(str(tmp_path))
