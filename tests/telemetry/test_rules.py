"""The alert file and the dashboard: each alarm fires when it must, none in a healthy shop, and no name is wrong."""

import re

import pytest
import yaml

from tests.prometheus_server import promtool
from tests.telemetry.operations import (
    NAME,
    RULES,
    alarms,
    all_names,
    dashboard_expressions,
    labels_of,
    names_of,
    panels,
)
from voucher_payment_gateway.telemetry.instruments import INSTRUMENTS

P = "voucher_payment_gateway_"
LAPSED = P + 'signals_total{signal="payment_lapsed",confirmed="no"}'
AUTHORIZED = P + 'signals_total{signal="payment_authorized",confirmed="no"}'
REQUESTS = P + "api_request_duration_seconds_bucket"

FIRING = [
    ("VoucherSettleNotRunning", "4m", {P + "sweep_age_seconds": "700x10"}),
    ("VoucherSettleNotRunning", "4m", {P + "operations_overdue_age_seconds": "1000x10"}),
    ("VoucherFiguresMissing", "12m", {"up": "1x20"}),
    ("VoucherOperationUnknown", "7m", {P + 'operations_undecided_age_seconds{state="unknown"}': "7300x10"}),
    ("VoucherOperationNeedsPerson", "2m", {P + 'operations_undecided{state="manual"}': "1x10"}),
    ("VoucherReviewRequested", "8m", {P + 'signals_total{signal="payment_needs_review"}': "0x4 1x10"}),
    ("VoucherReviewRequested", "8m", {P + 'signals_total{signal="voucher_needs_review"}': "_x4 1x10"}),
    *(
        (
            "VoucherConfirmedOrderUnpaid",
            "8m",
            {P + f'signals_total{{signal="{signal}",confirmed="yes"}}': values},
        )
        for signal in ("payment_failed", "payment_lapsed")
        for values in ("0x4 1x10", "_x4 1x10")
    ),
    ("VoucherHoldsLapsing", "60m", {LAPSED: "0+1x60", AUTHORIZED: "0+1x60"}),
    *(
        (
            "VoucherCloudFailing",
            "12m",
            {P + "api_calls_total": "0+8x20", P + f'api_calls_total{{error_type="{error}"}}': "0+1x20"},
        )
        for error in ("UnavailableError", "ThrottledError", "OutcomeUnknownError", "ContractError")
    ),
    (
        "VoucherCloudSlow",
        "25m",
        {
            REQUESTS + '{le="2.5"}': "0+9x40",
            REQUESTS + '{le="5"}': "0+10x40",
            REQUESTS + '{le="+Inf"}': "0+10x40",
        },
    ),
    *(
        ("VoucherCredentialsRefused", "8m", {f'{P}{name}{{{of}, error_type="CredentialsError"}}': values})
        for name, of in (
            ("api_calls_total", 'call="POST /oauth/token"'),
            ("api_calls_total", 'call="POST /reservations/{id}/charge"'),
            ("verb_duration_seconds_count", 'verb="authorize"'),
        )
        for values in ("0x4 1x10", "_x4 1x10")
    ),
    ("VoucherCodesGuessed", "12m", {P + 'throttle_hits_total{limit="session"}': "0+3x20"}),
    ("VoucherGuessingLimitReached", "8m", {P + 'throttle_hits_total{limit="everyone"}': "0x4 1x10"}),
    ("VoucherGuessingLimitReached", "8m", {P + 'throttle_hits_total{limit="everyone"}': "_x4 1x10"}),
]
"""Alarm, the minute at which it must fire, and the series that make it do so: one value a minute."""

HEALTHY = {
    P + "sweep_age_seconds": "60x400",
    P + "operations_overdue_age_seconds": "30x400",
    **{P + f'operations_undecided{{state="{state}"}}': "1x400" for state in ("due", "sending", "unknown")},
    P + 'operations_undecided{state="manual"}': "0x400",
    P + 'operations_undecided_age_seconds{state="unknown"}': "1200x400",
    P + 'operations_undecided_age_seconds{state="manual"}': "0x400",
    AUTHORIZED: "0+10x400",
    LAPSED: "0+4x400",
    P + 'signals_total{signal="payment_lapsed",confirmed="yes"}': "1x400",
    P + 'signals_total{signal="payment_needs_review"}': "5x400",
    P + "api_calls_total": "0+100x400",
    P + 'api_calls_total{error_type="UnavailableError"}': "0+5x400",
    P + 'api_calls_total{error_type="VoucherUnusableError"}': "0+90x400",
    P + 'api_calls_total{call="POST /oauth/token",error_type="CredentialsError"}': "3x400",
    P + 'api_calls_total{call="POST /reservations",error_type="CredentialsError"}': "0+1x400",
    P + 'verb_duration_seconds_count{verb="authorize",error_type="CredentialsError"}': "3x400",
    P + 'verb_duration_seconds_count{verb="authorize",error_type="VoucherUnusableError"}': "0+1x400",
    REQUESTS + '{le="2.5"}': "0+99x400",
    REQUESTS + '{le="5"}': "0+100x400",
    REQUESTS + '{le="+Inf"}': "0+100x400",
    P + 'throttle_hits_total{limit="session"}': "0+1x400",
    P + 'throttle_hits_total{limit="everyone"}': "7x400",
}


def series(values):
    return [{"series": name, "values": each} for name, each in values.items()]


def test_each_alarm_fires_and_none_does_in_a_healthy_shop(tmp_path):
    firing = [
        {
            "name": f"{alarm} {values}",
            "interval": "1m",
            "input_series": series(values),
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alarm}", alertstate="firing"}})',
                    "eval_time": minute,
                    "exp_samples": [{"labels": "{}", "value": 1}],
                }
            ],
        }
        for alarm, minute, values in FIRING
    ]
    silent = {
        "name": "healthy",
        "interval": "1m",
        "input_series": series(HEALTHY),
        "promql_expr_test": [
            {"expr": "ALERTS", "eval_time": minute, "exp_samples": []} for minute in ("90m", "390m")
        ],
    }
    path = tmp_path / "tests.yml"
    path.write_text(
        yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [*firing, silent]})
    )
    succeeded, written = promtool("test", "rules", path)
    assert succeeded, written
    assert {alarm for alarm, _, _ in FIRING} == set(alarms())


def test_the_alert_file_is_valid():
    succeeded, written = promtool("check", "rules", "--lint-fatal", RULES)
    assert succeeded, written


def every_expression():
    return [*(rule["expr"] for rule in alarms().values()), *dashboard_expressions()]


def test_every_metric_that_is_asked_for_exists_and_every_one_is_shown():
    assert {name for each in every_expression() for name in NAME.findall(each)} <= all_names()
    shown = {name for each in dashboard_expressions() for name in NAME.findall(each)}
    assert [each.name for each in INSTRUMENTS if not names_of(each) & shown] == []


def test_every_label_that_is_asked_for_is_one_of_its_metric():
    found = set()
    for expression in every_expression():
        for name, chosen in re.findall(rf"({NAME.pattern})(?:\{{([^}}]*)\}})?", expression):
            labels = set(re.findall(r"(\w+)(?:=~|!=|!~|=)", chosen))
            grouped = {
                label for by in re.findall(r"by \(([\w, ]+)\)", expression) for label in by.split(", ")
            }
            assert labels | grouped <= labels_of(name) | {"le"}, expression
            found |= labels
    assert {"state", "error_type", "signal", "confirmed", "limit"} <= found


def test_every_alarm_says_how_bad_it_is_and_what_to_do():
    for name, rule in alarms().items():
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert rule["annotations"].keys() == {"summary", "description"}, name


def test_the_panels_of_the_dashboard_have_numbers_and_places_of_their_own():
    places = [tuple(panel["gridPos"][side] for side in "xy") for panel in panels()]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in panels()}) > 10
    assert all(panel["description"] for panel in panels())


@pytest.mark.parametrize("alarm", sorted(alarms()))
def test_an_alarm_names_no_voucher_and_no_order(alarm):
    assert not re.search(r"order_number|voucher_id|code=", str(alarms()[alarm]))
