"""What is decided about kernels: what is refused, kept, made the default, and said of a trial that failed."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry_base.boot.kernels import plan, record
from skerry_base.boot.kernels.plan import DIED, Found
from skerry_base.boot.kernels.record import Outcome, Proven, Record, Trial
from skerry_base.core.errors import SkerryError

OLD, NEW, NEWER = "6.12.48+deb13-amd64", "6.12.57+deb13-amd64", "6.17.8+deb13-amd64"
OURS, OURS_NEWER = "6.12.57-skerry-metal-631a3cf9", "6.12.58-skerry-metal-0b41d2aa"
AT = "2026-11-25T10:00:00+00:00"


def proven(*versions, how="trial"):
    return tuple(Proven(version, f"of {version}", AT, how) for version in versions)


def machine(running, *others, **more):
    return Found(running, {version: f"of {version}" for version in (running, *others)}, **more)


TRIAL = Trial(NEW, OLD, AT, boot="before", prove=1800)
RECORD = Record(OLD, proven(OLD))


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("6.12.57+deb13-amd64", (6, 12, 57)),
        ("6.12.57-skerry1", (6, 12, 57)),
        ("7.0+deb14", (7, 0)),
        ("odd", ()),
    ],
)
def test_what_counts_of_a_name(version, numbers):
    assert plan.numbers(version) == numbers


@pytest.mark.parametrize(
    ("version", "current", "found", "words"),
    [
        (NEW, RECORD, machine(OLD, NEW, secure_boot=True), "Secure Boot is on"),
        (
            NEWER,
            dataclasses.replace(RECORD, trial=TRIAL),
            machine(NEW, OLD, NEWER, on_trial=True),
            "is on trial itself",
        ),
        (NEW, RECORD, machine(OLD), "is not installed. Installed are: 6.12.48+deb13-amd64"),
        (OLD, RECORD, machine(OLD), "runs already"),
        (OLD, RECORD, machine(NEW, OLD), "is older than the running 6.12.57+deb13-amd64"),
        (NEW, dataclasses.replace(RECORD, trial=TRIAL), machine(OLD, NEW), "was not rebooted since"),
    ],
)
def test_refused(version, current, found, words):
    with pytest.raises(SkerryError, match=words.replace("+", r"\+")):
        plan.refuse(version, current, found)


def test_whoever_wants_an_older_one_back_chooses_among_the_proven():
    chosen = plan.choose(OLD, Record(NEW, proven(OLD, NEW)))
    assert (chosen.default, chosen.proven) == (OLD, proven(OLD, NEW))
    # It stays so at the next boot, whichever runs.
    assert plan.settle(chosen, machine(NEW, OLD), [], AT).default == OLD
    with pytest.raises(
        SkerryError, match=re.escape(f"kernel {NEW} has not proven itself. These have: {OLD}.")
    ):
        plan.choose(NEW, RECORD)
    with pytest.raises(SkerryError, match=f"a trial of {re.escape(NEW)} is under way"):
        plan.choose(OLD, dataclasses.replace(RECORD, trial=TRIAL))


def test_a_machine_that_is_not_ours_is_left_alone():
    plan.refuse_foreign(machine(OLD, NEW))
    with pytest.raises(SkerryError, match=r"install\.yml did not make"):
        plan.refuse_foreign(machine(OLD, NEW, ours=False))


def test_an_older_kernel_may_be_asked_for_and_another_flavour_is_not_older():
    plan.refuse(OLD, RECORD, machine(NEW, OLD), older=True)
    plan.refuse("6.12.48+deb13-cloud-amd64", RECORD, machine(OLD, "6.12.48+deb13-cloud-amd64"))


@pytest.mark.parametrize(
    ("current", "found", "wanted"),
    [
        pytest.param(RECORD, machine(OLD), "", id="nothing new"),
        pytest.param(RECORD, machine(OLD, NEW, NEWER), NEWER, id="the newest"),
        pytest.param(Record(NEW, proven(NEW)), machine(NEW, OLD), "", id="an older one is none"),
        pytest.param(
            RECORD,
            machine(OLD, NEW, NEW.replace("amd64", "cloud-amd64")),
            NEW,
            id="of the running one's flavour",
        ),
        pytest.param(
            dataclasses.replace(RECORD, outcomes=(Outcome(NEW, AT, proven=False),)),
            machine(OLD, NEW),
            "",
            id="failed",
        ),
        pytest.param(Record(OURS, proven(OURS)), machine(OURS, OLD, NEWER), "", id="Debian's beside ours"),
        pytest.param(
            Record(OURS, proven(OURS)), machine(OURS, NEWER, OURS_NEWER), OURS_NEWER, id="ours after ours"
        ),
        pytest.param(RECORD, machine(OLD, OURS), OURS, id="ours after Debian's"),
    ],
)
def test_which_kernel_waits_for_its_trial(current, found, wanted):
    assert plan.candidate(current, found) == wanted


def test_the_kernel_that_runs_when_the_record_is_begun_is_the_default():
    settled = plan.settle(Record(), machine(OLD, NEW), [], AT)
    assert (settled.default, settled.proven) == (OLD, proven(OLD, how="running"))


def test_a_kernel_that_is_installed_does_not_become_the_default():
    assert plan.settle(RECORD, machine(OLD, NEW, NEWER), [], AT) == RECORD


def test_a_kernel_that_somebody_starts_by_hand_has_not_proven_itself():
    assert plan.settle(RECORD, machine(NEW, OLD), [], AT) == RECORD


def test_where_the_default_is_removed_the_last_proven_one_follows():
    settled = plan.settle(Record(NEW, proven(OLD, NEW)), machine(OLD), [], AT)
    assert (settled.default, settled.proven) == (OLD, proven(OLD))


def test_once_proven_the_kernel_of_a_trial_boot_is_as_any_other():
    plan.refuse(NEWER, Record(NEW, proven(OLD, NEW)), machine(NEW, OLD, NEWER, on_trial=True))


def test_a_trial_whose_kernel_is_removed_before_its_boot_is_none():
    begun = dataclasses.replace(RECORD, trial=TRIAL)
    assert plan.settle(begun, machine(OLD, boot="before"), [], AT) == RECORD


def test_the_running_image_that_was_replaced_has_to_prove_itself_where_another_one_has():
    changed = Found(NEW, {OLD: f"of {OLD}", NEW: "of something else"})
    assert plan.settle(Record(NEW, proven(OLD, NEW)), changed, [], AT) == Record(OLD, proven(OLD))
    alone = Found(NEW, {NEW: "of something else"})
    assert plan.settle(Record(NEW, proven(NEW)), alone, [], AT).default == NEW


def test_an_image_that_was_replaced_is_another_kernel():
    changed = Found(OLD, {OLD: f"of {OLD}", NEW: "of something else"})
    settled = plan.settle(Record(NEW, proven(OLD, NEW)), changed, [], AT)
    assert settled.default == OLD
    assert plan.candidate(settled, changed) == NEW


@pytest.mark.parametrize(
    ("stages", "ended", "reason"),
    [
        ([], "", DIED[""]),
        (["initramfs"], "", DIED["initramfs"]),
        (["locked"], "", DIED["locked"]),
        (["", "opened"], "", DIED["opened"]),
        (["open"], "", DIED[""]),
        (["opened"], "its proof failed: network", "its proof failed: network"),
    ],
)
def test_what_is_said_of_a_trial_that_failed(stages, ended, reason):
    begun = dataclasses.replace(RECORD, trial=dataclasses.replace(TRIAL, ended=ended))
    settled = plan.settle(begun, machine(OLD, NEW, boot="after"), stages, AT)
    assert settled.trial is None
    assert settled.default == OLD
    assert settled.outcomes == (Outcome(NEW, AT, proven=False, reason=reason),)


@pytest.mark.parametrize(
    "found", [machine(OLD, NEW, boot="before"), machine(NEW, OLD, boot="after", on_trial=True)]
)
def test_a_trial_that_was_not_booted_yet_or_runs_is_not_over(found):
    begun = dataclasses.replace(RECORD, trial=TRIAL)
    assert plan.settle(begun, found, [], AT).trial == TRIAL


def test_a_kernel_that_proved_itself_is_the_default():
    done = plan.promote(dataclasses.replace(RECORD, trial=TRIAL), machine(NEW, OLD, on_trial=True), AT)
    assert (done.default, done.proven, done.trial) == (NEW, proven(OLD, NEW), None)
    assert done.outcomes == (Outcome(NEW, AT, proven=True),)


@pytest.mark.parametrize("found", [machine(OLD, NEW), machine(NEW, OLD), machine(NEWER, NEW, on_trial=True)])
def test_only_the_kernel_on_trial_can_prove_itself(found):
    with pytest.raises(SkerryError, match="is not on trial"):
        plan.promote(dataclasses.replace(RECORD, trial=TRIAL), found, AT)


@pytest.mark.parametrize(
    ("default", "has_proven", "running", "installed", "gone"),
    [
        (OLD, (OLD,), OLD, (OLD,), ()),
        (NEW, (OLD, NEW), NEW, (OLD, NEW), ()),
        (NEWER, (OLD, NEW, NEWER), NEWER, (OLD, NEW, NEWER), (OLD,)),
        # The one that was just proven is the default, the old one still runs: both stay, an unproven one in between goes.
        (NEWER, (OLD, NEWER), OLD, (OLD, NEW, NEWER), (NEW,)),
        (OLD, (OLD,), OLD, (OLD, NEW, NEWER), (NEW,)),
    ],
)
def test_which_kernels_may_go(default, has_proven, running, installed, gone):
    others = [version for version in installed if version != running]
    assert plan.prune(Record(default, proven(*has_proven)), machine(running, *others)) == gone


def test_what_a_package_follows_stays():
    brought = f"{OLD}-x"
    found = machine(NEWER, OLD, NEW, brought, followed=frozenset({OLD}))
    assert plan.prune(Record(NEWER, proven(OLD, NEW, NEWER)), found) == (brought, NEW)


def test_which_kernels_packages_follow():
    lines = [
        f"installed\tlinux-image-amd64\tlinux-base-amd64 (= 1), linux-image-{NEW} (= 6.12.57-1)",
        f"installed\tlinux-image-{NEW}\tlinux-base-{NEW}, linux-image-{OLD}",
        f"config-files\tlinux-image-rt-amd64\tlinux-image-{OLD} (= 6.12.48-1)",
    ]
    assert plan.followed("\n".join(lines)) == {NEW}
    assert plan.followed("") == frozenset()


FAILED = dataclasses.replace(RECORD, outcomes=(Outcome(NEWER, AT, proven=False, reason="x"),))


def test_which_packages_hold_a_kernel():
    listed = (
        "installed\tlinux-image-6.1\ninstalled\tlinux-headers-6.1\nnot-installed\tlinux-image-6.1-unsigned\n"
    )
    assert plan.holders(listed + "installed\tlinux-modules-6.1\n", "6.1") == [
        "linux-image-6.1",
        "linux-modules-6.1",
    ]
    assert plan.holders("config-files\tlinux-image-6.1\n", "6.1") == []


def test_those_that_were_never_tried_and_those_that_failed():
    found = machine(OLD, NEW, NEWER, "6.1.0-30-amd64")
    assert plan.untried(FAILED, found) == [NEW]
    assert plan.failed(FAILED, found) == {NEWER: "x"}
    assert plan.failed(FAILED, machine(OLD, NEW)) == {}
    assert plan.failed(dataclasses.replace(FAILED, proven=proven(OLD, NEWER)), found) == {}


def test_one_that_failed_may_go_though_it_is_the_newest():
    assert plan.prune(FAILED, machine(OLD, NEWER)) == (NEWER,)
    assert plan.prune(FAILED, machine(OLD, NEWER, followed=frozenset({NEWER}))) == ()


VERSIONS = st.sampled_from([OLD, NEW, NEWER, "6.12.57+deb13-cloud-amd64", "6.1.0-30-amd64"])


@given(st.lists(VERSIONS, unique=True), VERSIONS, st.lists(VERSIONS, min_size=1, unique=True))
def test_a_proven_kernel_besides_the_running_one_always_stays(has_proven, running, installed):
    found = machine(running, *installed)
    current = plan.settle(Record("", proven(*has_proven)), found, [], AT)
    kept = plan.keep(current, found)
    spare = {one.version for one in current.proven} - {running}
    assert running in kept
    assert not spare or spare & kept
    assert current.default in kept


MENU = """\
set default="0"
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-1' {
	search --no-floppy --fs-uuid --set=root aaaa
	linux	/vmlinuz-6.12.48+deb13-amd64 root=/dev/mapper/root_crypt ro  console=ttyS0
	initrd	/initrd.img-6.12.48+deb13-amd64
}
submenu 'Advanced options' {
	menuentry 'Debian, with Linux 6.12.57+deb13-amd64 (recovery mode)' {
		linux	/vmlinuz-6.12.57+deb13-amd64 root=/dev/mapper/root_crypt ro single console=ttyS0
	}
	menuentry 'Debian, with Linux 6.12.57+deb13-amd64' {
		if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
		search --no-floppy --fs-uuid --set=root aaaa
		linux	/vmlinuz-6.12.57+deb13-amd64 root=/dev/mapper/root_crypt ro  console=ttyS0
		initrd	/initrd.img-6.12.57+deb13-amd64
	}
}
"""


def test_the_entry_of_a_trial_is_that_of_the_kernel_with_more_on_its_command_line():
    text = plan.entry(MENU, NEW, plan.words("aaaa", 600, 120, ["iTCO_wdt", "softdog"]))
    assert text.startswith(
        "set fallback=0\nmenuentry 'Trial of kernel 6.12.57+deb13-amd64' --id skerry-trial {\n"
    )
    assert (
        "root=/dev/mapper/root_crypt ro  console=ttyS0 panic=10 oops=panic skerry.trial=aaaa skerry.unlock=600 "
        "skerry.watchdog=120,iTCO_wdt,softdog\n"
    ) in text
    assert "single" not in text
    assert text.count("{") == text.count("}") == 1
    assert "initrd\t/initrd.img-6.12.57+deb13-amd64" in text


def test_a_kernel_that_the_menu_does_not_know_is_refused():
    with pytest.raises(SkerryError, match="no entry for kernel 6"):
        plan.entry(MENU, "6", [])


def test_the_first_of_the_menu():
    assert plan.first(MENU) == OLD
    assert plan.first("") == ""


def test_apt_leaves_kernels_alone_by_their_exact_names():
    text = plan.protection([NEW, OLD])
    assert r'"^linux-image-6\.12\.57\+deb13-amd64$";' in text
    (first, second) = re.findall(r'"(.+)";', text)
    assert re.search(first, f"linux-image-{OLD}")
    assert re.search(second, f"linux-image-{NEW}")
    assert not re.search(second, f"linux-image-{NEW}-dbg")


def test_a_record_comes_back_as_it_was_written(tmp_path):
    full = Record(
        OLD,
        proven(OLD),
        dataclasses.replace(TRIAL, failed_units=("a.service",)),
        (Outcome(NEW, AT, False, "x"),),
    )
    record.save(full, tmp_path / "lib/kernels.json")
    assert record.load(tmp_path / "lib/kernels.json") == full
    assert record.load(tmp_path / "none") == Record()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"default": 1, "proven": [{"x": 1}], "trial": null, "outcomes": []}']
)
def test_a_damaged_record_is_refused(tmp_path, text):
    (tmp_path / "kernels.json").write_text(text)
    with pytest.raises(SkerryError, match="is damaged"):
        record.load(tmp_path / "kernels.json")


def test_outcomes_do_not_grow_for_ever():
    long = Record(outcomes=tuple(Outcome(str(number), AT, proven=True) for number in range(30)))
    assert len(long.ended(Outcome(NEW, AT, proven=True)).outcomes) == 20
