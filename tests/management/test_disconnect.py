"""``voucher_connect --disconnect``: asks first, resets the credentials, and says what follows."""

import pytest
from django.core.management import CommandError, call_command

from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.exceptions import CredentialsError

pytestmark = pytest.mark.usefixtures("gateway_settings")
PATH = "/v1/clients/disconnect"


def disconnections(voucher_cloud):
    return [request.method for request in voucher_cloud.requests if request.path == PATH]


@pytest.fixture
def answers(monkeypatch):
    """Answer the question; return what was asked."""

    def answer(text):
        questions = []

        def reply(question=""):
            questions.append(question)
            return text

        monkeypatch.setattr("builtins.input", reply)
        return questions

    return answer


def test_yes_disconnects_and_it_is_told_how_to_come_back(answers, voucher_cloud, capsys):
    questions = answers("yes")
    call_command("voucher_connect", "--disconnect")
    printed = capsys.readouterr().out
    assert questions == ["Type 'yes' to disconnect: "]
    assert "All its credentials are reset" in printed
    assert "take a new PIN" in printed
    assert disconnections(voucher_cloud) == ["POST"]


def test_the_credentials_are_void_in_this_process_too(shop):
    voucher = shop.voucher("20.00")
    gateway.authorize(shop.order("5.00"), voucher.code)
    call_command("voucher_connect", "--disconnect", "--no-input")
    with pytest.raises(CredentialsError):
        connection.voucher_cloud().get_voucher(voucher.id)


def test_a_new_pin_connects_again(voucher_cloud, capsys, gateway_settings):
    client = voucher_cloud.add_client(name="Till")
    gateway_settings(CLIENT_ID=client.id, CLIENT_SECRET=client.secret)
    call_command("voucher_connect", "--disconnect", "--no-input")
    capsys.readouterr()
    call_command("voucher_connect", voucher_cloud.issue_pin(client.id))
    new_secret = voucher_cloud.store.state.clients[client.id].secret
    assert new_secret in capsys.readouterr().out
    assert new_secret != client.secret
    gateway_settings(CLIENT_SECRET=new_secret)
    connection.voucher_cloud().authenticate()


@pytest.mark.parametrize("text", ["no", "", "y", "Yes, please"])
def test_every_other_answer_leaves_it_connected(answers, voucher_cloud, text):
    answers(text)
    with pytest.raises(CommandError, match="still connected"):
        call_command("voucher_connect", "--disconnect")
    assert voucher_cloud.requests == []


def test_without_anybody_to_answer_it_stays_connected(voucher_cloud, monkeypatch):
    def ended(question=""):
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(CommandError, match="--no-input"):
        call_command("voucher_connect", "--disconnect")
    assert voucher_cloud.requests == []


def test_no_input_asks_nothing(answers, voucher_cloud):
    questions = answers("no")
    call_command("voucher_connect", "--disconnect", "--no-input")
    assert questions == []
    assert disconnections(voucher_cloud) == ["POST"]


def test_a_client_that_is_disconnected_already_is_told(voucher_cloud):
    call_command("voucher_connect", "--disconnect", "--no-input")
    with pytest.raises(CommandError, match="disconnected already"):
        call_command("voucher_connect", "--disconnect", "--no-input")


def test_a_lost_answer_is_made_clear_by_the_credentials(voucher_cloud, capsys):
    voucher_cloud.faults.next("after:drop", path=PATH)
    call_command("voucher_connect", "--disconnect", "--no-input")
    assert "is disconnected" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"before:drop": PATH}, "The credentials are still accepted: disconnect again."),
        ({"after:drop": PATH, "before:503": "/oauth/token"}, "The client may be disconnected"),
    ],
)
def test_what_stays_unclear_is_told(voucher_cloud, faults, message):
    connection.voucher_cloud().authenticate()
    for fault, path in faults.items():
        voucher_cloud.faults.next(fault, path=path, times=None)
    with pytest.raises(CommandError, match=message):
        call_command("voucher_connect", "--disconnect", "--no-input")


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refusal_leaves_it_connected(voucher_cloud, status):
    voucher_cloud.faults.next(f"before:{status}", path=PATH)
    with pytest.raises(CommandError, match=rf"refuses it \(status {status}\). The client is still connected"):
        call_command("voucher_connect", "--disconnect", "--no-input")


def test_a_voucher_cloud_out_of_reach_leaves_it_connected(server):
    server.stop()
    with pytest.raises(CommandError, match="The client is still connected"):
        call_command("voucher_connect", "--disconnect", "--no-input")


def test_settings_that_are_wrong_are_told(gateway_settings, voucher_cloud):
    gateway_settings(ENVIRONMENT="live")
    with pytest.raises(CommandError, match="ENVIRONMENT"):
        call_command("voucher_connect", "--disconnect", "--no-input")
    assert voucher_cloud.requests == []


@pytest.mark.parametrize(
    "arguments", [["X53HI0"], ["--env-file", "voucher.env"], ["--force"], ["--environment", "local"]]
)
def test_it_goes_with_no_pin_and_no_option_of_connecting(voucher_cloud, arguments):
    with pytest.raises(CommandError, match=r"not allowed with|uses the settings"):
        call_command("voucher_connect", "--disconnect", "--no-input", *arguments)
    assert voucher_cloud.requests == []


def test_neither_a_pin_nor_the_option_is_an_error():
    with pytest.raises(CommandError, match="one of the arguments pin --disconnect is required"):
        call_command("voucher_connect")
