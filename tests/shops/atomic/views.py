"""The recipe's view outside of the transaction, and others inside of it."""

from django.http import HttpResponse

from tests.shops.atomic.models import Order
from tests.shops.recipes import run
from tests.shops.signals import confirmed
from tests.shops.signals import returned as goods_returned
from tests.shops.signals import shipped as order_shipped

run("ATOMIC_REQUESTS", globals(), "def stop_the_parcel")
run("ATOMIC_REQUESTS", globals(), "def ship(")


def confirm(request, number):
    confirmed.send(sender=Order, order=Order.objects.get(number=number))
    return HttpResponse("confirmed")


def ship_inside(request, number):
    """Ship within the request's transaction; fail at the end if asked to."""
    order_shipped.send(sender=Order, order=Order.objects.get(number=number))
    Order.objects.filter(number=number).update(status="shipped")
    if "fail" in request.GET:
        raise RuntimeError("the parcel service is away")
    return HttpResponse("shipped")


def give_back(request, number):
    goods_returned.send(sender=Order, order=Order.objects.get(number=number))
    return HttpResponse("returned")
