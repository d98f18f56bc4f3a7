"""The thread pool: results in order, and the first error ends the run."""

from __future__ import annotations

import os
import threading

import pytest

from weightquant_cli import threads as pool
from weightquant_cli.threads import Cancelled, CancelToken

EVERY_JOBS = [1, 2, 5]

# Longer than any of these tests takes: a wait that ends by it is a failure.
PATIENCE = 60


@pytest.mark.parametrize("jobs", EVERY_JOBS)
def test_results_are_in_the_order_of_the_items(jobs: int) -> None:
    items = list(range(20))
    cost = [(7 * item) % 20 for item in items]
    assert pool.run(lambda item, _: item * item, items, jobs, cost.__getitem__) == [
        i * i for i in items
    ]


@pytest.mark.parametrize("jobs", EVERY_JOBS)
def test_nothing_to_do_is_done(jobs: int) -> None:
    assert pool.run(lambda item, _: item, [], jobs) == []


def test_the_costliest_items_are_begun_first() -> None:
    size = {"small": 1, "large": 3, "middle": 2}
    begun: list[str] = []
    meeting = threading.Barrier(2, timeout=PATIENCE)

    def work(item: str, _: CancelToken) -> None:
        begun.append(item)
        if item != "small":
            meeting.wait()

    pool.run(work, list(size), 2, size.__getitem__)
    assert (sorted(begun[:2]), begun[2]) == (["large", "middle"], "small")


@pytest.mark.parametrize("jobs", [2, 3])
def test_so_many_threads_work_at_the_same_time(jobs: int) -> None:
    meeting = threading.Barrier(jobs, timeout=PATIENCE)

    def work(item: int, _: CancelToken) -> int:
        meeting.wait()
        return threading.get_ident()

    assert len(set(pool.run(work, list(range(jobs)), jobs))) == jobs


@pytest.mark.parametrize(("jobs", "items"), [(1, 5), (4, 1)])
def test_one_job_or_one_item_works_in_the_calling_thread(jobs: int, items: int) -> None:
    done = pool.run(lambda *_: threading.get_ident(), list(range(items)), jobs)
    assert set(done) == {threading.get_ident()}


@pytest.mark.parametrize("jobs", EVERY_JOBS)
def test_an_error_is_raised_as_it_was(jobs: int) -> None:
    error = ValueError("the third")

    def work(item: int, token: CancelToken) -> int:
        if item == 2:
            raise error
        return item

    with pytest.raises(ValueError) as caught:
        pool.run(work, list(range(6)), jobs)
    assert caught.value is error


def test_of_several_errors_the_first_items_is_raised() -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE)
    others_failed = threading.Barrier(2, timeout=PATIENCE)

    def work(item: int, _: CancelToken) -> None:
        meeting.wait()
        if item == 0:
            others_failed.wait()  # the first item fails last
        if item == 1:
            others_failed.wait()
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        pool.run(work, [0, 1, 2], 3)


def test_an_error_stops_the_others_and_counts_for_more_than_their_giving_up() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE)
    gave_up: list[int] = []

    def work(item: int, token: CancelToken) -> None:
        if item > 1:
            pytest.fail("an item was begun after the error")
        meeting.wait()
        if item == 1:
            raise OSError("the disk")
        while True:
            try:
                token.check()
            except Cancelled:
                gave_up.append(item)
                raise

    with pytest.raises(OSError, match="the disk"):
        pool.run(work, list(range(10)), 2)
    assert gave_up == [0]


class Interrupted(BaseException):
    """Like KeyboardInterrupt: not an Exception."""


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("jobs", EVERY_JOBS)
def test_an_interrupt_in_a_worker_is_raised_and_stops_the_rest(
    error: type[BaseException], jobs: int
) -> None:
    def work(item: int, token: CancelToken) -> None:
        if item == 0:
            raise error
        while jobs > 1:
            token.check()

    with pytest.raises(error):
        pool.run(work, list(range(4)), jobs)


def test_an_interrupt_of_the_calling_thread_stops_the_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = threading.Barrier(3, timeout=PATIENCE)
    gave_up: list[int] = []

    interrupted: list[bool] = []
    wait = pool._Worker.wait

    def interrupted_wait(worker: pool._Worker) -> None:
        if not interrupted:
            interrupted.append(True)
            started.wait()
            raise KeyboardInterrupt
        wait(worker)

    def work(item: int, token: CancelToken) -> None:
        started.wait()
        while True:
            try:
                token.check()
            except Cancelled:
                gave_up.append(item)
                raise

    monkeypatch.setattr(pool._Worker, "wait", interrupted_wait)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        pool.run(work, [0, 1], 2)
    assert sorted(gave_up) == [0, 1]
    assert threading.active_count() == before


def test_no_thread_outlives_a_run() -> None:
    before = threading.active_count()
    pool.run(lambda item, _: item, list(range(8)), 4)
    assert threading.active_count() == before


def test_a_token_is_quiet_until_the_run_is_cancelled() -> None:
    token = CancelToken()
    token.check()
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()


def test_the_default_is_the_cpus_that_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert pool.default_jobs() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert pool.default_jobs() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert pool.default_jobs() == 1


@pytest.mark.parametrize("granted", [0, 1, 3])
def test_fewer_threads_than_wanted_do_all_the_work(
    granted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, left = threading.Thread.start, [granted]

    def limited(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    done = pool.run(lambda item, _: threading.get_ident(), list(range(50)), 4)
    assert (threading.get_ident() in done) == (granted == 0)
