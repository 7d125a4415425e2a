"""A shop that sells vouchers, and the mail server that it uses."""

import pytest

from tests.mail_settings import mail_settings
from tests.selling.smtp_double import smtp_server
from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sealing import Secret, seal

CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
BACKEND = "django.core.mail.backends.smtp.EmailBackend"


class Seller:
    """The shop in the words of these tests; it sells one voucher of 50.00 per order."""

    def __init__(self, shop, change):
        self.shop, self.cloud, self.later, self.settings = shop, shop.cloud, shop.later, change
        self.order = shop.order("50.00", note="a=50.00")

    def details(self, **fields):
        """Say what the order line of the voucher has, beside its amount."""
        sold.DETAILS["a"] = fields

    def issue(self):
        return gateway.issue(self.order)[0]

    def sell(self, **fields):
        """Sell a voucher, and return the sale after ``activate``."""
        if fields:
            self.details(**fields)
        (sale,) = gateway.activate(self.order)
        return sale

    def with_pin(self):
        """Issue a voucher whose code and PIN are known to the test, before it is activated."""
        sale = self.issue()
        VoucherSale.objects.filter(pk=sale.pk).update(
            sealed_code=seal(Secret(CODE, PIN)), code_hint=CODE[-4:]
        )

    def code(self, sale):
        return self.cloud.voucher(sale.voucher_id).code


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", SHOP_URL="https://shop.example")
    yield Seller(shop, gateway_settings)
    sold.DETAILS.clear()


@pytest.fixture
def smtp(settings):
    """A real SMTP server that the shop sends its mails to."""
    with smtp_server() as server:
        use_mail_backend(settings, BACKEND, host="127.0.0.1", port=server.port)
        yield server


def use_mail_backend(settings, backend, **options):
    """Name the backend and its options as this Django wants them."""
    for name, value in mail_settings(backend, **options).items():
        setattr(settings, name, value)


@pytest.fixture
def templates_of_the_shop(settings, tmp_path):
    """Override a template: call it with its name and its text."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]

    def override(name, text):
        path = tmp_path / "voucher_payment_gateway" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return override
