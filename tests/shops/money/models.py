"""An order whose total is django-money's."""

from tests.shops.recipes import run

run("django-money", globals(), "class Order")


def current(request):
    return Order.objects.filter(pk=request.session.get("order")).first()  # noqa: F821  of the recipe
