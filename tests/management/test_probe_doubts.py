"""Where an API behaves in a way that no key has a word for, the probe says so and leaves the key out."""

import json

import httpx
import pytest

from tests.management.bench import observed, truth
from voucher_payment_gateway.sandbox import DOCUMENTED


def refused(request, status=422):
    return httpx.Response(status, json={"status": status, "code": "NO", "message": "no"})


def changed(request, change):
    """Return the request with another body."""
    content = json.dumps(change(json.loads(request.content))).encode()
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return httpx.Request(request.method, request.url, headers=headers, content=content)


def without(*names):
    return lambda body: {name: value for name, value in body.items() if name not in names}


def is_call(request, method, end):
    return request.method == method and request.url.path.endswith(end)


def left_out(findings):
    return {name for name, value in observed(findings).items() if value is None}


def known_is_true(findings):
    return {name: value for name, value in observed(findings).items() if value is not None}.items() <= truth(
        DOCUMENTED
    ).items()


def test_an_api_that_refuses_every_refund_tells_nothing_about_refunds(bench):
    bench.through(lambda request: refused(request) if is_call(request, "POST", "/refund") else None)
    findings = bench.run()
    assert left_out(findings) == {
        "refund_limit",
        "refund_limit_shrinks",
        "refund_carries_order_number",
        "refund_to_unusable_voucher",
    }
    assert known_is_true(findings)
    reported = {sentence.split(" of the voucher ")[1].split(":")[0] for sentence in bench.probe.left_behind}
    assert reported == set(bench.not_given_back())
    assert (bench.redeemable(), bench.open_holds()) == ([], [])


def test_a_charge_that_takes_one_refund_only_says_nothing_about_its_limit(bench):
    real, refunded = bench.transport, set()

    def once(request):
        if not is_call(request, "POST", "/refund"):
            return None
        if request.url.path in refunded:
            return refused(request)
        refunded.add(request.url.path)
        return real.handle_request(request)

    bench.through(once)
    findings = bench.run()
    assert left_out(findings) == {"refund_limit_shrinks"}
    assert findings["two equal refunds"].value == "refused"
    assert known_is_true(findings)


def test_a_refund_that_is_answered_again_is_the_same(bench):
    real, answers = bench.transport, {}

    def again(request):
        if not is_call(request, "POST", "/refund"):
            return None
        key = (request.url.path, request.content)
        if key not in answers:
            answers[key] = real.handle_request(request).read()
        return httpx.Response(200, content=answers[key])

    bench.through(again)
    assert bench.run()["two equal refunds"].value == "same"


def test_a_cancel_call_that_does_nothing_is_not_said_to_work(bench):
    bench.through(lambda request: httpx.Response(204) if is_cancel(request) else None)
    findings = bench.run()
    assert left_out(findings) == {"cancel_reservation"}
    assert bench.is_tidy()


def test_a_cancel_call_that_is_refused_is_not_said_to_be_absent(bench):
    bench.through(lambda request: refused(request, 409) if is_cancel(request) else None)
    assert left_out(bench.run()) == {"cancel_reservation"}
    assert bench.is_tidy()


def is_cancel(request):
    return request.method == "DELETE" and "/reservations/" in request.url.path


def test_a_filter_that_finds_a_number_anywhere_has_no_word(bench):
    real = bench.transport

    def contains(request):
        wanted = request.url.params.get("filter[order_number]")
        if wanted is None:
            return None
        url = request.url.copy_remove_param("filter[order_number]")
        document = json.loads(real.handle_request(httpx.Request("GET", url, headers=request.headers)).read())
        document["data"] = [row for row in document["data"] if wanted in row["order_number"]]
        document["meta"]["total"] = len(document["data"])
        return httpx.Response(200, json=document)

    bench.through(contains)
    findings = bench.run()
    assert left_out(findings) == {"order_number_filter"}
    assert findings["order_number_filter"].text == "of 4 charges, the filter showed: itself, longer, inner"


def test_a_second_charge_that_answers_differently_by_number_has_no_word(bench):
    real, first = bench.transport, {}

    def by_number(request):
        if not is_call(request, "POST", "/charge"):
            return None
        path, number = request.url.path, json.loads(request.content)["order_number"]
        if path not in first:
            first[path] = number, json.loads(real.handle_request(request).read())
            return httpx.Response(200, json=first[path][1])
        if number == first[path][0]:
            return refused(request)
        return httpx.Response(200, json={**first[path][1], "order_number": None})

    bench.through(by_number)
    assert left_out(bench.run()) == {"second_charge"}


@pytest.mark.parametrize("names", [("id",), ("custom_id",)])
def test_a_spelling_that_is_refused_leaves_the_field_open(bench, names):
    def strict(request):
        if is_call(request, "POST", "/vouchers") and names[0] in json.loads(request.content):
            return refused(request)
        return None

    bench.through(strict)
    findings = bench.run()
    assert left_out(findings) == {"create_id_field"}
    assert f"with {names[0]} alone was refused" in findings["create_id_field"].text


def test_an_api_that_takes_no_id_leaves_the_field_open(bench):
    real = bench.transport

    def deaf(request):
        if is_call(request, "POST", "/vouchers"):
            return real.handle_request(changed(request, without("id", "custom_id")))
        return None

    bench.through(deaf)
    findings = bench.run()
    assert left_out(findings) == {"create_id_field"}
    assert findings["one voucher id twice"].value == "accepted"


def test_two_sorts_of_success_leave_the_status_open(bench):
    real = bench.transport

    def either(request):
        if not is_call(request, "POST", "/refund"):
            return None
        answer = real.handle_request(request)
        body = answer.read()
        return httpx.Response(201 if answer.is_success else answer.status_code, content=body)

    bench.through(either)
    findings = bench.run()
    assert left_out(findings) == {"post_status"}
    assert "200, 201" in findings["post_status"].text


def test_a_refund_under_a_number_that_nobody_sent_leaves_it_open(bench):
    real = bench.transport

    def renamed(request):
        if request.method != "GET" or not request.url.path.endswith("/charges"):
            return None
        document = json.loads(real.handle_request(request).read())
        for row in document["data"]:
            row["order_number"] = "REFUND" if row["type"] == "refund" else row["order_number"]
        return httpx.Response(200, json=document)

    bench.through(renamed)
    assert left_out(bench.run()) == {"refund_carries_order_number"}


def test_a_code_that_the_answer_to_create_lacks_is_read(bench):
    real = bench.transport

    def secretive(request):
        if not is_call(request, "POST", "/vouchers"):
            return None
        answer = real.handle_request(request)
        return httpx.Response(answer.status_code, json=without("code")(json.loads(answer.read())))

    bench.through(secretive)
    assert observed(bench.run()) == truth(DOCUMENTED)


def test_credentials_that_end_on_the_way_are_no_refusal(bench):
    bench.through(
        lambda request: (
            httpx.Response(401, json={"status": 401, "code": "UNAUTHORIZED", "message": "Unauthenticated."})
            if is_call(request, "POST", "/refund")
            else None
        )
    )
    findings = bench.run()
    assert findings["refund_limit"].text.startswith("CredentialsError (status 401)")


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({}, "a new hold replaces the old one", "yes"),
        ({"reserve_checks": "balance_minus_hold"}, "a new hold replaces the old one", "no"),
        ({}, "one order number twice", "booked"),
        ({"order_number_unique": True}, "one order number twice", "refused"),
        ({}, "two equal refunds", "booked"),
        ({}, "one voucher id twice", "refused"),
        ({}, "a long order number", "accepted"),
    ],
)
def test_what_no_key_takes_is_told_too(bench, changes, name, value):
    assert bench.run(DOCUMENTED.but(**changes))[name].value == value


def test_a_long_order_number_that_is_refused_is_told(bench):
    bench.through(
        lambda request: (
            refused(request) if is_call(request, "POST", "/charge") and b"xxxx" in request.content else None
        )
    )
    assert bench.run()["a long order number"].value == "refused"
