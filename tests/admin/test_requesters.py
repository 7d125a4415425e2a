"""Who asked for a refund: what they are told of their request later, and whether it may still be done in their name."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from tests.admin.test_actions import ORDER, confirm, moved, told
from tests.admin.two_people import address, ask, decide
from voucher_payment_gateway.models import VoucherApproval


@pytest.mark.parametrize("what", ["deactivated", "without the permission", "deleted"])
def test_nothing_is_refunded_in_the_name_of_who_may_not_refund_any_more(
    charged, mia, ben, django_user_model, what
):
    ask(mia)
    user = django_user_model.objects.get(username="mia")
    if what == "deactivated":
        django_user_model.objects.filter(pk=user.pk).update(is_active=False)
    elif what == "deleted":
        user.delete()
    else:
        user.user_permissions.clear()
    page = decide(ben, "approved")
    assert "mia may not refund any more, or has no account any more: reject it." in page.text
    assert [value for value, _ in page.context["form"].fields["outcome"].choices] == ["rejected"]
    assert moved("refund") == []
    with translation.override("de"):
        assert "mia darf nicht mehr erstatten" in ben.get(address()).text
    assert told(decide(ben, "rejected")) == ["The request is rejected; nothing is refunded."]


def test_a_page_that_has_asked_tells_what_became_of_it(charged, mia, ben):
    page = mia.get(ORDER["refund"])

    def again():
        return told(confirm(mia, ORDER["refund"], page, amount="120"))

    assert again()[0].startswith("Your request is noted")
    request = VoucherApproval.objects.filter()
    request.update(expires_at=timezone.now() - timedelta(hours=1))
    assert again() == ["The refund of €120.00 was not approved in time: nothing was refunded."]
    request.update(expires_at=timezone.now() + timedelta(hours=1))
    decide(ben, "rejected")
    assert again() == ["The refund of €120.00 was rejected: nothing was refunded."]
    request.update(outcome="approved")
    assert again() == ["The refund of €120.00 was approved. It is not carried out yet."]
