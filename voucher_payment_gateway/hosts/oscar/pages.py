"""The pages of staff and customers, included by ``hosts.oscar.urls``."""

from django.urls import path

from voucher_payment_gateway.admin.actions.catalogue import MONEY, OF_SALES
from voucher_payment_gateway.hosts.oscar import account
from voucher_payment_gateway.hosts.oscar.dashboard import view_of

app_name = "oscar_gift_vouchers"
urlpatterns = [
    path("account/", account.GiftVouchersView.as_view(), name="account"),
    path("account/<str:key>/", account.GiftVoucherView.as_view(), name="account-voucher"),
    *(path(f"dashboard/{each.slug}/", view_of(each), name=each.slug) for each in MONEY),
    *(path(f"dashboard/sold/<int:pk>/{each.slug}/", view_of(each), name=each.slug) for each in OF_SALES),
]
