"""Facts about the running shop: settle and reconcile, receivers, notices, limits on guesses, the client."""

from logging import DEBUG, ERROR, INFO, WARNING

from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.log_events.event import PACKAGE, LogEvent

__all__ = ["ApiEvents", "RunningEvents", "SandboxEvents"]

API = f"{PACKAGE}.api"
SANDBOX = f"{PACKAGE}.sandbox.server"


class RunningEvents:
    """``subject`` is the model of a row, ``subject_id`` its primary key."""

    # settle
    settle_step_refused = LogEvent(
        WARNING,
        "settle: %(words)s%(of_account)s ended with %(error_code)s",
        *("account", "order_number", "subject", "subject_id"),
    )
    settle_step_failed = LogEvent(
        ERROR,
        "settle: %(words)s%(of_account)s failed: %(error_code)s",
        *("account", "order_number", "subject", "subject_id"),
    )
    settle_cut_short = LogEvent(
        WARNING,
        "settle: the Voucher Cloud does not answer: what is left is due in the next run",
        "accounts",
    )
    settle_late = LogEvent(
        ERROR, "voucher_settle has not completed a run for too long: what was left open stays open"
    )
    sweep_not_stored = LogEvent(ERROR, "settle: the end of a sweep could not be stored: %(exception)s")
    settle_without_database = LogEvent(ERROR, "voucher_settle: %(problem)s", "exception")
    clock_was_ahead = LogEvent(
        ERROR,
        "settle: a machine's clock was ahead: %(rows)s gift voucher rows had instants that no schedule can have "
        "produced, and were corrected. Check the clocks of the machines that run the shop and settle",
    )
    clocks_differ = LogEvent(
        ERROR,
        "settle: this machine's clock differs from that of the database: instants in the future are left as they are. "
        "Correct the clock",
    )
    database_of_another_instance = LogEvent(ERROR, "gift vouchers: %(problem)s Nothing is sent.")
    reserved_in_transaction = LogEvent(
        WARNING,
        "a gift voucher is reserved inside of a transaction on SQLite: if that has written before, every other writer "
        f"waits for the Voucher Cloud's answer. {docs_url('how-to/set-up-the-database#sqlite')}",
    )

    # reconcile
    ledgers_differ = LogEvent(
        ERROR,
        "the ledgers differ: difference %(difference)s of voucher %(voucher_id)s%(of_account)s, %(kind)s",
        *("account", "order_number", "amount_ours", "amount_theirs", "currency"),
    )
    account_not_compared = LogEvent(
        ERROR, "reconcile: the account %(words)s was not compared in full: %(error_code)s", "account"
    )

    # receivers of our signals
    bookings_exported = LogEvent(
        INFO, "the gift voucher bookings from %(since)s to %(until)s were exported by %(actor)s"
    )
    closed_period_changed = LogEvent(ERROR, "the figures of the closed period %(period)s have changed")
    receiver_failed = LogEvent(ERROR, "a receiver of %(words)s failed: %(receiver)s (%(exception)s)")

    # notices to staff
    notice_not_sent = LogEvent(
        WARNING,
        "the %(channel)s %(notice)s to staff about %(cases)s gift voucher cases was not sent: %(problem)s",
    )
    notice_given_up = LogEvent(
        ERROR,
        "the %(channel)s %(notice)s to staff about %(cases)s gift voucher cases was given up: %(problem)s. They stand "
        "on the page 'needs attention'",
    )

    # limits on guesses
    guessing_limit_reached = LogEvent(
        ERROR,
        'gift vouchers: %(limit)s codes were refused, the limit "everyone" of THROTTLE: codes are being guessed. For '
        "another %(seconds_left)s seconds, only customers who are logged in or solve a captcha can redeem vouchers",
        "account",
    )
    captcha_failed = LogEvent(ERROR, "throttle: %(callable)s failed: %(exception)s")
    throttle_cache_failed = LogEvent(ERROR, "throttle: the cache %(words)s failed: %(exception)s", "cache")
    proxy_not_trusted = LogEvent(
        WARNING,
        'throttle: requests come through a proxy that THROTTLE["trusted_proxies"] does not name, so all its visitors '
        "are counted as one address",
    )


class ApiEvents:
    """Facts about calls, of the logger ``voucher_payment_gateway.api``."""

    call_answered = LogEvent(DEBUG, "%(call)s: %(words)s", *("http_status", "reason"), logger=API)
    token_not_renewed = LogEvent(
        WARNING,
        "The access token could not be renewed (%(error_code)s); the present one is used.",
        logger=API,
    )
    client_secret_unreadable = LogEvent(
        ERROR, "The client secret could not be read: %(exception)s", logger=API
    )
    circuit_opened = LogEvent(
        WARNING,
        "The Voucher Cloud does not answer, or asks to wait: after %(seconds)s seconds one call at a time is sent, "
        "until one is answered.",
        logger=API,
    )
    circuit_closed = LogEvent(INFO, "The Voucher Cloud answers again.", logger=API)
    limit_store_failed = LogEvent(
        WARNING,
        "The shared cache of the limits on calls failed: %(exception)s. Each process counts by itself.",
        logger=API,
    )
    token_store_failed = LogEvent(WARNING, "The token store failed: %(exception)s", logger=API)


class SandboxEvents:
    """Facts about the local Voucher Cloud, which shops never run in production."""

    connection_ended_early = LogEvent(DEBUG, "A connection ended early.", logger=SANDBOX, traceback=True)
    sandbox_failed = LogEvent(
        ERROR, "The local Voucher Cloud failed on %(method)s.", logger=SANDBOX, traceback=True
    )
