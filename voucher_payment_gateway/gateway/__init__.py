"""The verbs of the package, and the only code that moves money.

The gateway speaks the shop's words, ``api`` the remote API's:

    =================== ========================== ======================================
    the shop            kind of operation          the Voucher Cloud
    =================== ========================== ======================================
    authorize           reserve                    ``POST /reservations``
    capture             charge                     ``POST /reservations/{id}/charge``
    refund (a return)   refund                     ``POST /charges/{id}/refund``
    cancel (an abort)   cancel, or refund          ``DELETE /reservations/{id}``, or a refund
    issue               issue                      ``POST /vouchers``
    activate            activate                   ``PATCH /vouchers/{id}/status``
    take back           deactivate                 ``PATCH /vouchers/{id}/status``, ``DELETE /vouchers/{id}``
    top up              recharge                   ``POST /vouchers/recharge``
    credit              recharge, or issue         a recharge, or a new voucher
    =================== ========================== ======================================

Each verb has an async form with the prefix ``a``. A call without an amount, or with an idempotency key, is safe to
repeat.

They are loaded with the first use of one of them, not when Django starts: the client and its libraries come along.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voucher_payment_gateway.gateway.public import (
        Cover,
        SettleReport,
        aactivate,
        aauthorize,
        aauthorize_selected,
        acancel,
        acapture,
        aconclude,
        acover,
        acredit,
        activate,
        aerase_people,
        aexplain,
        aissue,
        areconcile,
        arefund,
        aresend,
        aselect,
        asettle,
        atake_back,
        atop_up,
        authorize,
        authorize_selected,
        cancel,
        capture,
        conclude,
        cover,
        credit,
        erase_people,
        explain,
        issue,
        reconcile,
        refund,
        resend,
        select,
        settle,
        take_back,
        top_up,
    )

__all__ = [
    "Cover",
    "SettleReport",
    "aactivate",
    "aauthorize",
    "aauthorize_selected",
    "acancel",
    "acapture",
    "aconclude",
    "acover",
    "acredit",
    "activate",
    "aerase_people",
    "aexplain",
    "aissue",
    "areconcile",
    "arefund",
    "aresend",
    "aselect",
    "asettle",
    "atake_back",
    "atop_up",
    "authorize",
    "authorize_selected",
    "cancel",
    "capture",
    "conclude",
    "cover",
    "credit",
    "erase_people",
    "explain",
    "issue",
    "reconcile",
    "refund",
    "resend",
    "select",
    "settle",
    "take_back",
    "top_up",
]


def __getattr__(name: str) -> Any:
    """Import all of them, and keep them here. Python calls this for a name that the module does not have (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from voucher_payment_gateway.gateway import public

    globals().update({each: getattr(public, each) for each in __all__})
    return globals()[name]
