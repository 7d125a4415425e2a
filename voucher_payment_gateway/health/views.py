"""What a probe reads: one small JSON document, with status 200 where all is well and 503 where a person must look.

Status words alone: anyone may read it, so it tells no number, name or amount.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from voucher_payment_gateway.gateway.records.conflicts import non_atomic
from voucher_payment_gateway.health.examination import NEEDED_TO_SERVE, WELL, examine

__all__ = ["health", "ready"]


@non_atomic  # with ATOMIC_REQUESTS a database that is away would be an error before the view runs
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer whether a person must look: for monitoring, not for what restarts or removes a server."""
    return _answer(examine())


@non_atomic
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer whether this process can serve: the database answers, and the settings are valid."""
    return _answer(examine(NEEDED_TO_SERVE))


def _answer(found: dict[str, str]) -> HttpResponse:
    is_well = all(word in WELL for word in found.values())
    document = {"status": "ok" if is_well else "trouble", "checks": found}
    return JsonResponse(document, status=200 if is_well else 503)
