"""The package lies on the host, for root alone."""

from testinfra.host import Host

FOLDER = "/var/cache/skerry/kernels"


def test_the_package_lies_there_for_root_alone(host: Host) -> None:
    (name,) = host.check_output(f"ls {FOLDER}").split()
    assert name.startswith("linux-image-6.12.")
    assert "-skerry-lab-" in name
    for path, mode in ((FOLDER, 0o700), (f"{FOLDER}/{name}", 0o600)):
        found = host.file(path)
        assert (found.user, found.group, found.mode) == ("root", "root", mode)
    package, version = host.check_output(
        f"dpkg-deb --showformat='${{Package}} ${{Version}}' --show {FOLDER}/{name}"
    ).split()
    assert name == f"{package}_{version}_amd64.deb"
