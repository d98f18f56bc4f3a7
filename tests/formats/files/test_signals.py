"""Signals held back for a few steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from weightquant_cli.formats.files.signals import HELD, deferred_signals

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="Python delivers signals to the main thread",
)


class Told(Exception):
    """Raised by the handler of these tests."""


def tell(number: int, _: object) -> None:
    raise Told(number)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A handler of our own for both signals; those of before return after the test."""
    before = {number: signal.signal(number, tell) for number in HELD}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", HELD)
def test_a_signal_is_delivered_when_the_block_ends(number: signal.Signals) -> None:
    steps: list[str] = []
    with pytest.raises(Told) as caught, deferred_signals():
        steps.append("before")
        signal.raise_signal(number)
        steps.append("after")
    assert (steps, caught.value.args) == (["before", "after"], (number,))


def test_only_the_first_of_several_signals_is_delivered() -> None:
    with pytest.raises(Told) as caught, deferred_signals():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert caught.value.args == (signal.SIGTERM,)


def test_without_a_signal_nothing_happens_and_the_handlers_return() -> None:
    with deferred_signals():
        assert signal.getsignal(signal.SIGINT) is not tell
    assert [signal.getsignal(number) for number in HELD] == [tell, tell]


def test_the_handlers_return_after_an_error() -> None:
    with pytest.raises(ValueError, match="ours"), deferred_signals():
        raise ValueError("ours")
    assert [signal.getsignal(number) for number in HELD] == [tell, tell]


def test_a_block_within_a_block_waits_for_the_outer_one() -> None:
    steps: list[str] = []
    with pytest.raises(Told), deferred_signals():
        with deferred_signals():
            signal.raise_signal(signal.SIGINT)
        steps.append("still inside")
    assert steps == ["still inside"]


def test_in_another_thread_nothing_is_changed() -> None:
    seen: list[object] = []

    def work() -> None:
        with deferred_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [tell]


@pytest.mark.parametrize("number", HELD)
def test_a_signal_that_was_inherited_as_ignored_stays_ignored(number: int) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with deferred_signals():
            assert signal.getsignal(number) is signal.SIG_IGN
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
