"""Writes the options of the modules of the engine's kinds, their documentation and argument specs, from what they declare.

Each module has two marked regions. A default of the model stays out: an option that is not given means "as it is".
"""

import argparse
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from skerry.model.container import ContainerKey, Spec
from skerry.model.secret import SecretKey
from skerry.model.snapshot import SnapshotKey
from skerry.model.volume import VolumeKey
from skerry.protocol.access import Exec, Logs, Put
from skerry.protocol.aliases import AliasDrain, AliasSet
from skerry.protocol.containers import Ensure, Export, Info, Rollback
from skerry.protocol.images import ImageBuild, ImageFile, ImageImport, ImageList, ImagePublish, ImagePull
from skerry.protocol.secrets import SecretSet
from skerry.protocol.snapshots import SnapshotEnsure, SnapshotRestore
from skerry.protocol.volumes import VolumeEnsure, VolumeRestore
from tools import api_paths, policy_options, tenant_options, token_options
from tools.files import ROOT, report
from tools.module_options import (
    PRESENT,
    Option,
    formatted,
    group,
    kind,
    of_container,
    of_request,
    only_those,
    option,
    options,
    owned,
)

NOTE = "written by `make options` from src/skerry/protocol and src/skerry/model"
REGION = re.compile(rf"^(?P<indent> *)# {NOTE}\n.*?^ *# end of what is written\n", re.DOTALL | re.MULTILINE)
STATES = [
    "V(present): it exists. A new one is started, one that exists stays running or stopped as it is.",
    "V(started) and V(stopped): it exists, and its program runs or does not. A new one is made as needed.",
    "V(frozen): as V(started), and every process of it is held where it is. Its URLs say that it is stopped.",
    "V(restarted): as V(started); where it runs already, its program is ended and started again.",
    "V(absent): it is deleted with all its files, and its URLs are dead for good.",
]
IMAGE_STATE = "Whether it shall be on the host. Deleting one that containers are made of is refused."
NEEDS_NAME = "Needs O(name). Set C(no_log) on the task that asks, or they stand in Ansible's output."
SNAPSHOT_STATES = [
    "V(present): it is there. One that is there already stays as it is, whatever has changed since.",
    "V(absent): it is deleted.",
    "V(restored): its files replace those of the container or volume, every time. A container restarts, with its image.",
]
ARCHIVE_STATES = {
    "saved": "V(saved): the volume's files are in the archive. A file that is there already is left as it is.",
    "restored": "V(restored): the archive's files are in the volume. A volume that is not there is made.",
}
CONTAINER_ARCHIVE_STATES = {
    "exported": "V(exported): the container is in the archive. A file that is there already is left as it is.",
    "imported": "V(imported): a container of that name is made of it. One that is there already is left as it is.",
}


def container() -> dict[str, Option]:
    """The options of skerry_container."""
    key, spec = options(ContainerKey), options(Spec)
    for name in ("realm", "project"):
        key[name].spec["default"] = ContainerKey.model_fields[name].default
    spec["image"].spec.pop("required")
    spec["image"].description.append("Required for a new container.")
    make = option(Ensure.model_fields["create"])
    make.spec["default"] = Ensure.model_fields["create"].default
    others = {name: option(Ensure.model_fields[name]) for name in ("copy_of", "renamed_from")}
    states = kind(Ensure.model_fields["state"])[0]
    waits = {name: option(Ensure.model_fields[name]) for name in ("wait", "timeout")}
    for name, waiting in waits.items():
        waiting.spec["default"] = Ensure.model_fields[name].default
    grace = option(Ensure.model_fields["grace_now"])
    discard = option(Ensure.model_fields["discard_root"])
    discard.spec["default"] = False
    first = {"name": key.pop("name"), "state": Option({**states, "default": "started"}, STATES)}
    return (
        first | {"create": make} | others | key | spec | waits | {"grace_now": grace, "discard_root": discard}
    )


def rollback() -> dict[str, Option]:
    """The options of skerry_container_rollback."""
    key = options(ContainerKey)
    for name in ("realm", "project"):
        key[name].spec["default"] = "default"
    rest = {name: one for name, one in of_request(Rollback).items() if name not in key}
    return {"name": key.pop("name")} | key | rest


def container_info() -> dict[str, Option]:
    """The options of skerry_container_info."""
    found = only_those(ContainerKey, "containers")
    show_env = option(Info.model_fields["show_env"])
    show_env.spec["default"] = Info.model_fields["show_env"].default
    show_env.description.append(NEEDS_NAME)
    stats = ["Tell as well what each uses of its limits, measured for a second, in C(stats)."]
    return found | {"show_env": show_env, "stats": Option({"type": "bool", "default": False}, stats)}


def execute() -> dict[str, Option]:
    """The options of skerry_exec."""
    found = of_container(Exec)
    name, command = found.pop("name"), found.pop("command")
    return {
        "name": name,
        "command": command,
        **found,
        "stdin": Option({"type": "str", "default": ""}, ["What it reads from standard input."]),
        "timeout": Option({"type": "float"}, ["Seconds after which it is killed and the task fails."]),
        "creates": Option({"type": "path"}, ["Path in the container; it is not run where that is there."]),
        "removes": Option(
            {"type": "path"}, ["Path in the container; it is not run where that is not there."]
        ),
    }


def container_file() -> dict[str, Option]:
    """The options of skerry_container_file."""
    found = of_container(Put)
    name, path = found.pop("name"), found.pop("path")
    return {
        "name": name,
        "path": path,
        "src": Option({"type": "path"}, ["File on the host to put there."]),
        "dest": Option(
            {"type": "path"}, ["File on the host to write what is there to; a folder as a tar archive."]
        ),
        **found,
    }


def container_logs() -> dict[str, Option]:
    """The options of skerry_container_logs."""
    found = of_container(Logs)
    found.pop("follow")
    return found


def image() -> dict[str, Option]:
    """The options of skerry_image: those of each source in a group."""
    imported, built, pulled = of_request(ImageImport), of_request(ImageBuild), of_request(ImagePull)
    imported["name"].description.append("To delete one, C(sha256:) and its digest will do as well.")
    tarball = {name: imported.pop(name) for name in ("path", "sha256")}
    oci = {name: pulled[name] for name in ("source", "username", "password", "tls_verify")}
    debian = {name: built[name] for name in ("suite", "packages", "rebuild")} | {"files": files_of_image()}
    container = {name: one for name, one in of_request(ImagePublish).items() if name not in imported}
    return {
        "name": imported.pop("name"),
        "state": Option({**PRESENT, "default": "present"}, [IMAGE_STATE]),
        "tarball": group("Make it of a root file system tarball.", tarball),
        "oci": group("Make it of an OCI image: of a registry, or one that lies on the host.", oci),
        "debian": group("Make it of Debian packages, on the host, with C(mmdebstrap).", debian),
        "container": group("Publish a container of the host, or a snapshot of one, as an image.", container),
        **imported,
    }


def files_of_image() -> Option:
    """A list of files, each with the path that it gets in the image: on the wire that path is its key."""
    file = {"dest": Option({"type": "str", "required": True}, ["Path in the image."])} | of_request(ImageFile)
    one_of = [("content", "path")]
    found = group("Files to add.", file)
    found.spec.update({"type": "list", "elements": "dict", "default": []})
    found.spec.update({"mutually_exclusive": one_of, "required_one_of": one_of})
    return found


def image_info() -> dict[str, Option]:
    """The options of skerry_image_info."""
    found = of_request(ImageList)
    found["show_env"].description.append(NEEDS_NAME)
    return {"name": Option({"type": "str"}, ["Only the image of this name."])} | found


def volume() -> dict[str, Option]:
    """The options of skerry_volume."""
    found = owned(VolumeEnsure)
    found["state"].spec["default"] = "present"
    del found["state"].spec["required"]
    return found


def volume_archive() -> dict[str, Option]:
    """The options of skerry_volume_archive."""
    found = of_request(VolumeRestore)
    del found["stream"]
    for name in ("realm", "project"):
        found[name].spec["default"] = "default"
    found["size"].description[0] += " A new one has V(1G)."
    for name in ("size", "replace"):
        del found[name].spec["default"]
    return {"name": found.pop("name")} | an_archive(ARCHIVE_STATES) | found


def an_archive(states: Mapping[str, str]) -> dict[str, Option]:
    """The options of every module of archives."""
    state = Option({"type": "str", "choices": list(states), "required": True}, list(states.values()))
    return {
        "state": state,
        "path": Option({"type": "path", "required": True}, ["The archive, a file on the host."]),
    }


def container_archive() -> dict[str, Option]:
    """The options of skerry_container_archive."""
    found = of_container(Export)
    del found["stream"]
    snapshot = found.pop("snapshot")
    snapshot.description[0] = f"With O(state=exported): the {snapshot.description[0][4:]}"
    return {"name": found.pop("name")} | an_archive(CONTAINER_ARCHIVE_STATES) | found | {"snapshot": snapshot}


def snapshot() -> dict[str, Option]:
    """The options of skerry_snapshot: what it is of is one of two."""
    found = owned(SnapshotEnsure)
    name, _state = found.pop("name"), found.pop("state")
    name.description[0] = "Name of the snapshot, unique in what it is of."
    del found["source"]
    state = {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"}
    restored = {
        one: option(SnapshotRestore.model_fields[one]) for one in ("keep", "wait", "timeout", "grace")
    }
    for option_name, one in restored.items():
        if (default := SnapshotRestore.model_fields[option_name].default) is not None:
            one.spec["default"] = default
        one.description[0] = (
            f"With O(state=restored): {one.description[0][0].lower()}{one.description[0][1:]}"
        )
    return {
        "name": name,
        "container": Option({"type": "str"}, ["The container that it is of."]),
        "volume": Option({"type": "str"}, ["The volume that it is of."]),
        "state": Option(state, SNAPSHOT_STATES),
        **found,
        **restored,
    }


def snapshot_info() -> dict[str, Option]:
    """The options of skerry_snapshot_info."""
    found = only_those(SnapshotKey, "snapshots")
    del found["source"]
    of = {
        kind: Option({"type": "str"}, [f"Only snapshots of this {kind}."]) for kind in ("container", "volume")
    }
    return found | of


def secret() -> dict[str, Option]:
    """The options of skerry_secret."""
    found = of_request(SecretSet)
    for name in ("realm", "project"):
        found[name].spec["default"] = "default"
    state = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    texts = {
        "value": "Its value, text. Required for O(state=present), unless O(value_base64) or O(path) is given.",
        "value_base64": "Any bytes, as base64: V(lookup('ansible.builtin.file', 'FILE'\\) | b64encode) for text.",
        "path": "A file on the host that holds its value, any bytes.",
    }
    values = {name: Option({"type": "str", "no_log": True}, [text]) for name, text in texts.items()}
    values["path"] = Option({"type": "path"}, [texts["path"]])
    del found["value"]
    return (
        {
            "name": found.pop("name"),
            "state": Option(
                state, ["Whether it shall be there. Deleting one that a container has is refused."]
            ),
        }
        | found
        | values
    )


def alias() -> dict[str, Option]:
    """The options of skerry_alias: those of a switch, and of the drain after it."""
    found = of_request(AliasSet)
    found["container"].spec.pop("required")
    found["container"].description.append("Required unless O(state=absent).")
    drain = option(AliasDrain.model_fields["within"])
    drain.description[0] = (
        "Seconds that requests and WebSockets have which are still open to a container that the name led to before; "
        "then they are closed. Where it is not given, they go on until they end or their container does."
    )
    state: dict[str, Any] = {**PRESENT, "default": "present"}
    return {
        "alias": found.pop("alias"),
        "state": Option(
            state,
            ["Whether the name shall be there. Without it its URL is dead, and what is open is closed."],
        ),
        **found,
        "drain": drain,
    }


def alias_info() -> dict[str, Option]:
    """The options of skerry_alias_info."""
    names = ("realm", "project", "alias")
    return {
        name: Option(
            {"type": "str"}, [f"Only aliases of this {name}." if name != "alias" else "Only this alias."]
        )
        for name in names
    }


def documentation(found: Mapping[str, Option]) -> str:
    """The options as the YAML of a module's DOCUMENTATION."""
    pages = {name: one.documented() for name, one in found.items()}
    return yaml.safe_dump(pages, sort_keys=False, width=100, allow_unicode=True)


def argument_spec(found: Mapping[str, Option]) -> str:
    """The options as the entries of a Python dictionary, formatted."""
    text = repr({name: one.spec for name, one in found.items()})
    lines = formatted(f"{text[:-1]},}}").splitlines(keepends=True)  # the last comma: one option a line
    return "".join(line[4:] for line in lines[1:-1])


def filled(text: str, found: Mapping[str, Option]) -> str:
    """A module's text with its two regions written anew.

    Raises:
        ValueError: it has not exactly two regions.
    """
    contents = [documentation(found), argument_spec(found)]
    if len(REGION.findall(text)) != len(contents):
        raise ValueError(f"a module has {len(contents)} regions that begin with '# {NOTE}'")

    def region(match: re.Match[str]) -> str:
        lines = [f"# {NOTE}", *contents.pop(0).splitlines(), "# end of what is written"]
        return "".join(f"{match['indent']}{line}\n" for line in lines)

    return REGION.sub(region, text)


MODULES: Mapping[str, Callable[[], dict[str, Option]]] = {
    "skerry_alias": alias,
    "skerry_alias_info": alias_info,
    "skerry_container": container,
    "skerry_container_archive": container_archive,
    "skerry_container_file": container_file,
    "skerry_container_info": container_info,
    "skerry_container_logs": container_logs,
    "skerry_exec": execute,
    "skerry_container_rollback": rollback,
    "skerry_image": image,
    "skerry_image_info": image_info,
    "skerry_secret": secret,
    "skerry_secret_info": functools.partial(only_those, SecretKey, "secrets"),
    "skerry_snapshot": snapshot,
    "skerry_snapshot_info": snapshot_info,
    **tenant_options.MODULES,
    **token_options.MODULES,
    **policy_options.MODULES,
    "skerry_volume": volume,
    "skerry_volume_archive": volume_archive,
    "skerry_volume_info": functools.partial(only_those, VolumeKey, "volumes"),
}


def written(root: Path) -> Iterator[tuple[Path, str]]:
    """Each file that is written, and its text."""
    for name, declare in MODULES.items():
        path = root / "plugins" / "modules" / f"{name}.py"
        yield path, filled(path.read_text(), declare())
    yield api_paths.target(root), formatted(api_paths.text())


def main(root: Path = ROOT) -> int:
    """Write the regions, or with --check say which ones differ; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a module differs")
    checking = parser.parse_args().check
    stale = []
    for path, new in written(root):
        if path.exists() and path.read_text() == new:
            continue
        stale.append(f"{path.relative_to(root)} differs from the model: run `make options`")
        if not checking:
            path.write_text(new)
    return report(stale) if checking else 0


if __name__ == "__main__":
    sys.exit(main())
