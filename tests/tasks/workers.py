"""Real workers of a task queue, each a process with its own way to the local Voucher Cloud."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from tests.docs.pages import DOCS, ROOT, blocks
from voucher_payment_gateway.sandbox import LocalVoucherCloud, Request, Response, serve

__all__ = ["QUEUES", "CeleryQueue", "DjangoQueue", "workers"]

TIMEOUT_SECONDS = 300


class Fate:
    """Kills whichever worker sends the first charge, while that is in flight: it is booked, and not answered."""

    def __init__(self) -> None:
        self._lock, self.killed = Lock(), 0

    def meets(self, worker: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if not self.killed:
                self.killed = worker.pid
                os.killpg(worker.pid, signal.SIGKILL)


class Entrance:
    """The Voucher Cloud as one worker reaches it."""

    def __init__(self, cloud: LocalVoucherCloud, fate: Fate) -> None:
        self._cloud, self._fate = cloud, fate
        self.worker: subprocess.Popen[bytes]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloud, name)

    def answer(self, request: Request) -> Response:
        if request.method == "POST" and request.path.endswith("/charge"):
            self._fate.meets(self.worker)
        return self._cloud.answer(request)


@contextmanager
def workers(queue: Any, cloud: LocalVoucherCloud, count: int, output: Path) -> Iterator[Fate]:
    """Start ``count`` workers, which print to ``output``, and end them with the block."""
    fate = Fate()
    with ExitStack() as stack, open(output, "wb") as file:
        for number in range(count):
            entrance = Entrance(cloud, fate)
            server = stack.enter_context(serve(entrance))  # type: ignore[arg-type]
            environment = {**os.environ, "WORKER_BASE_URL": server.base_url}
            entrance.worker = subprocess.Popen(
                queue.command(number),
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            stack.callback(_end, entrance.worker)
        yield fate


def _end(worker: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


class CeleryQueue:
    """Celery with the project files of the documentation, put into ``folder``. A killed worker's task comes back."""

    def __init__(self, folder: Path) -> None:
        (folder / "shop_project").mkdir()
        for block in blocks(DOCS / "how-to/run-in-the-background.md"):
            if path := block.option("file"):
                (folder / path).write_text(block.text)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(folder)])
        sys.path.append(str(folder))
        self.app = import_module("shop_project.celery").app

    def command(self, number: int) -> list[str]:
        options = ["--concurrency=1", "--loglevel=critical", "--without-gossip", "--without-mingle"]
        return [
            *(sys.executable, "-m", "celery", "--app=shop_project", "--quiet", "worker"),
            *options,
            f"--hostname=worker-{number}@localhost",
        ]

    def run(self, names: list[str], killed: Callable[[], int]) -> list[str]:
        """Enqueue these tasks and wait for all of them; return what failed."""
        tasks = import_module("voucher_payment_gateway.tasks")
        results = [getattr(tasks, name).delay() for name in names]
        for result in results:
            result.get(timeout=TIMEOUT_SECONDS, interval=0.05, propagate=False)
        return [f"a task failed: {result.result!r}" for result in results if not result.successful()]


class DjangoQueue:
    """The tasks of Django with the worker of ``django-tasks-db``. A killed worker's task stays ``RUNNING``."""

    def __init__(self, folder: Path) -> None:
        pass

    def command(self, number: int) -> list[str]:
        options = ["--interval=0.1", "--no-startup-delay", "--no-reload", f"--worker-id=worker-{number}"]
        return [sys.executable, "-m", "django", "db_worker", "--verbosity=0", *options]

    def run(self, names: list[str], killed: Callable[[], int]) -> list[str]:
        """Enqueue these tasks and wait for all but those of killed workers; return what failed."""
        tasks = import_module("voucher_payment_gateway.tasks.django")
        rows = import_module("django_tasks_db.models").DBTaskResult.objects
        for name in names:
            getattr(tasks, name).enqueue()
        latest = time.monotonic() + TIMEOUT_SECONDS
        while rows.filter(status="READY").exists() or rows.filter(status="RUNNING").count() > killed():
            if time.monotonic() > latest:
                return [f"tasks are left: {list(rows.values_list('status', flat=True))}"]
            time.sleep(0.1)
        return [f"a task failed: {row.traceback}" for row in rows.filter(status="FAILED")]


QUEUES = {"celery": CeleryQueue, "django": DjangoQueue}
