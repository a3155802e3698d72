"""Calls a function in advance, in threads, because a bucket takes long to answer a request."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from loaders.limits import MB

Item = TypeVar("Item")
Result = TypeVar("Result")

# The most that may be in flight or wait to be used.
_REQUESTS, _HELD = 16, 48 * MB


def ahead(
    items: Iterable[Item], do: Callable[[Item], Result], weigh: Callable[[Item], int]
) -> Iterator[tuple[Item, Result | None]]:
    """Yield each item, in order, with the result of `do`, or None for an item of weight 0.

    Items are started in advance until together they weigh `_HELD` bytes.
    """
    waiting: deque[tuple[Item, int, Future[Result] | None]] = deque()
    held = 0
    threads = ThreadPoolExecutor(_REQUESTS, thread_name_prefix="fetch")
    try:
        for item in items:
            weight = weigh(item)
            held += weight
            waiting.append((item, weight, threads.submit(do, item) if weight else None))
            while held > _HELD or len(waiting) > _REQUESTS:
                first, weight, done = waiting.popleft()
                yield first, done.result() if done else None
                held -= weight
        for first, _, done in waiting:
            yield first, done.result() if done else None
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
