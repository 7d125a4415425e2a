"""The order of the current visitor."""

from tests.shop.models import Order


def current_order(request):
    return Order.objects.filter(number=request.session.get("order_number", "")).first()


def two_arguments(request, language):
    """Cannot be asked for the order: it wants more than the request."""
    return current_order(request)


def customer_orders(request):
    """Every order of the shop: the tests have one customer."""
    from tests.shop.models import Order

    return list(Order.objects.all()) if request.headers.get("customer") else []
