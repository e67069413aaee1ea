import pytest

from textroute.limits import SlidingWindow, backoff


def test_allows_up_to_the_limit(window):
    assert [window.allow("ada", second) for second in (0, 1, 2, 3)] == [True, True, True, False]


def test_keys_are_independent(window):
    for second in range(3):
        window.allow("ada", second)
    assert window.allow("bob", 3)


def test_old_events_expire(window):
    for second in (0, 1, 2):
        window.allow("ada", second)
    assert not window.allow("ada", 9)
    assert window.allow("ada", 10)


def test_remaining(window):
    assert window.remaining("ada", 0) == 3
    window.allow("ada", 0)
    assert window.remaining("ada", 1) == 2


def test_retry_after(window):
    assert window.retry_after("ada", 0) == 0
    for second in (0, 4, 5):
        window.allow("ada", second)
    assert window.retry_after("ada", 6) == 4


def test_forget_idle(window):
    window.allow("ada", 0)
    window.allow("bob", 8)
    assert window.forget_idle(12) == 1
    assert window.remaining("bob", 12) == 2


@pytest.mark.parametrize("limit, period", [(0, 1), (1, 0), (-1, 5)])
def test_bad_limits(limit, period):
    with pytest.raises(ValueError):
        SlidingWindow(limit, period)


@pytest.mark.parametrize("attempt, seconds", [(1, 0), (2, 1), (3, 2), (4, 4), (20, 60)])
def test_backoff(attempt, seconds):
    assert backoff(attempt) == seconds
