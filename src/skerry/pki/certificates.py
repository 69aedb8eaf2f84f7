"""Issue certificates, and say what is wrong with one. No files here."""

import dataclasses
import datetime
import itertools
import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from skerry.model.errors import Code, SkerryError

AUTHORITY_LIFE = datetime.timedelta(days=3653)
SERVER_LIFE = datetime.timedelta(days=90)
RENEW_BEFORE = datetime.timedelta(days=30)
_SKEW = datetime.timedelta(hours=1)  # a client's clock may be behind
_MIN_RSA_BITS = 2048
_KEY = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Authority:
    """A certificate authority of our own."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What HAProxy serves: the certificate of the host, those that lead to its root, the key."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes

    def to_pem(self) -> str:
        """The one file that HAProxy reads."""
        certificates = (self.certificate, *self.chain)
        return "".join(certificate_pem(item) for item in certificates) + key_pem(self.key)


def certificate_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: PrivateKeyTypes) -> str:
    """A private key as PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new ECDSA key on P-256, which every client knows."""
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(domain: str, key: ec.EllipticCurvePrivateKey, now: datetime.datetime) -> Authority:
    """An authority that can speak for names in ``domain`` and for no others, whoever comes to trust it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Skerry {domain}"[:64])])
    allowed = x509.NameConstraints(permitted_subtrees=[x509.DNSName(domain)], excluded_subtrees=None)
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(allowed, critical=True)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def new_bundle(domain: str, authority: Authority, now: datetime.datetime) -> Bundle:
    """A certificate with a new key for ``domain`` and every name right below it."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"*.{domain}"[:64])])
    names = x509.SubjectAlternativeName([x509.DNSName(f"*.{domain}"), x509.DNSName(domain)])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(subject, authority.certificate.subject, key.public_key(), now, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(issuer_key, critical=False)
    )
    return Bundle(builder.sign(authority.key, hashes.SHA256()), (), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    life: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*granted: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
        " crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in granted for name in every.split()})


def authority_problem(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, domain: str, now: datetime.datetime
) -> str:
    """Why this authority cannot go on, or ""."""
    if certificate.public_key() != key.public_key():
        return "its key is another one"
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return "it is not ours"
    if constraints.permitted_subtrees != [x509.DNSName(domain)]:
        return f"it does not speak for {domain}"
    if certificate.not_valid_after_utc < now + SERVER_LIFE:
        return f"it ends on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return ""


def bundle_problem(bundle: Bundle, authority: Authority, domain: str, now: datetime.datetime) -> str:
    """Why a bundle that this authority is said to have issued is to be renewed, or ""."""
    if not _is_issued_by(bundle.certificate, authority.certificate):
        return "it is not from this host's authority"
    if bundle.certificate.not_valid_after_utc < now + RENEW_BEFORE:
        return f"it ends on {bundle.certificate.not_valid_after_utc:%Y-%m-%d}"
    missing = {f"*.{domain}", domain} - names(bundle.certificate)
    return f"it does not cover {min(missing)}" if missing else ""


def names(certificate: x509.Certificate) -> set[str]:
    """The DNS names that a certificate is for, lower case."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in found.get_values_for_type(x509.DNSName)}


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _refuse(what: str, hint: str) -> SkerryError:
    return SkerryError(Code.INVALID, f"the certificate: {what}", hint)


def parse_bundle(pem: str) -> Bundle:
    """Certificates and one private key, in any order; the certificate of that key is the host's.

    Raises:
        SkerryError: something is missing, unreadable or does not belong together.
    """
    expected = (
        "Give the host's certificate, then those that lead to its root, and its private key, all as PEM"
    )
    keys = list(_KEY.finditer(pem))
    if len(keys) != 1:
        raise _refuse(f"{len(keys)} private keys were found", expected)
    try:
        key = serialization.load_pem_private_key(keys[0][0].encode(), password=None)
        certificates = x509.load_pem_x509_certificates(_KEY.sub("", pem).encode())
    except TypeError as error:
        raise _refuse("its private key is protected by a passphrase", "Give it without one") from error
    except ValueError as error:
        raise _refuse("it cannot be read", expected) from error
    public: CertificatePublicKeyTypes = key.public_key()  # type: ignore[assignment]
    own = [item for item in certificates if item.public_key() == public]
    if not own:
        raise _refuse("the private key belongs to none of the certificates", expected)
    return Bundle(own[0], tuple(item for item in certificates if item is not own[0]), key)


def check_bundle(bundle: Bundle, domain: str, now: datetime.datetime) -> None:
    """See that an operator's bundle can serve every container's URL.

    Raises:
        SkerryError: it covers other names, is not valid today, or its chain is broken; the message says which.
    """
    certificate = bundle.certificate
    if f"*.{domain}" not in names(certificate):
        found = ", ".join(sorted(names(certificate))) or "no name at all"
        raise _refuse(f"it is for {found}", f"Give one for *.{domain}")
    if now >= certificate.not_valid_after_utc:
        raise _refuse(f"it ended on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", "Give a new one")
    if now < certificate.not_valid_before_utc:
        start = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise _refuse(f"it begins on {start}", "Wait until then, or set this host's clock")
    if isinstance(bundle.key, rsa.RSAPrivateKey) and bundle.key.key_size < _MIN_RSA_BITS:
        raise _refuse(f"its RSA key has {bundle.key.key_size} bits", f"Give one with {_MIN_RSA_BITS} or more")
    links = (certificate, *bundle.chain)
    for item, issuer in itertools.pairwise(links):
        if not _is_issued_by(item, issuer):
            hint = "Give the chain in order, each certificate followed by the one that signed it"
            raise _refuse(f"'{issuer.subject.rfc4514_string()}' does not sign the one before it", hint)
