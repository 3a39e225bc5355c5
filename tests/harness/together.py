"""Many small cases in one test: pytest spends two milliseconds on each test, more than most of these take."""

import functools
import inspect

import pytest


def together(names, cases, ids=repr):
    """Like `pytest.mark.parametrize`, but one test, which tries every case and names each that fails.

    The fixtures are the same for all cases. `ids` makes a name of each value.
    """
    names, cases = names.split(", "), list(cases)
    assert cases, "there is no case to try"

    def decorate(test):
        @functools.wraps(test)
        def every_case(**fixtures):
            failed = {}
            for case in cases:
                given = dict(zip(names, case if len(names) > 1 else [case], strict=True))
                try:
                    test(**given, **fixtures)
                except (Exception, pytest.fail.Exception) as error:
                    failed[", ".join(f"{name}={ids(value)}" for name, value in given.items())] = error
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(cases)} fail: {'; '.join(failed)}", [*failed.values()])

        signature = inspect.signature(test)
        fixtures = [value for name, value in signature.parameters.items() if name not in names]
        every_case.__signature__ = signature.replace(parameters=fixtures)
        return every_case

    return decorate
