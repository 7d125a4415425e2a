"""A bench for the probe, and a server whose certificate nobody trusts."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.api.doubles import reply, serving
from tests.management.bench import Bench
from tests.management.caches import use_cache
from voucher_payment_gateway.management.doctor import examine


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def development(settings):
    """The settings of the test shop name the local Voucher Cloud, which is an error without DEBUG."""
    settings.DEBUG = True
    use_cache(settings, "SharedCache")


@pytest.fixture
def found(db, gateway_settings, development):
    """Let the doctor look; return state and text by check."""
    return lambda: {finding.check: (finding.state, finding.text) for finding in examine()}


@pytest.fixture(scope="session")
def own_certificate(tmp_path_factory):
    """A context with a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("certificate") / "own.pem"
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def untrusted_server(own_certificate):
    with serving(lambda connection, _: connection.sendall(reply({})), context=own_certificate) as running:
        yield running.base_url
