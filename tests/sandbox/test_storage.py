"""The state file: everything survives a restart, and writes are atomic."""

import json
import stat

import pytest

from tests.sandbox.conftest import NOON, Api
from voucher_payment_gateway.sandbox import Clock, LocalVoucherCloud, mock_transport
from voucher_payment_gateway.sandbox.storage import StateFileError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.json"


def open_cloud(path):
    return LocalVoucherCloud(Clock(NOON), state_file=path)


def test_everything_survives_a_restart(path):
    before = open_cloud(path)
    voucher = before.add_voucher(code="GIFT-20", amount="20.00", pin="4711", taxable=True, tax_rate="19")
    client = before.add_client(name="Shop", scopes=["use"])
    pin = before.issue_pin(client.id)
    before.charge(before.reserve("GIFT-20", "5.00", pin="4711"), "A-1")
    held = before.reserve("GIFT-20", "10.00", pin="4711")

    after = open_cloud(path)
    assert after.voucher(voucher.id) == before.voucher(voucher.id)
    assert after.bookings(voucher.id) == before.bookings(voucher.id)
    assert after.ledger.entries() == before.ledger.entries()
    assert after.store.state.pins[pin].client_id == client.id
    after.charge(held, "A-2")
    after.ledger.check()
    assert str(open_cloud(path).balance(voucher.id)) == "5.00"


def test_a_token_survives_a_restart(path):
    def vouchers(cloud, token):
        with Api(transport=mock_transport(cloud), headers={"Authorization": f"Bearer {token}"}) as client:
            return client.get("http://cloud/v1/vouchers").status_code

    cloud = open_cloud(path)
    form = {
        "grant_type": "client_credentials",
        "client_id": "local-shop",
        "client_secret": "local-shop-secret",
    }
    with Api(transport=mock_transport(cloud)) as client:
        token = client.post("http://cloud/oauth/token", data=form).json()["access_token"]
    assert vouchers(open_cloud(path), token) == 200


def test_a_restart_connects_the_local_client_again_with_the_secret_that_the_program_prints(path):
    cloud = open_cloud(path)
    form = {
        "grant_type": "client_credentials",
        "client_id": "local-shop",
        "client_secret": "local-shop-secret",
    }
    with Api(transport=mock_transport(cloud), base_url="http://cloud") as client:
        token = client.post("/oauth/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.post("/v1/clients/disconnect", headers=headers).status_code == 204
        assert client.post("/oauth/token", data=form).status_code == 401
    with Api(transport=mock_transport(open_cloud(path)), base_url="http://cloud") as client:
        assert client.post("/oauth/token", data=form).status_code == 200
        assert client.get("/v1/vouchers", headers=headers).status_code == 401


def test_a_moved_clock_is_remembered(path):
    cloud = open_cloud(path)
    cloud.clock.advance(1800)
    cloud.add_voucher()
    assert open_cloud(path).clock.now() == cloud.clock.now()


def test_the_file_is_its_owners_alone_and_nothing_else_is_left_behind(path):
    cloud = open_cloud(path)
    for _ in range(3):
        cloud.add_voucher()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]
    assert len(json.loads(path.read_text())["vouchers"]) == 3


def test_reads_do_not_write(path):
    cloud = open_cloud(path)
    voucher = cloud.add_voucher()
    path.unlink()
    cloud.balance(voucher.id)
    assert not path.exists()


def test_a_failed_write_leaves_the_old_state_whole(path, monkeypatch):
    cloud = open_cloud(path)
    voucher = cloud.add_voucher()
    saved = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        cloud.set_status(voucher.id, "inactive")
    assert path.read_bytes() == saved
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"vouchers": 5}'])
def test_a_damaged_file_is_named_and_left_alone(path, content):
    path.write_text(content)
    with pytest.raises(StateFileError, match=r"state\.json is damaged"):
        open_cloud(path)
    assert path.read_text() == content


def test_a_folder_is_no_state_file(tmp_path):
    with pytest.raises(StateFileError, match="cannot be read"):
        open_cloud(tmp_path)
