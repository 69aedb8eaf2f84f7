"""Which certificates are made, renewed and refused."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from skerry.model.errors import SkerryError
from skerry.pki import certificates
from skerry.pki.files import Place, ensure_internal, ensure_own

DOMAIN = "skerry.localhost"
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def issue(
    subject: str,
    key: CertificateIssuerPrivateKeyTypes,
    issuer: tuple[str, CertificateIssuerPrivateKeyTypes] | None = None,
    *,
    name: str = f"*.{DOMAIN}",
    start: datetime.datetime = NOW - DAY,
    end: datetime.datetime = NOW + DAY,
) -> str:
    """A certificate as PEM, self-signed where no issuer is given."""
    issuer_name, issuer_key = issuer or (subject, key)
    builder = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer_name)]),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]),
        key.public_key(),
        x509.random_serial_number(),
        start,
        end,
    )
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    return certificates.certificate_pem(builder.add_extension(names, False).sign(issuer_key, hashes.SHA256()))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A host whose proxy does not run."""
    return Place(tmp_path, str(tmp_path / "master.sock"), str(tmp_path / "routes.map"))


def snapshot(place: Place) -> dict[str, str]:
    return {path.name: path.read_text() for path in place.folder.iterdir() if path.name != "lock"}


def test_an_authority_is_made_once_and_the_certificate_renewed_a_month_ahead(place: Place) -> None:
    assert len(ensure_internal(place, DOMAIN, NOW)) == 3
    first = snapshot(place)
    assert ensure_internal(place, DOMAIN, NOW + 59 * DAY) == []
    assert snapshot(place) == first
    assert ensure_internal(place, DOMAIN, NOW + 61 * DAY) == [
        f"certificate for *.{DOMAIN}: it ends on 2026-08-30"
    ]
    second = snapshot(place)
    assert second["ca.crt"] == first["ca.crt"]
    assert second["ca.key"] == first["ca.key"]
    assert second["server.pem"] != first["server.pem"]


def test_private_keys_are_for_root_only(place: Place) -> None:
    ensure_internal(place, DOMAIN, NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.folder.iterdir()}
    assert (modes["ca.key"], modes["server.pem"], modes["ca.crt"]) == (0o600, 0o600, 0o644)


def test_the_certificate_holds_under_its_authority_and_the_authority_only_for_the_domain(
    place: Place,
) -> None:
    ensure_internal(place, DOMAIN, NOW)
    files = snapshot(place)
    authority = x509.load_pem_x509_certificate(files["ca.crt"].encode())
    bundle = certificates.parse_bundle(files["server.pem"])
    store = x509.verification.Store([authority])
    verifier = x509.verification.PolicyBuilder().store(store).time(NOW)
    for name in (DOMAIN, f"a-b.{DOMAIN}"):
        assert verifier.build_server_verifier(x509.DNSName(name)).verify(bundle.certificate, [])
    key = serialization.load_pem_private_key(files["ca.key"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    foreign = certificates.new_bundle("example.org", certificates.Authority(authority, key), NOW)
    with pytest.raises(x509.verification.VerificationError):
        verifier.build_server_verifier(x509.DNSName("example.org")).verify(foreign.certificate, [])


@pytest.mark.parametrize(
    ("damaged", "replaced"),
    [
        ("server.pem", {"server.pem"}),
        ("ca.crt", {"ca.crt"}),  # the key stays, so the certificate is still good
        ("ca.key", {"ca.key", "ca.crt", "server.pem"}),
    ],
)
@pytest.mark.parametrize("content", [None, "", "by hand\n", "\xff"])
def test_a_damaged_file_is_replaced_and_no_more_than_follows(
    place: Place, damaged: str, replaced: set[str], content: str | None
) -> None:
    ensure_internal(place, DOMAIN, NOW)
    before = snapshot(place)
    path = place.folder / damaged
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="latin-1")
    ensure_internal(place, DOMAIN, NOW)
    after = snapshot(place)
    assert {name for name in after if after[name] != before[name]} == replaced
    assert ensure_internal(place, DOMAIN, NOW) == []


def test_another_domain_needs_another_authority(place: Place) -> None:
    ensure_internal(place, DOMAIN, NOW)
    assert ensure_internal(place, "other.example", NOW) == [
        "authority for other.example: it does not speak for other.example",
        "certificate for *.other.example: it is not from this host's authority",
    ]


def test_a_dry_run_tells_the_same_and_writes_nothing(place: Place) -> None:
    dry = Place(place.folder, place.socket, place.routes_map, dry_run=True)
    told = ensure_internal(dry, DOMAIN, NOW)
    assert snapshot(place) == {}
    assert ensure_internal(place, DOMAIN, NOW) == told


def test_an_operators_chain_is_served_in_the_right_order(place: Place) -> None:
    root, middle, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    parts = [
        issue("host", own, ("middle", middle)),
        issue("middle", middle, ("root", root)),
        issue("root", root),
    ]
    pem = certificates.key_pem(own) + "".join(parts)
    assert ensure_own(place, pem, DOMAIN, NOW) == [f"certificate for *.{DOMAIN}: another one was given"]
    assert place.server.read_text() == "".join(parts) + certificates.key_pem(own)
    assert place.server.stat().st_mode & 0o777 == 0o600
    assert ensure_own(place, pem, DOMAIN, NOW) == []


KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
SMALL = rsa.generate_private_key(65537, 1024)
KEY_PEM = certificates.key_pem(KEY)
LOCKED = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"secret"),
).decode()


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        ("", "0 private keys were found"),
        (KEY_PEM + KEY_PEM, "2 private keys were found"),
        (KEY_PEM, "it cannot be read"),
        (issue("x", KEY) + LOCKED, "protected by a passphrase"),
        (issue("x", KEY) + certificates.key_pem(STRANGER), "belongs to none of the certificates"),
        (issue("x", KEY).replace("M", "!") + KEY_PEM, "it cannot be read"),
        (
            issue("x", KEY, name="*.example.org") + KEY_PEM,
            r"it is for \*.example.org. Give one for \*.skerry",
        ),
        (issue("x", KEY, name=DOMAIN) + KEY_PEM, f"it is for {DOMAIN}"),
        (issue("x", KEY, start=NOW - 2 * DAY, end=NOW - DAY) + KEY_PEM, "it ended on 2026-05-31"),
        (issue("x", KEY, start=NOW + DAY, end=NOW + 2 * DAY) + KEY_PEM, "it begins on 2026-06-02"),
        (issue("x", SMALL) + certificates.key_pem(SMALL), "its RSA key has 1024 bits"),
        (issue("x", KEY) + issue("wrong", STRANGER) + KEY_PEM, "'CN=wrong' does not sign the one before it"),
    ],
)
def test_what_cannot_be_served_is_refused_and_the_old_one_stays(place: Place, pem: str, why: str) -> None:
    ensure_internal(place, DOMAIN, NOW)
    before = snapshot(place)
    with pytest.raises(SkerryError, match=why) as refusal:
        ensure_own(place, pem, DOMAIN, NOW)
    assert "PRIVATE" not in str(refusal.value)
    assert snapshot(place) == before
