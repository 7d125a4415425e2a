"""Programs that a test starts in a process of their own: OpenTelemetry takes one provider of each sort in a process.

``python -m tests.telemetry.programs missing URL`` buys by verbs at the local Voucher Cloud at that address, in a new
database, where OpenTelemetry is ``missing``, is ``broken``, is broken when something is ``recorded``, is ``misnamed``
by the environment, or exports as the how-to page says (``prometheus``, ``otlp``).
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from tests.docs.newcomer import free_port
from tests.docs.pages import DOCS, blocks


class Missing:
    """Refuses to import OpenTelemetry, as where it is not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ImportError(name)


def break_everything():
    """Set providers whose every method raises."""
    from opentelemetry import metrics, trace

    class Broken(metrics.MeterProvider, trace.TracerProvider):
        def __getattribute__(self, name):
            if name.startswith("__"):
                return super().__getattribute__(name)
            raise RuntimeError("the backend is broken")

        def get_meter(self, *args, **kwargs): ...

        def get_tracer(self, *args, **kwargs): ...

    metrics.set_meter_provider(Broken())
    trace.set_tracer_provider(Broken())


def break_what_is_recorded():
    """Set providers that make instruments and spans whose every method raises."""
    from opentelemetry import metrics, trace

    class Raising:
        def __getattr__(self, name):
            raise RuntimeError("the backend is broken")

    class Maker(metrics.NoOpMeterProvider, trace.NoOpTracerProvider):
        def get_meter(self, *args, **kwargs):
            return self

        def get_tracer(self, *args, **kwargs):
            return self

        def __getattr__(self, name):
            return lambda *args, **kwargs: Raising()

    metrics.set_meter_provider(Maker())
    trace.set_tracer_provider(Maker())


def name_what_is_not_there():
    """Name providers that are not installed."""
    import logging

    os.environ["OTEL_PYTHON_TRACER_PROVIDER"] = os.environ["OTEL_PYTHON_METER_PROVIDER"] = "no_such_provider"
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # says so itself each time


def exported_as_the_page_says(function):
    """Run the example of the page that defines this function, then the function."""
    page = DOCS / "how-to/export-metrics.md"
    (block,) = [each for each in blocks(page) if f"def {function}" in each.text and "run" in each.options]
    names = {"__name__": "example"}
    exec(block.text, names)
    names[function]()


def served():
    """Return the names of the metrics that this process serves."""
    import httpx
    from prometheus_client.parser import text_string_to_metric_families

    with httpx.Client(trust_env=False) as client:
        text = client.get(f"http://127.0.0.1:{os.environ['METRICS_PORT']}/metrics").text
    return sorted(
        each.name for each in text_string_to_metric_families(text) if each.name.startswith("voucher")
    )


class Collector(ThreadingHTTPServer):
    """Takes what is exported by OTLP, and keeps the paths that were posted to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.paths = set()
        Thread(target=self.serve_forever, daemon=True).start()


class CollectorHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert b"GIFT-2000-ABCD" not in body
        self.server.paths.add(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args): ...


def flushed(collector):
    from opentelemetry import metrics, trace

    metrics.get_meter_provider().shutdown()
    trace.get_tracer_provider().shutdown()
    return sorted(collector.paths)


def buy(url, folder, export):
    import django
    from django.conf import settings

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    settings.VOUCHER_PAYMENT_GATEWAY["BASE_URL"] = url
    settings.DATABASES["default"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(folder) / "db.sqlite3"),
    }
    django.setup()
    from django.core.management import call_command

    from tests.shop.models import Order
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.exceptions import VoucherUnusableError

    call_command("migrate", run_syncdb=True, verbosity=0)
    export()
    order = Order.objects.create(number="A-1", total="20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    (payment,) = gateway.capture(order)
    print(payment.status, payment.amount_captured)
    try:
        gateway.authorize(Order.objects.create(number="A-2", total="5.00"), "NO-SUCH-CODE")
    except VoucherUnusableError as error:
        print(type(error).__name__)
    print("wrapped" if "measured" in gateway.capture.__code__.co_name else "bare")


def main(what, url):
    before, export, after = PROGRAMS[what]
    before()
    with TemporaryDirectory() as folder:
        buy(url, folder, export)
        print(after())


def loaded():
    """Return the first module of OpenTelemetry that is loaded."""
    return sorted(name for name in sys.modules if name.partition(".")[0] == "opentelemetry")[:1]


def to_prometheus():
    os.environ |= {"METRICS_PORT": str(free_port()), "REPORTS_GAUGES": "1"}
    exported_as_the_page_says("export_metrics")


def to_otlp():
    global collector
    collector = Collector()
    os.environ |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "REPORTS_GAUGES": "1",
    }
    exported_as_the_page_says("export_to_otlp")


def nothing(): ...


def observe():
    from voucher_payment_gateway import gauges

    gauges.observe()


PROGRAMS = {
    "missing": (lambda: sys.meta_path.insert(0, Missing()), observe, loaded),
    "broken": (break_everything, observe, loaded),
    "recorded": (break_what_is_recorded, observe, loaded),
    "misnamed": (name_what_is_not_there, observe, loaded),
    "prometheus": (nothing, to_prometheus, served),
    "otlp": (nothing, to_otlp, lambda: flushed(collector)),
}
"""What is done first, how it exports, and what is printed at the end."""

if __name__ == "__main__":
    main(*sys.argv[1:])
