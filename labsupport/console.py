"""What the user sees: results on standard output, progress on standard error.

On a terminal a task is a bar with the time it has taken and usually takes; in a
log it is one line when it starts and one when it ends.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

_lock = threading.Lock()
_live: Progress | None = None
_users = 0


def say(text: str) -> None:
    """Print one line of progress."""
    err.print(text)


@contextmanager
def silent() -> Iterator[None]:
    """Print no progress until the block ends: what a notebook shows is its cells' results."""
    before, err.quiet = err.quiet, True
    try:
        yield
    finally:
        err.quiet = before


@contextmanager
def task(text: str, usual: float | None = None) -> Iterator[None]:
    """Show `text` as under way until the block ends.

    Args:
        text: what is being done, in the present: "building etcd".
        usual: seconds it usually takes on 2 cores, which the bar is drawn against.

    Tasks may run in several threads at once. A block that raises is shown as failed.
    """
    start = time.monotonic()
    if not err.is_terminal:
        say(f"{text} …" + (f" (usually {seconds(usual)})" if usual else ""))
    try:
        with _bar(text, usual):
            yield
    except BaseException:
        say(f"[red]✗[/] {text}: failed after {seconds(time.monotonic() - start)}")
        raise
    say(f"[green]✓[/] {text}: {seconds(time.monotonic() - start)}")


def seconds(value: float) -> str:
    """A duration as people say it: `8 s`, `5 min 12 s`."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def _bar(text: str, usual: float | None) -> Iterator[None]:
    """Draw one bar on the shared live display, which exists while any task runs."""
    global _live, _users
    if not err.is_terminal:
        yield
        return
    with _lock:
        if _live is None:
            _live = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(20),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[usual]}"),
                console=err,
                transient=True,
            )
            _live.start()
        _users += 1
        live = _live
    row = live.add_task(text, total=usual, usual=f"usually {seconds(usual)}" if usual else "")
    stop = threading.Event()
    ticker = threading.Thread(target=_advance, args=(live, row, usual, stop), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        stop.set()
        ticker.join()
        with _lock:
            live.remove_task(row)
            _users -= 1
            if _users == 0:
                live.stop()
                _live = None


def _advance(live: Progress, row: object, usual: float | None, stop: threading.Event) -> None:
    """Move a bar by the clock, short of its end: only the task itself says done."""
    start = time.monotonic()
    while usual and not stop.wait(0.2):
        live.update(row, completed=min(time.monotonic() - start, usual * 0.95))  # type: ignore[arg-type]
