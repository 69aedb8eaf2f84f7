"""An installation that was begun anew after it had lost its power (conftest.py), while its server is locked."""

INSTALL = "playbooks/install.yml"
MOST_CPU_S = 220


def test_it_takes_no_longer_than_it_may(installation):
    assert 0 < installation.cpu_seconds <= MOST_CPU_S


def test_it_says_what_was_left_and_shows_no_passphrase(installation, locked):
    assert "changed" in installation.output
    assert locked.lab.passphrase.read_text() not in installation.output


def test_a_locked_server_is_left_alone_and_it_is_said_how_to_unlock_it(play):
    answer = play(INSTALL)
    assert answer.returncode == 0, answer.stdout
    assert "changed=0" in answer.stdout
    told = " ".join(answer.stdout.split())
    assert "is installed and locked. To unlock it: ansible-playbook playbooks/unlock.yml" in told
