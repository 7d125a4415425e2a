"""Real providers of OpenTelemetry in this process, and what they recorded."""

from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from prometheus_client import CollectorRegistry

from tests.gateway.test_query_plans import ledger, work  # noqa: F401  fixtures
from tests.throttle.conftest import limits  # noqa: F401  a fixture
from voucher_payment_gateway import gauges

DELTA = {
    sdk_metrics.Counter: AggregationTemporality.DELTA,
    sdk_metrics.Histogram: AggregationTemporality.DELTA,
}
PREFIX = "voucher_payment_gateway."


class Recorder(SpanProcessor):
    """Keeps the spans that start and end while a test listens; where it ``breaks``, it raises at both."""

    def __init__(self):
        self.listens = self.breaks = False
        self.forget()

    def forget(self):
        self.started, self.ended = [], []

    def on_start(self, span, parent_context=None):
        if self.breaks:
            raise RuntimeError("the backend is broken")
        if self.listens:
            self.started.append(span)

    def on_end(self, span):
        if self.breaks:
            raise RuntimeError("the backend is broken")
        if self.listens:
            self.ended.append(span)


@pytest.fixture(scope="session")
def _providers():
    """OpenTelemetry takes one provider of each sort in a process."""
    recorder, reader, registry = Recorder(), InMemoryMetricReader(DELTA), CollectorRegistry()
    prometheus = PrometheusMetricReader(registry=registry)
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(recorder)
    trace.set_tracer_provider(tracer_provider)
    metrics.set_meter_provider(
        sdk_metrics.MeterProvider(metric_readers=[reader, prometheus], shutdown_on_exit=False)
    )
    gauges.observe()
    gauges.observe()  # a second call reports nothing twice
    return SimpleNamespace(recorder=recorder, reader=reader, registry=registry)


class Telemetry:
    """What was recorded since the test began, or since it was asked last."""

    def __init__(self, providers):
        self._recorder, self._reader = providers.recorder, providers.reader
        self.registry = providers.registry

    def spans(self):
        """Return the spans that ended, in that order. None may have been left open."""
        assert [span.name for span in self._recorder.started if span.end_time is None] == []
        found = self._recorder.ended
        self._recorder.forget()
        return found

    def counted(self, name):
        """Return how often the counter or histogram counted, by its attributes in the order of their names."""
        return Counter(
            {
                tuple(f"{key}={value}" for key, value in sorted(point.attributes.items())): number(point)
                for point in self.points(name)
            }
        )

    def gauge(self, name):
        """Return the values of a gauge, by the value of its only attribute."""
        return {"".join(point.attributes.values()): point.value for point in self.points(name)}

    def points(self, name):
        return self.collected().get(PREFIX + name, [])

    def collected(self):
        gauges._reading.forget()
        return self.collected_again()

    def collected_again(self):
        """Collect at once after another collection."""
        found = self._reader.get_metrics_data()
        resources = found.resource_metrics if found else ()
        return {
            metric.name: list(metric.data.data_points)
            for resource in resources
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @contextmanager
    def broken(self):
        """Let the backend of spans raise at every start and end."""
        self._recorder.breaks = True
        try:
            yield
        finally:
            self._recorder.breaks = False


def number(point):
    return getattr(point, "count", None) or getattr(point, "value", 0)


@pytest.fixture
def telemetry(_providers):
    _providers.recorder.forget()
    _providers.recorder.listens = True
    _providers.reader.get_metrics_data()
    yield Telemetry(_providers)
    _providers.recorder.listens = False
    _providers.recorder.forget()
