"""What tests of lines as processes share."""

import pytest

from tests.unit.line.packages import packed


@pytest.fixture
def ready(storage):
    """Storage with parts and a package, and what a line needs of it."""
    parts, package = packed(storage.runs)
    return {"parts_run": parts.id, "package_run": package.id, "pace": 0.0}
