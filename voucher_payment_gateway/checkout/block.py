"""The context of the gift voucher block's templates: in a page, and in the response of an endpoint."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from voucher_payment_gateway.checkout.addresses import addresses
from voucher_payment_gateway.checkout.balance import with_balances
from voucher_payment_gateway.checkout.forms import VoucherForm, fields_of
from voucher_payment_gateway.checkout.problems import PROBLEMS, THROTTLED, UNUSABLE, Problem
from voucher_payment_gateway.checkout.security_policy import nonce_of
from voucher_payment_gateway.checkout.summary import Summary, shown_summary

__all__ = [
    "STORY_TEMPLATE",
    "TEMPLATE",
    "Outcome",
    "block_context",
    "page_context",
    "recall_problem",
    "remember_problem",
    "styles_link",
]

TEMPLATE = "voucher_payment_gateway/checkout.html"
STORY_TEMPLATE = "voucher_payment_gateway/story.html"
STYLES = "voucher_payment_gateway/checkout.css"
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


def page_context(request: HttpRequest | None, order: Any, next: str) -> dict[str, Any] | None:
    """Return the context of the block in a page, or None where there is nothing to show."""
    summary = shown_summary(order)
    if summary is None:
        return None
    address = next or (request.get_full_path() if request else "")
    outcome = Outcome(order, problem=recall_problem(request))
    return {**block_context(with_balances(summary), address, outcome), "nonce": nonce_of(request)}


def block_context(summary: Summary, next: str, outcome: Outcome, *, notice: str = "") -> dict[str, Any]:
    """Return the context of the block. ``notice`` is a message that the page does not show elsewhere."""
    problem = outcome.problem
    form = VoucherForm(problem=problem)
    return {
        "addresses": addresses(),
        "fields": fields_of(form),
        "form": form,
        # the code may be right, and its PIN missing
        "ask_for_pin": problem is not None and problem.code == UNUSABLE.code,
        "next": next,
        "notice": notice or (problem.message if problem and problem.is_untold else ""),
        "problem": problem,
        "summary": summary,
    }


def styles_link(nonce: str, styles: str = STYLES) -> SafeString:
    """Return the link to a default stylesheet, with the nonce of the page's policy where it has one."""
    if nonce:
        return format_html('<link rel="stylesheet" href="{}" nonce="{}">', static(styles), nonce)
    return format_html('<link rel="stylesheet" href="{}">', static(styles))


def remember_problem(request: HttpRequest, problem: Problem, *, from_block: bool) -> bool:
    """Store the code of the problem, and the seconds to wait, in the session for the next page; nothing of the input is
    stored. Return whether the block of that page says what the problem is: at the field of a code that was entered
    there, or where no message can."""
    is_said_by_the_block = (from_block and problem.field == "code") or not has_messages(request)
    is_kept = is_said_by_the_block or problem.field or problem.code == THROTTLED.code
    if not is_kept or not hasattr(request, "session"):
        return False
    seconds = problem.retry_after_seconds
    request.session[SESSION_KEY] = problem.code if seconds is None else f"{problem.code} {seconds:.0f}"
    return is_said_by_the_block


def recall_problem(request: HttpRequest | None) -> Problem | None:
    """Return the stored problem, once."""
    session = getattr(request, "session", None)
    if session is None or SESSION_KEY not in session:
        return None
    code, _, seconds = session.pop(SESSION_KEY).partition(" ")
    problem = PROBLEMS.get(code)
    wait = float(seconds) if seconds else None
    return problem and replace(problem, is_untold=not has_messages(request), retry_after_seconds=wait)


def has_messages(request: HttpRequest | None) -> bool:
    """Return whether Django's messages are there to say something on the next page."""
    return hasattr(request, "_messages")
