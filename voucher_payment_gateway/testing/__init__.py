"""The test kit for shops: the local Voucher Cloud as pytest fixtures, a context manager and a unittest mixin.

With pytest there is nothing to import: see ``pytest_plugin``. Elsewhere:

    from voucher_payment_gateway.testing import local_voucher_cloud

    with local_voucher_cloud() as cloud:
        voucher = cloud.add_voucher(amount="20.00")
        ...  # the shop is paid with voucher.code

``VoucherConformance`` is a pytest class that plays many situations against a shop: see ``conformance``.

Every pytest run of an environment imports this package, because it contains the plugin. So its names are loaded
on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voucher_payment_gateway.testing.cloud import (
        LocalVoucherCloudMixin,
        ServedVoucherCloud,
        local_voucher_cloud,
    )
    from voucher_payment_gateway.testing.conformance import VoucherConformance

__all__ = ["LocalVoucherCloudMixin", "ServedVoucherCloud", "VoucherConformance", "local_voucher_cloud"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "conformance" if name == "VoucherConformance" else "cloud"
    return getattr(import_module(f"{__name__}.{module}"), name)
