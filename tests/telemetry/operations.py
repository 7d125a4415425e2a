"""The alert file and the dashboard of the documentation, and the names of the metrics in Prometheus."""

import json
import re

import yaml

from tests.docs.pages import DOCS
from voucher_payment_gateway.telemetry.instruments import INSTRUMENTS

RULES = DOCS / "operations/voucher-payment-gateway.rules.yml"
DASHBOARD = DOCS / "operations/grafana-dashboard.json"
NAME = re.compile(r"\bvoucher_payment_gateway_\w+")
ENDS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "observable_gauge": ("",)}


def names_of(instrument):
    """Return the names of an instrument in Prometheus, as OpenTelemetry derives them."""
    name = instrument.name.replace(".", "_") + ("_seconds" if instrument.unit == "s" else "")
    return {f"{name}{end}" for end in ENDS[instrument.kind]}


def all_names():
    return {name for instrument in INSTRUMENTS for name in names_of(instrument)}


def labels_of(name):
    """Return the labels of a metric, without those of Prometheus itself."""
    (found,) = [each for each in INSTRUMENTS if name in names_of(each)]
    return {attribute.replace(".", "_") for attribute in found.attributes}


def alarms():
    """Return the alarms of the alert file, by name."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def dashboard_expressions():
    return [target["expr"] for panel in panels() for target in panel["targets"]]
