"""What several files on the expert's tools share."""

import pytest

from pooling_course.expert import bar


@pytest.fixture
def bars(monkeypatch):
    """What a notebook shows of progress bars, one text after the other."""
    shown = []

    class Handle:
        def update(self, html):
            shown.append(html.data)

    monkeypatch.setattr(bar, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda html, display_id: shown.append(html.data) or Handle())
    return shown
