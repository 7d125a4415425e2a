"""The day that a customer reads as the end of a voucher: whoever comes on that day is not too late."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.core import mail
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.wording import last_day_text
from voucher_payment_gateway.delivery.links import page_path
from voucher_payment_gateway.delivery.mail import send_reminder
from voucher_payment_gateway.models import VoucherSale

MIDNIGHT_IN_BERLIN = datetime(2027, 12, 31, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "end", "day"),
    [
        ("Europe/Berlin", MIDNIGHT_IN_BERLIN, "Dec. 31, 2027"),
        ("Europe/Berlin", MIDNIGHT_IN_BERLIN.replace(hour=22, minute=59, second=59), "Dec. 31, 2027"),
        ("Europe/Berlin", datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC), "Dec. 31, 2027"),
        ("Europe/Berlin", datetime(2028, 1, 1, tzinfo=UTC), "Dec. 31, 2027"),
        ("Europe/Berlin", datetime(2027, 7, 1, 22, 0, tzinfo=UTC), "July 1, 2027"),
        ("Asia/Tokyo", datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC), "Dec. 31, 2027"),
        ("America/New_York", datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC), "Dec. 31, 2027"),
        ("America/New_York", datetime(2028, 1, 1, 5, tzinfo=UTC), "Dec. 31, 2027"),
        ("Europe/Berlin", datetime(2027, 7, 21, 17, 32, 28, tzinfo=UTC), "July 21, 2027"),
        ("Europe/Berlin", datetime(2027, 7, 21, 22, 30, tzinfo=UTC), "July 22, 2027"),
    ],
)
def test_an_end_at_midnight_is_that_of_the_day_before(zone, end, day):
    with timezone.override(zone):
        assert last_day_text(end) == day


@pytest.mark.parametrize("nothing", [None, "", "2027-12-31"])
def test_nothing_is_written_where_there_is_no_instant(nothing):
    assert last_day_text(nothing) == ""


def test_mail_page_print_and_reminder_name_the_same_day(seller, client, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    seller.settings(VOUCHER_DELIVERY="page")
    sale = seller.sell()
    VoucherSale.objects.update(valid_until=MIDNIGHT_IN_BERLIN)
    sale.refresh_from_db()
    send_reminder(sale, sale.amount)
    reminder = mail.outbox[0]
    texts = [reminder.subject, reminder.body, unescape(reminder.alternatives[0][0])]
    texts += [client.get(page_path(sale) + path).content.decode() for path in ("", "print/")]
    for text in texts:
        assert "Dec. 31, 2027" in text
        assert "2028" not in text


def test_the_mail_with_the_code_names_that_day(seller, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    sale = seller.sell(deliver_at=timezone.now() + timedelta(days=1))
    seller.later(days=2)
    seller.cloud.store.state.vouchers[
        sale.voucher_id
    ].valid_until = MIDNIGHT_IN_BERLIN  # read before the mail
    gateway.settle()
    (message,) = mail.outbox
    for text in (message.body, unescape(message.alternatives[0][0])):
        assert "Dec. 31, 2027" in text
        assert "2028" not in text
