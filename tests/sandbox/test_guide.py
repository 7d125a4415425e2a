"""The eight steps of the vendor's guide, with requests and OAuth by hand: the cloud serves any client."""

import requests


def post(server, path, token, **body):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{server.base_url}{path}", json=body, headers=headers, timeout=5)


def test_the_guides_eight_steps_come_out_to_the_cent(cloud, server):
    client = cloud.add_client(name="Shop")  # step 1, in the admin interface
    pin = cloud.issue_pin(client.id)

    connected = requests.post(f"{server.base_url}/clients/connect", json={"pin": pin}, timeout=5).json()
    assert (connected["id"], connected["secret"]) == (client.id, client.secret)

    form = {
        "grant_type": "client_credentials",
        "client_id": connected["id"],
        "client_secret": connected["secret"],
        "client_type": "my_pos",
    }
    granted = requests.post(f"{server.url}/oauth/token", data=form, timeout=5).json()
    token = granted["access_token"]
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)

    created = post(server, "/vouchers", token, amount="10.00", currency="EUR").json()
    assert created["status"] == "inactive"
    assert created["valid_until"] is None

    activated = requests.patch(
        f"{server.base_url}/vouchers/{created['id']}/status",
        json={"status": "active"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    ).json()
    assert activated["status"] == "active"

    reserved = post(
        server, "/reservations", token, amount="5.00", currency="EUR", code=created["code"]
    ).json()
    assert reserved["voucher_id"] == created["id"]

    charged = post(server, f"/reservations/{reserved['id']}/charge", token, order_number="ORDER-001").json()
    assert (charged["type"], charged["amount"], charged["order_number"]) == ("charge", "5.00", "ORDER-001")
    assert str(cloud.balance(created["id"])) == "5.00"

    refunded = post(server, f"/charges/{charged['id']}/refund", token, amount="5.00", currency="EUR").json()
    assert (refunded["type"], refunded["amount"]) == ("refund", "5.00")
    assert str(cloud.balance(created["id"])) == "10.00"

    recharge = {"code": created["code"], "amount": "10.00", "currency": "EUR", "order_number": "RECHARGE-001"}
    recharged = post(server, "/vouchers/recharge", token, **recharge).json()
    assert (recharged["type"], recharged["amount"]) == ("recharge", "10.00")

    assert str(cloud.balance(created["id"])) == "20.00"
    assert [row.type for row in cloud.bookings(created["id"])] == ["charge", "refund", "recharge"]
    cloud.ledger.check()
