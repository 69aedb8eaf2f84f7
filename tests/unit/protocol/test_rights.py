"""What is decided of each verb. A new verb fails here until somebody has decided."""

import pytest

from skerry.protocol import rights
from skerry.protocol.rights import RIGHTS, SHOW_ENV, TEMPLATES, Reach
from skerry.protocol.table import TABLE

READER = {
    *("info", "list", "stats", "top", "operations", "status", "token_self", "image_list"),
    *("volume_info", "volume_list", "secret_info", "secret_list", "snapshot_info", "snapshot_list"),
    *("alias_list", "project_info", "project_list", "realm_info", "realm_list", "policy_info", "policy_list"),
}
DEPLOY = {
    *("create", "start", "stop", "restart", "update", "rollback", "delete", "ensure", "logs"),
    *("volume_create", "volume_update", "volume_ensure", "secret_set", "snapshot_create", "snapshot_ensure"),
    *("alias_set", "alias_drain", "alias_delete", "logs_stream", "image_import", "image_pull", "image_build"),
}
ADMIN = {
    *("exec_stream", "freeze", "thaw", "copy", "rename", "volume_copy", "volume_rename", "volume_delete"),
    *("secret_delete", "secret_absent", "snapshot_restore", "snapshot_delete", SHOW_ENV),
    *("project_create", "project_update", "project_delete", "project_ensure"),
    *("token_create", "token_ensure", "token_rotate", "token_revoke", "token_info", "token_list"),
    *("exec", "shell", "connect", "get", "put", "export", "import", "volume_backup", "volume_restore"),
    *("image_publish", "image_delete", "image_prune"),
    *("policy_set", "policy_delete", "policy_absent", "policy_explain"),
}
OPERATOR = {
    *("realm_create", "realm_update", "realm_delete", "realm_ensure"),
    *("state_backup", "state_restore", "state_recover", "state_info"),
}
HOST = {
    *(
        "exec",
        "shell",
        "connect",
        "get",
        "put",
        "logs",
        "export",
        "import",
        "volume_backup",
        "volume_restore",
    ),
    *("image_import", "image_pull", "image_build", "image_publish", "image_delete", "image_prune"),
    *OPERATOR,
}


def test_each_verb_has_a_decision_and_each_decision_a_verb() -> None:
    assert set(RIGHTS) - {SHOW_ENV} == {verb.name for verb in TABLE.verbs()}


@pytest.mark.parametrize(
    ("template", "more"), list(zip(TEMPLATES, (READER, DEPLOY, ADMIN, OPERATOR), strict=True))
)
def test_what_each_template_has_that_the_one_before_has_not(template: str, more: set[str]) -> None:
    at = TEMPLATES.index(template)
    before = rights.of_template(TEMPLATES[at - 1], realm=False, projects=False) if at else ()
    assert set(rights.of_template(template, realm=False, projects=False)) - set(before) == more


def test_what_no_tenant_has() -> None:
    assert {verb for verb, right in RIGHTS.items() if right.reach is Reach.HOST} == HOST
    everything = set(rights.of_template("operator", realm=False, projects=False))
    assert everything == set(RIGHTS)
    assert everything - set(rights.of_template("admin", realm=True, projects=False)) == HOST
    realms = {verb for verb, right in RIGHTS.items() if right.reach is Reach.REALM}
    assert everything - set(rights.of_template("admin", realm=True, projects=True)) == HOST | realms
    assert realms == {
        "realm_info",
        "realm_list",
        *(f"project_{verb}" for verb in ("create", "update", "delete", "ensure")),
    }


def test_whoever_reads_sees_no_secret_and_changes_nothing() -> None:
    assert not [verb for verb in READER if TABLE[verb].changes]


def test_what_ends_as_a_deletion_needs_that_right() -> None:
    for verb in TABLE.verbs():
        if "state" not in verb.request.model_fields:
            continue
        needs = rights._DELETES[verb.name]
        assert needs in RIGHTS, verb.name
        assert needs.endswith(("delete", "revoke"))
