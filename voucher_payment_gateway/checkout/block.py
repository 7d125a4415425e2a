"""The context of the gift voucher block's templates: in a page, and in the response of an endpoint."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from voucher_payment_gateway.checkout.forms import VoucherForm
from voucher_payment_gateway.checkout.problems import PROBLEMS, THROTTLED, UNUSABLE, Problem
from voucher_payment_gateway.checkout.summary import Summary

__all__ = ["TEMPLATE", "Outcome", "block_context", "recall_problem", "remember_problem"]

TEMPLATE = "voucher_payment_gateway/checkout.html"
SESSION_KEY = "voucher_payments_problem"


@dataclass(frozen=True)
class Outcome:
    """The result of a visitor's request: a message, or the problem that prevented it."""

    order: Any = None
    message: str = ""
    problem: Problem | None = None

    @property
    def text(self) -> str:
        return self.problem.message if self.problem else self.message

    @property
    def status(self) -> int:
        return self.problem.status if self.problem else 200


def block_context(summary: Summary, next: str, outcome: Outcome, *, notice: str = "") -> dict[str, Any]:
    """Return the context of the block. ``notice`` is a message that the page does not show elsewhere."""
    problem = outcome.problem
    return {
        "form": VoucherForm(problem=problem),
        # the code may be right, and its PIN missing
        "ask_for_pin": problem is not None and problem.code == UNUSABLE.code,
        "next": next,
        "notice": notice,
        "problem": problem,
        "summary": summary,
    }


def remember_problem(request: HttpRequest, problem: Problem) -> None:
    """Store the code of the problem in the session for the next page; nothing of the input is stored."""
    if (problem.field or problem.code == THROTTLED.code) and hasattr(request, "session"):
        request.session[SESSION_KEY] = problem.code


def recall_problem(request: HttpRequest | None) -> Problem | None:
    """Return the stored problem, once."""
    session = getattr(request, "session", None)
    if session is None or SESSION_KEY not in session:
        return None
    return PROBLEMS.get(session.pop(SESSION_KEY))
