"""A rig's own certificate authorities, certificates and service account key."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = timedelta(days=30)
LOOPBACK = ipaddress.ip_address("127.0.0.1")
FIRST_SERVICE_IP = ipaddress.ip_address("10.0.0.1")


@dataclass(frozen=True)
class Authority:
    """A certificate authority that signs and is never used to serve."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True)
class Pki:
    """Where a rig's keys and certificates lie: `<name>.crt` and `<name>.key`."""

    directory: Path

    def certificate(self, name: str) -> Path:
        """Return the path of a certificate."""
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Return the path of a private key."""
        return self.directory / f"{name}.key"


CLIENTS = {
    "admin": ("admin", "system:masters"),
    # KWOK plays the kubelets under a name of its own, so the audit log tells it from the admin.
    "kwok": ("kwok", "system:masters"),
    "fleet": ("fleet", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
}


def make_pki(directory: Path) -> Pki:
    """Make every key and certificate that the control plane and its clients need."""
    directory.mkdir(mode=0o700)
    pki = Pki(directory)
    cluster, front_proxy = _authority(pki, "ca"), _authority(pki, "front-proxy-ca")
    _sign(pki, cluster, "apiserver", _subject("kube-apiserver"))
    for name, (user, group) in CLIENTS.items():
        _sign(pki, cluster, name, _subject(user, group))
    # Needed for aggregated APIs, which trust the API server's word about the user.
    _sign(pki, front_proxy, "front-proxy-client", _subject("front-proxy-client"))
    _write_key(pki.key("service-accounts"), ec.generate_private_key(ec.SECP256R1()))
    return pki


def _subject(user: str, group: str | None = None) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _authority(pki: Pki, name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(_subject(name), key.public_key())
        .issuer_name(_subject(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_certificate(pki.certificate(name), certificate)
    return Authority(name, key, certificate)


def _sign(pki: Pki, authority: Authority, name: str, subject: x509.Name) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(LOOPBACK), x509.IPAddress(FIRST_SERVICE_IP)]
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder(subject, key.public_key())
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    _write_key(pki.key(name), key)
    _write_certificate(pki.certificate(name), certificate)


def _builder(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)  # noqa: TID251 - certificates are valid in real time
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + VALID_FOR)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
