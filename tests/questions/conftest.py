"""A progress file for tests alone."""

import pytest

from pooling_course.web.still import STATIC


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """An empty progress file."""
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    monkeypatch.delenv(STATIC, raising=False)
    return tmp_path / "progress.jsonl"
