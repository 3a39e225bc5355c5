"""Does every hostile submission get the mark it should, and its neighbour too, where an ordinary user grades?"""

import pytest

from harness.hostile_class import *  # noqa: F403 - the fixture `batch`, and the tests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def as_root():
    return False


WITHOUT = """
from pooling_course.grading import sandbox
sandbox.START = sandbox.START.replace("serve({", "from pooling_course.grading import walls; CHANGE; serve({")
sandbox.Sandbox()
"""


@pytest.mark.parametrize(
    "change, door",
    [
        (
            "walls.MOUNT_SETATTR = 39 if walls.os.uname().machine == 'x86_64' else 172",
            "folders",
        ),  # getpid, which opens all
        ("walls.own_files = lambda *_: None", "processes"),
    ],
)
def test_a_sandbox_in_which_something_could_stay_is_refused(batch, change, door):
    """By the trial at the start, as the user who grades."""
    line = [*as_whom(False), sys.executable, "-c", WITHOUT.replace("CHANGE", change)]  # noqa: F405
    done = subprocess.run(line, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)  # noqa: F405
    assert "NoSandbox" in done.stderr and "does not hold" in done.stderr and door in done.stderr, done.stderr
