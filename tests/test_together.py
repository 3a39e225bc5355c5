"""Is each case that fails named where many are one test?"""

import pytest

from harness.together import together


@pytest.fixture
def limit():
    return 3


@together("one, other", [(1, 1), (2, 1), (1, 2)])
def test_fixtures_are_given_to_every_case(one, other, limit):
    assert one + other <= limit


def test_each_case_that_fails_is_named_and_the_others_are_tried():
    tried = []

    @together("i", range(5), ids=lambda i: f"<{i}>")
    def check(i, least):
        tried.append(i)
        if i == 4:
            with pytest.raises(ValueError):
                int("4")
        assert i >= least

    with pytest.raises(BaseExceptionGroup) as found:
        check(least=2)
    assert tried == [0, 1, 2, 3, 4] and found.value.message == "3 of 5 fail: i=<0>; i=<1>; i=<4>"
    assert [type(error) for error in found.value.exceptions] == [AssertionError, AssertionError, pytest.fail.Exception]


def test_no_case_at_all_is_an_error():
    with pytest.raises(AssertionError, match="there is no case to try"):
        together("i", [])
