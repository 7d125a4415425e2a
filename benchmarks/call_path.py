"""How much code one call of the gateway runs through: functions, changes of file, HTTP calls and SQL statements.

    .venv/bin/python benchmarks/call_path.py

Counted by a profiler hook for one capture, one refund and one settled unknown (a capture whose answer is lost, then
``settle``). The figures are exact and the same on every machine. A change of file is a call of a function in another
file than the function called before it: there a reader who follows the calls opens another file. Only the package is
counted, without its local Voucher Cloud and test kit. The script uses public names only, so it runs on other versions
of the package too.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.append(str(Path(__file__).parent.parent))

import django

INLINED_SINCE_3_12 = ("<listcomp>", "<setcomp>", "<dictcomp>")
NOT_COUNTED = ("sandbox", "testing")
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
TOTAL = Decimal("20.00")


class CallPath:
    """The path of a call through the package, in the order of execution. A generator counts each time it is resumed."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self.functions: Counter[tuple[str, int]] = Counter()
        self.file_changes = 0
        self.statements = 0
        self.http_calls = 0
        self._file = ""

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code.co_name in INLINED_SINCE_3_12 or not self._counts(frame):
            return
        file = frame.f_code.co_filename
        self.functions[file, frame.f_code.co_firstlineno] += 1
        self.file_changes += file != self._file and bool(self._file)
        self._file = file

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements += not sql.lstrip().upper().startswith(TRANSACTION_CONTROL)
        return execute(sql, params, many, context)

    def row(self) -> tuple[int, ...]:
        """Return the figures in the order of ``COLUMNS``."""
        files = {file for file, _ in self.functions}
        calls = self.functions.total()
        return len(self.functions), calls, len(files), self.file_changes, self.http_calls, self.statements

    def _counts(self, frame: FrameType) -> bool:
        file = Path(frame.f_code.co_filename)
        return (
            file.is_relative_to(self._package) and file.relative_to(self._package).parts[0] not in NOT_COUNTED
        )


COLUMNS = ("functions", "calls", "files", "file changes", "HTTP calls", "SQL statements")


@contextmanager
def shop() -> Iterator[Any]:
    """Set Django up with the test shop, an empty database and a local Voucher Cloud."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection
    from django.test import override_settings

    from voucher_payment_gateway.testing import local_voucher_cloud

    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with override_settings(DEBUG=False), local_voucher_cloud() as cloud:
            yield cloud
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def authorized(cloud: Any, number: str) -> Any:
    from tests.shop.models import Order
    from voucher_payment_gateway import gateway

    voucher = cloud.add_voucher(amount=TOTAL)
    order = Order.objects.create(number=number, total=TOTAL)
    gateway.authorize(order, voucher.code)
    return order


def followed(cloud: Any, act: Callable[[], object]) -> CallPath:
    """Return the path of a call in this thread."""
    from django.db import connection

    import voucher_payment_gateway

    path = CallPath(Path(voucher_payment_gateway.__file__).parent)
    cloud.forget_requests()
    with connection.execute_wrapper(path.statement):
        sys.setprofile(path.profile)
        try:
            act()
        finally:
            sys.setprofile(None)
    path.http_calls = sum(not call.path.endswith("/oauth/token") for call in cloud.requests)
    return path


def measured(cloud: Any, number: str) -> dict[str, CallPath]:
    """Return the paths of the calls for orders of this number."""
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.exceptions import OutcomeUnknownError
    from voucher_payment_gateway.models import VoucherOperation

    order, lost = authorized(cloud, number), authorized(cloud, f"{number}-lost")

    def capture_without_answer() -> None:
        cloud.faults.next("after:drop", method="POST", path="*/charge")
        with suppress(OutcomeUnknownError):
            gateway.capture(lost)

    paths = {
        "capture": followed(cloud, lambda: gateway.capture(order)),
        "refund": followed(cloud, lambda: gateway.refund(order, Decimal("5.00"))),
        "capture, answer lost": followed(cloud, capture_without_answer),
    }
    VoucherOperation.objects.filter(state="unknown").update(due_at="2020-01-01T00:00:00Z")
    paths["settle of it"] = followed(cloud, gateway.settle)
    states = list(VoucherOperation.objects.filter(kind="charge").values_list("state", flat=True))
    if set(states) != {"succeeded"}:
        raise RuntimeError(f"the charges are {states}")
    return paths


def main() -> None:
    with shop() as cloud:
        measured(cloud, "first")  # what is imported, connected and cached by the first calls is not counted
        paths = measured(cloud, "second")
    print(f"{'':22}" + "".join(f"{column:>16}" for column in COLUMNS))
    for name, path in paths.items():
        print(f"{name:22}" + "".join(f"{figure:>16}" for figure in path.row()))


if __name__ == "__main__":
    main()
