"""Work beside the caller: in order for each key, and errors reach the caller."""

from __future__ import annotations

import threading

import pytest

from weightquant_cli.core.quantize.adaptive.lanes import WAITING, Lanes

# Longer than any of these tests takes: a wait that ends by it is a failure.
PATIENCE = 60


@pytest.mark.parametrize("count", [0, 1, 3])
def test_work_of_a_key_is_done_in_order_and_all_of_it_before_the_end(count: int) -> None:
    done: dict[str, list[int]] = {key: [] for key in "abcd"}
    with Lanes(count) as lanes:
        for number in range(50):
            for key, numbers in done.items():
                lanes.submit(key, lambda numbers=numbers, n=number: numbers.append(n))  # type: ignore[misc]
    assert all(numbers == list(range(50)) for numbers in done.values())


def test_two_keys_are_worked_on_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE)
    met = []
    with Lanes(2) as lanes:
        for key in "ab":
            lanes.submit(key, lambda: met.append(meeting.wait()))
    assert sorted(met) == [0, 1]


def test_without_lanes_the_caller_works() -> None:
    seen = []
    with Lanes(0) as lanes:
        lanes.submit("a", lambda: seen.append(threading.get_ident()))
        assert seen == [threading.get_ident()]


def _fail() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize("count", [0, 1])
def test_an_error_reaches_the_caller_and_the_rest_is_not_done(count: int) -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="broken"), Lanes(count) as lanes:
        lanes.submit("a", _fail)
        for number in range(3 * WAITING):
            lanes.submit("a", lambda n=number: done.append(n))  # type: ignore[misc]
    assert done == []


def test_an_error_of_the_caller_is_not_hidden_and_ends_the_work() -> None:
    started, done = threading.Event(), []

    def wait() -> None:
        started.wait(PATIENCE)

    with pytest.raises(KeyError), Lanes(1) as lanes:
        lanes.submit("a", wait)
        lanes.submit("a", lambda: done.append(1))
        threading.Timer(0.05, started.set).start()
        raise KeyError
    assert done == []
