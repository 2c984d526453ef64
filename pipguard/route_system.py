"""Decides whether the operating system's packages can serve a command: all of it or nothing.

In: the request, what the package manager offers. Out: a `Route`. Pure.
"""

from __future__ import annotations

from pipguard.doors import replace
from pipguard.route import Declined, Offer, Request, Route, SystemPackage, ToSystem

_ELSEWHERE = "PIPGUARD_ROUTE=auto takes it from the index"


def choose_system_route(request: Request, offer: Offer) -> Route:
    """Return the way to the package manager, or why it cannot be it.

    pip's own refusal is not shown then: who chose this route knows it.
    """
    route = _choose(request, offer)
    return replace(route, shows_refusal=False) if isinstance(route, Declined) else route


def _choose(request: Request, offer: Offer) -> Route:
    unfit = offer.problem or _find_unfit(request)
    if unfit:
        return Declined(unfit, offer.hint or _ELSEWHERE)
    choose = _decline_install if request.command.subcommand == "install" else _decline_removal
    declined = choose(request, offer)
    if declined:
        return declined
    if request.command.is_dry_run:
        reason = f"would run: {offer.command}"
        return Declined(reason, exit_status=0)
    if not offer.is_allowed:
        return Declined(f"{offer.manager} needs root", f"run: `{offer.command}`")
    reason = "PIPGUARD_ROUTE=system"
    return ToSystem(offer.manager, offer.program, offer.packages, reason, offer.sudo)


def satisfies(package: SystemPackage, version: str) -> bool:
    """Tell whether a version is one that the target asks for."""
    if not package.target.specifier:
        return True
    from packaging.specifiers import SpecifierSet

    is_known = bool(version)
    return is_known and SpecifierSet(package.target.specifier).contains(version, prereleases=True)


def _find_unfit(request: Request) -> str:
    """Return why the command is nothing for a package manager, empty when it may be."""
    command = request.command
    if command.runs_under:
        return f"you named the interpreter yourself: --python {command.runs_under}"
    sources = (*command.requirement_files, *command.editables, *command.groups, *command.scripts)
    if sources or not request.targets:
        return "the system's packages are asked for by their names alone"
    for target in request.plain_targets:
        if target.kind != "name":
            return f"`{target.text}` is not the name of a project"
        if target.extras or target.marker:
            return f"the system's packages know no extras and no markers: `{target.text}`"
    return ""


def _decline_install(request: Request, offer: Offer) -> Declined | None:
    missing = [p.target.text for p in offer.packages if not p.package and not p.others]
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        return Declined(f"{offer.manager} has no package of {named}", offer.hint or _ELSEWHERE)
    for found in offer.packages:
        if found.others:
            named = ", ".join(found.others)
            return Declined(f"several packages hold `{found.target.name}`: {named}", _ELSEWHERE)
        if not satisfies(found, found.public_version):
            has = f"{offer.manager} has {found.package} {found.version}"
            return Declined(f"{has}, and `{found.target.text}` was asked for", _ELSEWHERE)
    are_there = all(found.installed == found.version for found in offer.packages)
    if are_there and not request.command.has("--force-reinstall"):
        named = ", ".join(f"{found.package} {found.version}" for found in offer.packages)
        return Declined(f"installed already: {named}", exit_status=0)
    return None


def _decline_removal(request: Request, offer: Offer) -> Declined | None:
    del request
    missing = [p.target.text for p in offer.packages if not p.installed]
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        return Declined(f"{named} is not among the packages that {offer.manager} installed")
    if offer.taken_along:
        named = ", ".join(offer.taken_along[:6])
        more = f" and {len(offer.taken_along) - 6} more" if len(offer.taken_along) > 6 else ""
        return Declined(
            f"it would take away {named}{more}, too", f"all the same: `{offer.command}`"
        )
    return None
