"""Which order a visitor may touch."""

from tests.shop.models import Order


def current_order(request):
    return Order.objects.filter(number=request.session.get("order_number", "")).first()
