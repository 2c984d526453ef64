"""Finds the applications that a target plugs into: it is of use only in their environments.

In: a target's name, its metadata where it is known, the applications that could be meant. Out:
their names. What a plugin is tells the knowledge, or the metadata: it requires the application and
registers in one of its entry-point groups, brings a module for its plugins, or is called a plugin.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pipguard.knowledge import (
    find_companies,
    find_hosts,
    find_modules,
    normalise_name,
    read_requirement_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.classification.metadata import ProjectMetadata

_CALLED_SO = ("plugin", "plugins", "extension", "addon", "contrib")


def may_plug_in(name: str, hosts: Collection[str]) -> bool:
    """Tell by the name alone whether it is worth reading the metadata; names are normalised."""
    known = find_hosts(name) if hosts else ()
    return any(host in known or _is_named_after(name, host) for host in hosts)


def find_forced_hosts(name: str, hosts: Collection[str]) -> tuple[str, ...]:
    """Return the hosts that something is added to where the user wants pipx for it."""
    known = (*find_hosts(name), *find_companies(name))
    return tuple(host for host in hosts if host in known and host != name)


def find_plugged(
    name: str,
    metadata: ProjectMetadata | None,
    hosts: Mapping[str, Collection[str]],
    *,
    is_application: bool = False,
) -> tuple[str, ...]:
    """Return the hosts that a distribution plugs into; `hosts` are names with their modules.

    What is an application itself must register in a group of the host's.
    """
    known = tuple(host for host in find_hosts(name) if host in hosts and host != name)
    if known or metadata is None or metadata.problem:
        return known
    required = set(_list_required(metadata)) - {name}
    return tuple(
        host
        for host, modules in hosts.items()
        if host in required
        and (
            _registers_with(metadata, host, modules)
            or (not is_application and _is_called_plugin(name, metadata, host))
        )
    )


def _list_required(metadata: ProjectMetadata) -> Iterator[str]:
    """Yield what it cannot do without: what an extra brings may be for tests."""
    for requirement in metadata.dependencies:
        if "extra" not in requirement.partition(";")[2]:
            yield read_requirement_name(requirement)


def _registers_with(metadata: ProjectMetadata, host: str, modules: Collection[str]) -> bool:
    """Tell whether one of its groups begins with the host's name: `poetry.application.plugin`."""
    own = {host, *map(normalise_name, modules), *map(normalise_name, find_modules(host))}
    for group in metadata.entry_point_groups:
        first = normalise_name(group.partition(".")[0].partition(":")[0])
        if any(first == name or first.startswith(f"{name}-") for name in own):
            return True
    return False


def _is_called_plugin(name: str, metadata: ProjectMetadata, host: str) -> bool:
    """Tell by its name (`snakemake-executor-plugin-slurm`) or a module (`yt_dlp_plugins`)."""
    if _is_named_after(name, host) and not set(name.split("-")).isdisjoint(_CALLED_SO):
        return True
    start = host.replace("-", "_")
    return any(m.startswith(start) and "plug" in m.removeprefix(start) for m in metadata.modules)


def _is_named_after(name: str, host: str) -> bool:
    return name != host and f"-{host}-" in f"-{name}-"
