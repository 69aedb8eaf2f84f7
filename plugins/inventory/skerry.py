# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The inventory plugin skerry.host.skerry: the containers of Skerry hosts as hosts of their own."""

from __future__ import annotations

DOCUMENTATION = r"""
name: skerry
short_description: Containers of Skerry hosts as hosts
description:
  - Asks Skerry hosts which containers they have, by ssh or locally, and makes a host of each, in a group of its realm,
    of its project, of its state, and of each label.
  - The groups are C(skerry_containers), C(realm_REALM), C(project_REALM_PROJECT), C(state_STATE) and C(label_KEY_VALUE),
    with C(_) in place of what no group's name may have.
  - Each is reached by the connection plugin P(skerry.host.skerry#connection), and C(become) needs no program of its image.
  - Its variables are C(skerry_container), C(skerry_realm), C(skerry_project), C(skerry_host), C(skerry_id),
    C(skerry_state), C(skerry_health), C(skerry_image), C(skerry_labels), C(skerry_url), C(skerry_urls), C(skerry_ipv4) and
    C(skerry_ipv6).
  - The file's name ends with C(skerry.yml) or C(skerry.yaml). It must come after the one that has the Skerry hosts.
author: The Skerry authors (@skerry)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [skerry.host.skerry]
  hosts:
    description:
      - The Skerry hosts to ask. Names of hosts or groups that the inventory has by now, or else addresses for ssh.
      - C(localhost) is this computer.
    type: list
    elements: str
    default: [skerry_hosts]
  api_url:
    description:
      - The API of a host, such as V(https://api.apps.example.org). It is asked in place of that host, and needs no ssh.
      - O(hosts) is the name of that one host then, which C(skerry_host) of its containers says. Where it is not given, that
        is the name in the URL without C(api.) at its beginning.
    type: str
    env:
      - name: SKERRY_API_URL
  api_token:
    description: The token to show to the API. The containers that it may not see are not there.
    type: str
    env:
      - name: SKERRY_API_TOKEN
  api_ca:
    description: A file with the certificates that the API's own is verified by. Without it those that the system trusts.
    type: str
    env:
      - name: SKERRY_API_CA
  hostname:
    description:
      - Jinja expression of a container's name in the inventory, made of its variables. Two of the same name are refused.
      - By default container, project, realm and host with dots between them, which is never there twice.
    type: str
    default: skerry_container ~ '.' ~ skerry_project ~ '.' ~ skerry_realm ~ '.' ~ skerry_host
  filters:
    description: Jinja conditions about a container's variables. One that does not meet all of them is left out.
    type: list
    elements: str
    default: []
  skip_unreachable:
    description: Warn of a host that can't be asked, and go on without its containers, instead of failing.
    type: bool
    default: false
seealso:
  - plugin: skerry.host.skerry
    plugin_type: connection
"""

EXAMPLES = r"""
# containers.skerry.yml: what runs, by its short name, and groups of images. The first two lines would do.
plugin: skerry.host.skerry
hosts: [skerry_hosts]
hostname: skerry_container
filters:
  - skerry_state == 'running'
  - skerry_realm == 'default'
keyed_groups:
  - key: skerry_image
    prefix: image
# By the API of a host, of what a token may see:
# api_url: https://api.apps.example.org
# api_token: "{{ lookup('ansible.builtin.file', '~/.skerry/reader.token') }}"
compose:
  ansible_user: "'postgres' if skerry_labels.app | default('') == 'database' else 'root'"
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.playbook.play_context import PlayContext
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.plugins.loader import become_loader, connection_loader
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

from ..plugin_utils import as_hosts

Found = dict[str, Any]
_AT_ONCE = 16
_ASK = "/bin/sh -c '[ -O / ] && exec skerry list --json; exec sudo -n -- skerry list --json'"


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Asks the hosts, then makes hosts and groups of what they said."""

    NAME = "skerry.host.skerry"

    def verify_file(self, path: str) -> bool:
        """Whether a file is one of this plugin's."""
        return bool(super().verify_file(path)) and path.endswith(("skerry.yml", "skerry.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the containers to the inventory.

        Raises:
            AnsibleParserError: a host can't be asked, or two containers would have one name.
        """
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        named: dict[str, Found] = {}
        for host, containers in self._said(path, use=cache).items():
            for container in containers:
                self._add(as_hosts.variables(container, host), named)
        for plugins in (connection_loader, become_loader):
            plugins.get(as_hosts.PLUGIN, class_only=True)  # once; else each task of a play does it anew

    def _said(self, path: str, *, use: bool) -> dict[str, list[Found]]:
        """The containers of each host, from the cache where it is used and knows them."""
        key, caching = self.get_cache_key(path), self.get_option("cache")
        if caching and use:
            with contextlib.suppress(KeyError):  # it is not there, or too old
                return dict(self._cache[key])
        found = self._asked()
        if caching:
            self._cache[key] = found
        return found

    def _asked(self) -> dict[str, list[Found]]:
        """The containers of each host, by the API or by its command."""
        if url := self._text("api_url"):
            try:
                return {self._named(url): as_hosts.by_api(url, self._text("api_token"), self._text("api_ca"))}
            except ValueError as error:
                raise AnsibleParserError(f"Skerry host {url}: {error}") from error
        connections = {name: self._connection(name) for name in self._hosts()}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = dict(zip(connections, pool.map(_answer, connections.values()), strict=True))
        found = {}
        for name, answer in answers.items():
            try:
                found[name] = as_hosts.containers(answer)
            except ValueError as error:
                if not self.get_option("skip_unreachable"):
                    raise AnsibleParserError(f"Skerry host {name}: {error}") from error
                self.display.warning(f"Skerry host {name} is left out: {error}")
        return found

    def _text(self, option: str) -> str:
        """An option, which may be an expression."""
        return str(self.templar.template(self.get_option(option) or ""))

    def _named(self, url: str) -> str:
        """The host whose API a URL is of."""
        if self.get_option("hosts") == ["skerry_hosts"]:
            return as_hosts.host_of(url)
        if len(found := list(self._hosts())) != 1:
            raise AnsibleParserError(f"hosts: {len(found)} hosts have one API. Name the one whose it is")
        return found[0]

    def _hosts(self) -> Iterator[str]:
        """The hosts to ask, each once."""
        seen = set()
        for entry in self.get_option("hosts"):
            group = self.inventory.groups.get(entry)
            for name in [host.name for host in group.get_hosts()] if group else [entry]:
                if name not in seen:
                    seen.add(name)
                    yield str(name)

    def _connection(self, name: str) -> Any:
        """The connection that Ansible itself would have to that host."""
        known = self._variables(name)
        self.templar.available_variables = known
        kind = self.templar.template(known.get("ansible_connection", "ssh"))
        connection = connection_loader.get(kind, PlayContext())
        if connection is None:
            raise AnsibleParserError(f"Skerry host {name}: there is no connection plugin {kind}")
        options = connection._resolve_option_variables(known, self.templar)  # noqa: SLF001 - ansible-core calls it so
        connection.set_options(var_options=options)
        return connection

    def _variables(self, name: str) -> Found:
        """What the inventory has about a host by now, files of host_vars and group_vars included."""
        host = self.inventory.get_host(name)
        if host is None:
            local = {"ansible_connection": "local"} if name == "localhost" else {}
            return {"inventory_hostname": name, **local}
        found, groups = get_group_vars(host.get_groups()), host.get_groups()
        for of, entities in ((groups, groups), ([host], [host])):
            files = get_vars_from_inventory_sources(
                self.loader, self.inventory.processed_sources, entities, "all"
            )
            found = combine_vars(found, combine_vars(files, {} if of is groups else host.get_vars()))
        return {**found, "inventory_hostname": name}

    def _add(self, variables: Found, named: dict[str, Found]) -> None:
        """Make a host of a container, unless a filter leaves it out."""
        for condition in self.get_option("filters"):
            self.templar.available_variables = variables
            if not self.templar.evaluate_conditional(condition):
                return
        name = str(self._compose(self.get_option("hostname"), variables))
        if problem := as_hosts.problem_of_name(name, variables, named, name in self.inventory.hosts):
            raise AnsibleParserError(problem)
        named[name] = variables
        self.inventory.add_host(name)
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        for group in as_hosts.groups(variables):
            self.inventory.add_host(name, self.inventory.add_group(group))
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def _answer(connection: Any) -> as_hosts.Answer:
    """What a host says; a connection that fails as a program would."""
    try:
        code, out, err = connection.exec_command(_ASK, sudoable=False)
    except AnsibleError as error:
        return 255, b"", str(error).encode()
    return code, out, err
