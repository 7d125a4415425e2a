"""``python -m voucher_payment_gateway.sandbox``: the local Voucher Cloud as a program."""

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from voucher_payment_gateway.sandbox.behaviour import PRESETS
from voucher_payment_gateway.sandbox.clients import LOCAL_CLIENT_ID, LOCAL_CLIENT_SECRET
from voucher_payment_gateway.sandbox.cloud import LocalVoucherCloud
from voucher_payment_gateway.sandbox.demo import DEMO_VOUCHERS, seed_demo
from voucher_payment_gateway.sandbox.server import LOOPBACK, LocalServer
from voucher_payment_gateway.sandbox.storage import StateFileError

__all__ = ["main"]

DEFAULT_PORT = 8900


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM and return the exit code: 2 if it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        cloud = LocalVoucherCloud(behaviour=PRESETS[options.behaviour], state_file=options.state)
        if options.seed_demo:
            seed_demo(cloud)
        server = LocalServer(cloud, options.port)
    except StateFileError as error:
        return _fail(str(error))
    except (OSError, OverflowError) as error:
        return _fail(_why(error, options))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server.start()
    _announce(server, with_demo=options.seed_demo)
    stop.wait()
    server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m voucher_payment_gateway.sandbox",
        description=f"The local Voucher Cloud, on {LOOPBACK} and nowhere else.",
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0: a free one (default: %(default)s)")
    parser.add_argument("--state", metavar="FILE", help="remember everything in this JSON file")
    parser.add_argument(
        "--behaviour", choices=sorted(PRESETS), default="documented", help="where nothing is documented"
    )
    parser.add_argument("--seed-demo", action="store_true", help="add vouchers to try things with")
    return parser


def _announce(server: LocalServer, *, with_demo: bool) -> None:
    print(f"Local Voucher Cloud: {server.url} (API: {server.base_url})")
    print(f"Client id {LOCAL_CLIENT_ID}, client secret {LOCAL_CLIENT_SECRET}")
    if with_demo:
        print("Codes to try: " + ", ".join(map(_code_to_try, DEMO_VOUCHERS)))
    print("Ctrl-C stops it.", flush=True)


def _code_to_try(fields: Mapping[str, Any]) -> str:
    return f"{fields['code']} (PIN {fields['pin']})" if fields.get("pin") else str(fields["code"])


def _why(error: OSError | OverflowError, options: argparse.Namespace) -> str:
    if isinstance(error, OverflowError):
        return f"There is no port {options.port}: choose one from 0 to 65535."
    if error.errno == errno.EADDRINUSE:
        return f"Port {options.port} is taken: stop the other program or choose another with --port."
    if error.filename:
        return f"The state file {options.state} cannot be written: {error.strerror}."
    return f"The local Voucher Cloud cannot listen on port {options.port}: {error.strerror}."


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
