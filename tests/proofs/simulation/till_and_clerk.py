"""Other users of the vouchers: a till of another shop, and a clerk who refunds by hand."""

from collections import Counter
from random import Random

from tests.proofs.simulation.loop import Loop, Process
from tests.proofs.simulation.remote import RefusalError, Remote
from tests.proofs.simulation.rows import Operation, Rows

__all__ = ["Clerk", "Till"]


class Till:
    """The till of another shop of the same client group, whose order numbers look like ours."""

    def __init__(self, random: Random, remote: Remote, rows: Rows, seen: Counter[str]) -> None:
        self.random, self.remote, self.rows, self.seen = random, remote, rows, seen

    def serve(self, loop: Loop) -> Process:
        """Reserve on a voucher, and in half of the cases charge it a little later."""
        voucher = self.random.choice(list(self.remote.vouchers.values()))
        number, cents = self._draw_sale(voucher.id)
        try:
            hold = self.remote.reserve(loop.now, voucher.id, cents)
        except RefusalError:
            return
        yield self.random.uniform(1, 60)
        if self.random.random() < 0.5:
            try:
                self.remote.charge(loop.now, hold.id, number, "till", None)
                self.seen["till charges"] += 1
            except RefusalError:
                return

    def _draw_sale(self, voucher_id: str) -> tuple[str, int]:
        """Draw a sale; one in four has the amount and nearly the number of an open charge of ours."""
        ours = [op for op in self.rows.open.values() if op.kind == "charge" and op.voucher_id == voucher_id]
        if ours and self.random.random() < 0.25:
            alike = self.random.choice((ours[0].order_number, f"{ours[0].reference}0"))
            return alike, int(ours[0].amount * 100)
        return str(1000 + self.random.randrange(40)), self.random.choice((100, 500, 1000, 2500))


class Clerk:
    """A clerk in the back office, who refunds our charges by hand."""

    def __init__(self, random: Random, remote: Remote, rows: Rows, seen: Counter[str]) -> None:
        self.random, self.remote, self.rows, self.seen = random, remote, rows, seen

    def refund(self, now: float) -> None:
        """Refund a charge; in half of the cases exactly like a refund of ours in flight."""
        operation = self._draw_operation()
        if operation is None:
            return
        target = operation.target_id if operation.kind == "refund" else operation.remote_id
        try:
            self.remote.refund(now, target, int(operation.amount * 100), "clerk", None)
            self.seen["clerk refunds"] += 1
        except RefusalError:
            return

    def _draw_operation(self) -> Operation | None:
        open_refunds = [op for op in self.rows.open.values() if op.kind == "refund"]
        if open_refunds and self.random.random() < 0.5:
            return self.random.choice(open_refunds)
        charged = [op for op in self.rows.operations.values() if op.kind == "charge" and op.remote_id]
        return self.random.choice(charged) if charged else None
