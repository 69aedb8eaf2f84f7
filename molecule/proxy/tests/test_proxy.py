"""The proxy's role: what it mends, what it refuses, and whose certificate it serves."""

import datetime
import shlex
from dataclasses import dataclass
from pathlib import Path

import testinfra
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from testinfra.backend.base import CommandResult
from testinfra.host import Host

PLAYBOOK = Path(__file__).parents[1] / "converge.yml"
PROJECT = PLAYBOOK.parents[2]
DOMAIN = "skerry.localhost"
UNIT = "skerry-proxy.service"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def converge(*arguments: str) -> CommandResult:
    """The playbook again, from the controller."""
    local = testinfra.get_host("local://")
    inventory = PROJECT / "inventories/lab"
    command = shlex.join(["ansible-playbook", f"--inventory={inventory}", *arguments, str(PLAYBOOK)])
    return local.run(f"cd {shlex.quote(str(PROJECT))} && {command}")


def serial(host: Host) -> str:
    """Which certificate is served."""
    ask = f"openssl s_client -connect 127.0.0.1:443 -servername x.{DOMAIN} < /dev/null 2>/dev/null"
    return str(host.check_output(f"{ask} | openssl x509 -noout -serial"))


def test_it_runs_and_knows_nobody(host: Host) -> None:
    service = host.service(UNIT)
    assert service.is_running
    assert service.is_enabled
    assert host.check_output("systemctl show --property=NRestarts --value " + UNIT) == "0"
    status = "curl -sko /dev/null -w '%{http_code} %{http_version}'"
    for address in ("127.0.0.1", "[::1]"):
        assert host.check_output(f"{status} -H 'Host: nobody.{DOMAIN}' https://{address}/") == "404 2"


def test_its_certificate_is_brought_to_the_controller_and_trusted_for_its_domain_only(host: Host) -> None:
    variables = host.ansible.get_variables()
    authority = x509.load_pem_x509_certificate(Path(variables["proxy_ca_fetch_to"]).read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName(DOMAIN)]
    served = f"--cacert /etc/skerry/pki/ca.crt --resolve x.{DOMAIN}:443:127.0.0.1"
    assert host.check_output(f"curl -so /dev/null -w '%{{http_code}}' {served} https://x.{DOMAIN}/") == "404"
    assert host.service("skerry-pki.timer").is_running
    assert host.service("skerry-pki.timer").is_enabled


EDITS = {
    "/etc/skerry/haproxy.cfg": "echo '# by hand' >> {}",
    "/etc/skerry/pages/404.html": "echo by hand > {}",
    "/etc/skerry/pages/404.http": "echo by hand > {}",
    "/etc/systemd/system/skerry-proxy.service": "sed -i s/NoNewPrivileges=true/NoNewPrivileges=false/ {}",
    "/etc/skerry/pki/ca.key": "chmod 0644 {}",
    "/etc/skerry/pki/server.pem": "echo by hand > {}; chmod 0644 {}",
}


def test_what_was_edited_by_hand_is_told_in_check_mode_and_mended(host: Host) -> None:
    look = "stat -c '%a %U %G' {0}; grep -v -e BEGIN -e END {0} | sha256sum"
    before = {path: host.check_output(look.format(path)) for path in EDITS}
    for path, edit in EDITS.items():
        host.check_output(edit.replace("{}", path))
    edited = {path: host.check_output(look.format(path)) for path in EDITS}
    told = converge("--check", "--diff")
    assert told.rc == 0, told.stdout
    assert "-# by hand" in told.stdout
    assert "PRIVATE KEY" not in told.stdout
    assert {path: host.check_output(look.format(path)) for path in EDITS} == edited
    mended = converge()
    assert mended.rc == 0, mended.stdout
    del before["/etc/skerry/pki/server.pem"]  # a damaged certificate is replaced by a new one
    assert {path: host.check_output(look.format(path)) for path in before} == before
    assert host.file("/etc/skerry/pki/server.pem").mode == 0o600


@dataclass(frozen=True)
class Given:
    """An operator's certificate and key, as files."""

    certificate: Path
    key: Path

    def variables(self) -> tuple[str, ...]:
        return "-e", f"proxy_tls_certificate={self.certificate}", "-e", f"proxy_tls_key={self.key}"


def make_pair(folder: Path, name: str, start: datetime.datetime, end: datetime.datetime) -> Given:
    """A self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), start, end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    given = Given(folder / "tls.crt", folder / "tls.key")
    given.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    given.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return given


def test_an_operators_certificate_is_served_and_its_key_seen_nowhere(host: Host, tmp_path: Path) -> None:
    given = make_pair(tmp_path, f"*.{DOMAIN}", NOW - DAY, NOW + 90 * DAY)
    certificate = x509.load_pem_x509_certificate(given.certificate.read_bytes())
    secret = given.key.read_text().splitlines()[1]
    workers = host.check_output("pgrep -u haproxy haproxy")
    done = converge(*given.variables(), "-vvv", "--diff")
    assert done.rc == 0, done.stdout
    assert secret not in done.stdout + done.stderr
    assert host.run(f"journalctl --no-pager | grep -F -e '{secret}'").rc == 1
    assert serial(host) == f"serial={certificate.serial_number:040X}"
    assert host.check_output("pgrep -u haproxy haproxy") == workers  # swapped, not restarted
    assert host.file("/etc/skerry/pki/server.pem").mode == 0o600
    assert not host.file("/etc/systemd/system/skerry-pki.timer").exists
    assert "changed=0" in converge(*given.variables()).stdout
    expired = make_pair(tmp_path, f"*.{DOMAIN}", NOW - 2 * DAY, NOW - DAY)
    refused = converge(*expired.variables())
    assert refused.rc == 2
    assert "it ended on" in refused.stdout
    assert serial(host) == f"serial={certificate.serial_number:040X}"
    back = converge()
    assert back.rc == 0, back.stdout
    assert serial(host) != f"serial={certificate.serial_number:040X}"


def test_a_haproxy_that_serves_somebody_else_is_not_taken_away(host: Host) -> None:
    own = "/etc/haproxy/haproxy.cfg"
    host.check_output(f"systemctl stop {UNIT}; cp {own} /root/kept; systemctl unmask haproxy.service")
    try:
        host.check_output(
            f"printf 'listen mine\\n  mode http\\n  bind :8080\\n  timeout client 1s\\n' >> {own}"
        )
        host.check_output("systemctl start haproxy.service")
        refused = converge()
        assert refused.rc == 2
        assert "haproxy.service runs with a configuration of its own" in " ".join(refused.stdout.split())
        assert "changed=0" in refused.stdout
        assert host.service("haproxy.service").is_running
    finally:
        host.check_output(
            f"cp /root/kept {own}; systemctl stop haproxy.service; systemctl mask haproxy.service"
        )
        host.check_output(f"systemctl start {UNIT}")


def test_half_a_certificate_is_refused() -> None:
    refused = converge("-e", "proxy_tls_key=/nowhere")
    assert refused.rc == 2
    assert "belong together" in refused.stdout
