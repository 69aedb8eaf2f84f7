"""site.yml in check mode where it has not made a platform yet. Runs before site.yml does."""

from tests.integration.check_mode import checked


def test_check_mode_goes_through_where_nothing_is_set_up_yet(lab: str) -> None:
    done = checked(lab)
    said = " ".join(done.output.split())
    assert "+++ after: " in done.output
    assert "check mode leaves out what the package skerry brings, since it is not installed yet" in said
    assert "check mode leaves out the certificate: the package skerry makes or checks it" in said
    assert any(task.startswith("skerry.host.hardening") for task in done.changed)
