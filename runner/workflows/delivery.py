"""A send node → its messages: which identities of the recipient get one, and what becomes of it over time.

Source: the platform's documentation, "Delivery" nodes, "Preferences" and "Logs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from runner.suprsend.messages import CHANNELS, FAILURE_REASONS, STATUS_EVERY_MS, statuses_up_to
from runner.workflows.assets import ROOT_CATEGORIES
from runner.workflows.people import find_user
from runner.workflows.timeline import Message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.suprsend.messages import Channel, Status
    from runner.workflows.assets import Assets, Category, Template
    from runner.workflows.definition import Common
    from runner.workflows.run import Run
    from runner.workflows.world import User

_GOALS: Final[Mapping[str, tuple[Status, ...]]] = {
    "delivered": ("delivered", "seen", "read", "clicked", "dismissed"),
    "seen": ("seen", "read", "clicked"),
    "clicked": ("clicked",),
    "delivery_failed": ("delivery_failure", "trigger_failed"),
}
"""The statuses that count as one of those that conditions and smart routing name (documentation: "Branch")."""


class Destination(NamedTuple):
    """An address that gets a message."""

    channel: Channel
    identity: str


class Gap(NamedTuple):
    """A channel that gets no message, and why."""

    channel: Channel
    reason: str


def destinations(run: Run, template: str, channels: Sequence[Channel]) -> tuple[list[Destination], list[Gap]]:
    """Return the addresses of the recipient in some channels, and the channels without one, each in the order of channels."""
    simulation = run.simulation
    user = find_user(simulation.world, run.recipient)
    found, gaps = [], []
    for channel in channels:
        reason = _gap(simulation.assets, user, template, run.workflow.category, channel)
        if reason is not None or user is None:
            gaps.append(Gap(channel, reason or f"the user '{run.recipient}' does not exist"))
            continue
        found += [Destination(channel, identity) for identity in user.channels[channel]]
    return found, gaps


def live_channels(assets: Assets, template: str) -> tuple[Channel, ...]:
    """Return the channels of a template; all of them if the assets have no templates."""
    if assets.templates is None:
        return CHANNELS
    found = assets.templates.get(template)
    return found.channels if found is not None else ()


def unknowns(assets: Assets, category: str) -> str | None:
    """Return why it is inexact which channels get a message; None if it is known."""
    if assets.categories is not None and category not in assets.categories and category in ROOT_CATEGORIES:
        return f"the pulled categories do not have '{category}': every user is taken as opted in"
    return None


def send(run: Run, common: Common, template: str, destination: Destination) -> Message:
    """Make a message at the present time, and return it."""
    channel, now_ms = destination.channel, run.now_ms
    outcome, reason = _outcome(run, common, template, channel)
    times = {status: now_ms + index * STATUS_EVERY_MS for index, status in enumerate(statuses_up_to(outcome, channel))}
    message = Message(
        run.index,
        run.event_index,
        now_ms,
        run.workflow.slug,
        run.workflow.name,
        common.id,
        channel,
        destination.identity,
        run.workflow.category,
        template,
        run.recipient,
        run.tenant_id,
        run.event.idempotency_key,
        times,
        reason,
    )
    run.simulation.add(message)
    run.messages.setdefault(common.id, []).append(message)
    return message


def reached(run: Run, node: str) -> frozenset[str]:
    """Return what holds of the messages of a send node now, of `delivered`, `seen`, `clicked` and `delivery_failed`.

    One good message suffices; `delivery_failed` needs all to fail.
    """
    messages = run.messages.get(node, ())
    goals = {
        goal for goal in ("delivered", "seen", "clicked") if any(has(message, goal, run.now_ms) for message in messages)
    }
    if (
        messages
        and not run.pending.get(node)
        and all(has(message, "delivery_failed", run.now_ms) for message in messages)
    ):
        goals.add("delivery_failed")
    return frozenset(goals)


def has(message: Message, goal: str, now_ms: int) -> bool:
    """Return whether a message has reached a goal by a time."""
    time = time_of(message, goal)
    return time is not None and time <= now_ms


def time_of(message: Message, goal: str) -> int | None:
    """Return the time at which a message reaches a goal; None if it never does."""
    return min((message.times[status] for status in _GOALS[goal] if status in message.times), default=None)


def _gap(assets: Assets, user: User | None, template: str, category: str, channel: Channel) -> str | None:
    """Return why a channel gets no message; None if it gets one."""
    if assets.templates is not None:
        found = assets.templates.get(template)
        if found is None:
            return f"the template '{template}' does not exist"
        if channel not in found.channels:
            return f"not live in the template '{template}'"
    if user is None or not user.channels.get(channel):
        return "the recipient has no active identity in it"
    return _preference_gap(assets, user, category, channel)


def _preference_gap(assets: Assets, user: User, slug: str, channel: Channel) -> str | None:
    category: Category | None = None
    if assets.categories is not None:
        category = assets.categories.get(slug)
        if category is None and slug not in ROOT_CATEGORIES:
            return f"the category '{slug}' does not exist"
    is_out_of_channel = f"{slug}/{channel}" in user.opted_out
    if category is not None and category.default_preference == "cant_unsubscribe":
        is_mandatory = not category.mandatory_channels or channel in category.mandatory_channels
        return f"the recipient opted out of '{slug}/{channel}'" if is_out_of_channel and not is_mandatory else None
    if slug in user.opted_out:
        return f"the recipient opted out of '{slug}'"
    if is_out_of_channel:
        return f"the recipient opted out of '{slug}/{channel}'"
    if category is None:
        return None
    if category.default_preference == "opt_out":
        return f"the category '{slug}' is off by default"
    if category.opt_in_channels is not None and channel not in category.opt_in_channels:
        return f"the category '{slug}' is off by default in this channel"
    return None


def _outcome(run: Run, common: Common, template: str, channel: Channel) -> tuple[Status, str | None]:
    """Return the last status of a message, and its failure reason."""
    missing = _missing_variable(run, template, channel)
    if missing is not None:
        return "trigger_failed", f"the template '{template}' needs '{missing}', which is missing"
    statuses = run.simulation.world.statuses
    outcome: Status = "delivered"
    for key in (f"{common.id}/{channel}", common.id, channel):
        if key in statuses:
            outcome = statuses[key]
            break
    return outcome, FAILURE_REASONS.get(outcome)


def _missing_variable(run: Run, slug: str, channel: Channel) -> str | None:
    """Return a variable that rendering needs and the payload lacks; None if there is none, or if that is not known."""
    template: Template | None = (run.simulation.assets.templates or {}).get(slug)
    if template is None or run.is_batched:
        return None
    for variable in template.variables:
        if variable.is_required and variable.channel == channel and _lacks([run.payload], variable.name.split(".")):
            return variable.name
    return None


def _lacks(values: Collection[object], steps: Sequence[str]) -> bool:
    """Return whether one of some values has nothing on a path, such as `order`, `items[]`, `name`."""
    for step in steps:
        values = list(_below(values, step))
        if None in values:
            return True
    return False


def _below(values: Collection[object], step: str) -> Iterator[object]:
    name, is_each = step.removesuffix("[]"), step.endswith("[]")
    for value in values:
        below = value.get(name) if isinstance(value, dict) else None
        if not is_each or below is None:
            yield below
        elif isinstance(below, list):
            yield from below
        elif isinstance(below, dict):
            yield from below.values()
