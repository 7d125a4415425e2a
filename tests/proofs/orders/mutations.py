"""The mutations: plausible but wrong versions of the order rules, each as a gateway that has dropped one of them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.proofs.orders.holds import Request
from tests.proofs.orders.rows import ZERO, Operation, Order, Payment
from tests.proofs.orders.sweep import Gateway
from voucher_payment_gateway.money import CENT
from voucher_payment_gateway.rules import by_status, cover


class ConfirmsNothing(Gateway):
    """Rule 1: the event ``authorize`` only reserves."""

    def note_confirmed(self, payment: Payment, number: int) -> None:
        return


def only_while_held(agreed: Any) -> Any:
    """Rule 2: an agreed amount covers only while a reservation is alive."""
    return lambda payment: agreed(payment) if payment.status == "authorized" else ZERO


class FailsBesideItsOwnHold(Gateway):
    """Rule 2: a refusal counts as evidence although the shop's own reservation may be open."""

    def is_evidence(self, payment: Payment) -> bool:
        return True


class TakesLessInSilence(Gateway):
    """Rule 2: a repeated confirmation agrees to what is left of the voucher, and tells nobody."""

    def refuse_if_short(self, request: Request) -> None:
        return


class TakesMoreLater(Gateway):
    """Rule 2: a repeated confirmation takes what another payment method has paid."""

    def fix_what_is_due(self, order: Order) -> None:
        return

    def due_for_vouchers(self, order: Order, *, without: Iterable[Payment] = ()) -> Decimal:
        return self.due(order.number, self.facts(order), without=without)


class LeavesTheRest(Gateway):
    """Rule 2: the rest of a captured payment covers the order, but no capture takes it."""

    def is_rest_agreed(self, payment: Payment) -> bool:
        return False


class ChargesWhatWasLetGo(Gateway):
    """Rule 2: a capture takes from every voucher that it has the code of."""

    def is_counted(self, payment: Payment) -> bool:
        return True


class KeepsCodesForADay(Gateway):
    """Rule 3: the code of a confirmed payment is erased after a day."""

    def code_expiry(self, confirmed_at: Any) -> Any:
        return super().code_expiry(None)


class ShipsInSilence(Gateway):
    """Rule 4: a payment that has ended is passed over."""

    def refuse_if_unpaid(self, payments: list[Payment], due: Decimal) -> None:
        return


class ForgetsConfirmedOrders(Gateway):
    """Rule 5: a second order takes what a confirmed one counts on."""

    def beside_confirmed(
        self, wanted: Decimal, others: list[Payment], payment: Payment, held: Decimal | None = None
    ) -> Decimal:
        return wanted


class ConfirmsAtTheSameMoment(Gateway):
    """Rule 5: what was read across orders is not checked again when it is written."""

    def _is_taken(self, numbers: dict[str, int]) -> bool:
        return False


class ReplacesWhatHasNoCode(Gateway):
    """Rule 5: the live reservation of a confirmed payment is replaced although its code is not kept."""

    def cannot_be_held_again(self, payment: Payment) -> bool:
        return False


class KeepsWhatIsNotNeeded(Gateway):
    """Rule 5: a voucher that the order needs no longer at its confirmation is confirmed all the same."""

    def release_unneeded(self, payments: list[Payment]) -> None:
        return


class BelievesTheHolds(Gateway):
    """Rule 5: where the API subtracts open reservations, the one that it subtracts is believed to be ours."""

    def reserve_beside(self, payment: Payment, wanted: Decimal, others: list[Payment]) -> Any:
        return self.reserve_available(payment, wanted)


def always_stays(settled: Any) -> Any:
    """Rule 6: the shop is believed to leave the total as it was."""
    return lambda payment, after_return: settled(payment, "stays")


class ChargesAsPlanned(Gateway):
    """Rule 7: the total counts as it was when the verb was called."""

    def replanned(self, operation: Operation) -> Decimal:
        return operation.amount


class LooksAtNoStatus(Gateway):
    """Rule 8: the status is acted on at a save only."""

    def look_at_statuses(self) -> None:
        return


class SaysNothingByStatus(Gateway):
    """Rule 8: a sweep passes over a payment that can do nothing any more."""

    def asks_for(self, verb: str, payment: Payment) -> bool:
        return by_status.may_have_effect(verb, payment) and not cover.is_unpaid(payment)


class OnePartAtATime(Gateway):
    """Rule 9: a second part in one transaction is refused."""

    def may_follow(self) -> bool:
        return False


class FactsFirst(Gateway):
    """Rule 10: the order's facts are checked before its payments are looked for."""

    def capture(self, order: Order, *arguments: Any, **options: Any) -> None:
        self.facts(order)
        super().capture(order, *arguments, **options)


class DeletesLiveOrders(Gateway):
    """Rule 11: an order may be deleted whatever its payments are."""

    def refuse_live_money(self, number: str) -> None:
        return

    def cancel(self, order: Order, **options: Any) -> None:
        if order.status != "new":
            super().cancel(order, **options)


class ChargesAgain(Gateway):
    """Rule 12: nothing is read before a charge is made again."""

    def charged_elsewhere(self, *arguments: Any) -> tuple[str, ...]:
        return ()


class RefundsAgain(Gateway):
    """Rule 12: a refund is sent although its charge has gone back already."""

    def refunded_elsewhere(self, operation: Operation) -> bool:
        return False


class SendsFromEveryCopy(Gateway):
    """Rule 12: INSTANCE is not compared."""

    def refuse_other_instance(self) -> None:
        return


class SharesCents(Gateway):
    """Rule 13: shares are in hundredths in every currency."""

    def smallest_unit(self) -> Decimal:
        return CENT


class ForgetsKeys(Gateway):
    """Idempotency keys: an event that is delivered twice is two movements."""

    def was_made(self, verb: str, number: str, key: str, amount: Decimal | None) -> bool:
        return False
