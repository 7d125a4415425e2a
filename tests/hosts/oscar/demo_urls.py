"""The demo has no search engine: its catalogue lists the products of the database."""

from django.conf import settings
from django.conf.urls.static import static
from django.urls import path
from django.views.generic import ListView
from oscar.core.loading import get_model

from tests.hosts.oscar.urls import urlpatterns as shop


class Catalogue(ListView):
    template_name = "oscar/catalogue/browse.html"
    context_object_name = "products"
    extra_context = {"summary": "All products"}  # noqa: RUF012
    paginate_by = 20

    def get_queryset(self):
        return [Found(product) for product in get_model("catalogue", "Product").objects.order_by("pk")]


class Found:
    """A product as a search engine would return it."""

    def __init__(self, product):
        self.object = product


urlpatterns = [
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
    path("catalogue/", Catalogue.as_view()),
    *shop,
]
