"""Print how many functions of Python one warm charge calls in its thread: ours, those of httpcore and all below.

A program of its own, as tests before it may listen to logs or traces, which costs calls.
"""

import sys

from tests.api.doubles import CHARGE, reply, serving
from voucher_payment_gateway.api import VoucherCloud

INLINED_SINCE_3_12 = ("<listcomp>", "<setcomp>", "<dictcomp>")


def calls_of(act):
    """Return how many functions ``act`` calls. A generator counts each time it is resumed."""
    called = []

    def profile(frame, event, _):
        if event == "call" and frame.f_code.co_name not in INLINED_SINCE_3_12:
            called.append(frame.f_code)

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return len(called)


def main():
    with (
        serving(lambda connection, _: connection.sendall(reply(CHARGE))) as server,
        VoucherCloud(client_id="a", client_secret="b", base_url=server.base_url) as cloud,
    ):
        for _ in range(3):  # imports, the token, the connection
            cloud.charge("r-1", "ORDER-1")
        print(calls_of(lambda: cloud.charge("r-1", "ORDER-1")))


if __name__ == "__main__":
    main()
