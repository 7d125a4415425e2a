"""The pages of the shop, as the documentation of django-payments writes them."""

from decimal import Decimal

from django.db import transaction
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from payments import PaymentError, RedirectNeeded, get_payment_model


@sensitive_post_parameters("code", "pin")
def pay(request, pk):
    payment = get_object_or_404(get_payment_model(), pk=pk)
    try:
        form = payment.get_form(data=request.POST or None)
    except RedirectNeeded as redirect_to:
        return redirect(str(redirect_to))
    return TemplateResponse(request, "pay.html", {"form": form, "payment": payment})


pay_in_a_transaction = transaction.atomic(pay)


def paid(request, number):
    return HttpResponse(f"Thank you for your order {number}.")


def not_paid(request, number):
    return HttpResponse(f"Your order {number} is not paid.")


@require_POST
def staff(request, pk, verb):
    """Capture, release, refund or cancel a payment, as a shop's desk does."""
    payment = get_object_or_404(get_payment_model(), pk=pk)
    amount = request.POST.get("amount")
    try:
        getattr(payment, verb)(*([Decimal(amount)] if amount else []))
    except (PaymentError, ValueError) as error:
        return HttpResponseBadRequest(str(error))
    return HttpResponse(payment.status)
