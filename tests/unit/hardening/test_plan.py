"""What a machine's state leads to: the steps, and the verdict."""

from dataclasses import replace

from skerry_base.hardening.files import GRUB, files
from skerry_base.hardening.model import Reading, Setting
from skerry_base.hardening.plan import Load, Put, Restore, State, Write, judge, plan_hardening, wanted_files
from skerry_base.hardening.table import SETTINGS

BY_NAME = {one.name: one for one in SETTINGS}
HELD = {one.name: Reading(one.value) for one in SETTINGS}
BARE = State(HELD, {}, {file.path: "" for file in files(())}, grub=True)
DONE = replace(BARE, have={file.path: file.content for file in wanted_files(SETTINGS, BARE)})


def pick(*names: str) -> tuple[Setting, ...]:
    return tuple(BY_NAME[name] for name in names)


def found(state: State, name: str, reading: Reading) -> State:
    return replace(state, found={**state.found, name: reading})


def test_a_machine_that_is_as_it_should_be_needs_nothing() -> None:
    assert plan_hardening(SETTINGS, SETTINGS, DONE).steps == ()
    verdict = judge(SETTINGS, DONE.found)
    assert (verdict.held, verdict.drifted, verdict.later, verdict.unavailable) == (len(SETTINGS), (), {}, {})


def test_every_file_is_written_on_a_bare_machine() -> None:
    steps = plan_hardening(SETTINGS, SETTINGS, BARE).steps
    assert {step.file.path for step in steps if isinstance(step, Write)} == BARE.have.keys()


def test_a_value_that_drifted_is_put_back_and_its_file_left() -> None:
    state = found(DONE, "sysctl kernel.sysrq", Reading("438"))
    assert plan_hardening(SETTINGS, SETTINGS, state).steps == (Put(BY_NAME["sysctl kernel.sysrq"], "438"),)
    assert judge(SETTINGS, state.found).drifted == ("sysctl kernel.sysrq: 438, not 0",)


def test_a_file_that_somebody_edited_is_written_anew() -> None:
    state = replace(DONE, have={**DONE.have, GRUB: "GRUB_CMDLINE_LINUX=quiet\n"})
    (step,) = plan_hardening(SETTINGS, SETTINGS, state).steps
    assert str(step) == f"write {GRUB}"


def test_rules_that_are_not_loaded_are_loaded_again() -> None:
    state = found(DONE, "audit boot", Reading("not audited"))
    assert plan_hardening(SETTINGS, SETTINGS, state).steps == (Load(("augenrules", "--load")),)


def test_a_menu_that_lacks_a_word_is_written_anew() -> None:
    state = found(DONE, "word pti", Reading("not given"))
    assert plan_hardening(SETTINGS, SETTINGS, state).steps == (Load(("update-grub",)),)
    assert judge(SETTINGS, state.found).drifted == ("word pti: not given, not pti=on",)


def test_what_the_machine_can_t_have_is_told_and_not_written() -> None:
    state = found(DONE, "sysctl kernel.sysrq", Reading(None, "this kernel has no such key"))
    (step,) = plan_hardening(SETTINGS, SETTINGS, state).steps
    assert isinstance(step, Write)
    assert "kernel.sysrq" not in step.file.content
    verdict = judge(SETTINGS, state.found)
    assert verdict.unavailable == {"this kernel has no such key": ["sysctl kernel.sysrq"]}
    assert verdict.drifted == ()


def test_what_holds_with_the_next_boot_only_is_told_and_changes_nothing_now() -> None:
    state = found(DONE, "word pti", Reading("not given", later="the command line is read at the start"))
    state = found(state, "word debugfs", Reading("not given", later="the command line is read at the start"))
    assert plan_hardening(SETTINGS, SETTINGS, state).steps == ()
    later = judge(SETTINGS, state.found).later
    assert later == {"the command line is read at the start": ["word pti", "word debugfs"]}


def test_no_file_of_grub_s_where_there_is_no_grub() -> None:
    written = {file.path: file.content for file in wanted_files(SETTINGS, replace(BARE, grub=False))}
    assert written[GRUB] == ""


def test_what_is_turned_off_leaves_its_file_and_gets_its_old_value_back() -> None:
    off = pick("sysctl kernel.sysrq", "sysctl kernel.kexec_load_disabled", "mode /usr/bin/chfn")
    before = {
        "sysctl kernel.sysrq": "438",
        "sysctl kernel.kexec_load_disabled": "0",
        "sysctl kernel.panic": "0",
    }
    on = tuple(one for one in SETTINGS if one not in off)
    written, *restored = plan_hardening(SETTINGS, on, replace(DONE, before=before)).steps
    assert isinstance(written, Write)
    assert "kernel.sysrq" not in written.file.content
    assert [str(step) for step in restored] == [
        "sysctl kernel.kexec_load_disabled: with the next boot as it was",
        "sysctl kernel.sysrq: 0 to 438, as it was",
    ]


def test_absent_takes_every_file_away_and_gives_all_back() -> None:
    before = {"mode /boot": "root root 0755", "mount /tmp": "nosuid,nodev"}
    steps = plan_hardening(SETTINGS, (), replace(DONE, before=before)).steps
    assert {
        step.file.path for step in steps if isinstance(step, Write) and not step.file.content
    } == DONE.have.keys()
    assert [step.setting.name for step in steps if isinstance(step, Restore)] == ["mount /tmp", "mode /boot"]


def test_nothing_is_left_to_do_when_all_is_absent() -> None:
    assert plan_hardening(SETTINGS, (), BARE).steps == ()


def test_the_diff_has_each_file_and_each_value_by_itself() -> None:
    shown = plan_hardening(SETTINGS, SETTINGS, BARE).diff()
    files = {one["before_header"]: one for one in shown if "before_header" in one}
    assert files.keys() == BARE.have.keys()
    assert all(one["before"] == "" and one["after"] for one in files.values())

    found = dict(DONE.found) | {"sysctl kernel.sysrq": Reading("438")}
    setting = BY_NAME["sysctl kernel.sysrq"]
    assert plan_hardening(SETTINGS, SETTINGS, replace(DONE, found=found)).result()["diff"] == [
        {
            "before_header": setting.name,
            "after_header": setting.name,
            "before": "438\n",
            "after": f"{setting.value}\n",
        }
    ]
    (put,) = plan_hardening(SETTINGS, SETTINGS, replace(DONE, found=found)).steps
    assert put.reason == setting.reason
    assert Load(("update-grub",)).diff() == {"prepared": "run update-grub\n"}
