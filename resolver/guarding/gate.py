"""The policy of the settings, held against what a library is about to load, also out of its own cache.

It sees the calls that the guard watches and no others: whoever opens files by himself, or closes the guard, is not
held by it.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from resolver.environment import Environment
from resolver.errors import ModelLoadError
from resolver.finding import Finding
from resolver.guarding.diagnosis import ATTRIBUTE, Diagnosis
from resolver.guarding.targets import Target
from resolver.host import Host, this_host
from resolver.policy import Policy, policy_of
from resolver.settings import load_settings

# Arguments that make a loader open other files than those that it would open by itself.
OTHER_FILES: Final = ("variant", "subfolder", "gguf_file")
NOT_MODELS: Final = frozenset({"dataset", "space"})
UNPICKLER: Final = "torch.serialization"
# Where the libraries keep what their cache's place was when they were imported.
CACHES: Final = (("huggingface_hub.constants", "HF_HUB_CACHE"), ("transformers.utils.hub", "TRANSFORMERS_CACHE"))


class Gate:
    """One guard's policy; read when the guard opens, so that one that cannot be read is no guard at all."""

    def __init__(self, policy: Policy, host: Host) -> None:
        self._policy, self._host = policy, host
        self._vetted: dict[tuple[str, bool], tuple[Finding, ...]] = {}

    @classmethod
    def of_settings(cls) -> "Gate":
        """The gate of this process's settings.

        Raises:
            ConfigurationError: they cannot be used.
        """
        environment = Environment.this()
        return cls(policy_of(load_settings(environment)), this_host(environment))

    def forget(self) -> None:
        """What was vetted may have changed: a call begins."""
        self._vetted.clear()

    def hold(
        self, call: str, target: Target, asked: str, local: str | None, named: Mapping[str, Any], *, offline: bool
    ) -> None:
        """Raise where the policy forbids what the call would load.

        Raises:
            ModelLoadError: it is forbidden, or cannot be judged; the message names the policy and its file.
        """
        if not self._policy.restricts or named.get("repo_type") in NOT_MODELS:
            return
        try:
            reason = self._reason(target, asked, local, named, offline=offline)
        except Exception as trouble:  # noqa: BLE001 - what could not be judged is not loaded
            reason = f"the policy of {self._policy.where} could not be judged: {type(trouble).__name__}: {trouble}"
        if reason is not None:
            raise _refusal(call, asked, reason, self._policy)

    def _reason(
        self, target: Target, asked: str, local: str | None, named: Mapping[str, Any], *, offline: bool
    ) -> "str | tuple[Finding, ...] | None":
        if target.module == UNPICKLER and self._policy.no_pickle:
            return f"{target.name} unpickles, and pickle of [policy] in {self._policy.where} is never"
        places = list(_places(target, local or asked, named))
        if not places and not offline and not os.path.lexists(asked):
            return f"it is not on this machine, and [policy] in {self._policy.where} has to see what it allows"
        strict = named.get("use_safetensors") is False or any(named.get(each) for each in OTHER_FILES)
        return next((found for place in places if (found := self._forbidden(place, strict=strict))), None)

    def _forbidden(self, place: Path, *, strict: bool) -> tuple[Finding, ...]:
        """Why a directory is forbidden; `strict` where a loader may be made to open whatever lies in it."""
        key = (os.path.realpath(place), strict)
        if key not in self._vetted:
            from resolver.inspection.describe import describe_bytes  # noqa: PLC0415 - few settings have a policy
            from resolver.vetting import Vetting  # noqa: PLC0415 - as above

            self._vetted[key] = Vetting(self._host, self._policy).forbidden(describe_bytes(place), strict=strict)
        return self._vetted[key]


def _places(target: Target, asked: str, named: Mapping[str, Any]) -> Iterator[Path]:
    """The directories that the library may open for what was asked."""
    path = Path(asked)
    if path.is_dir():
        yield path
    elif path.exists():
        yield path.parent
    elif target.reads != "file":
        yield from _cached(asked, named)


def _cached(asked: str, named: Mapping[str, Any]) -> Iterator[Path]:
    """Where the libraries' own caches have it, at the revision that the call names."""
    from resolver.errors import MalformedReference  # noqa: PLC0415 - as above
    from resolver.reference import HubId, parse_reference  # noqa: PLC0415
    from resolver.sources.hf_cache import HfCache  # noqa: PLC0415
    from resolver.sources.source import Candidate  # noqa: PLC0415

    try:
        reference = parse_reference(asked)
    except MalformedReference:
        return
    if not isinstance(reference, HubId):
        return
    revision = named.get("revision")
    wanted = HubId(reference.repo_id, revision if isinstance(revision, str) else reference.revision)
    for cache in _caches(named):
        for located in HfCache().below(cache, wanted):
            if isinstance(located, Candidate):
                yield located.path


def _caches(named: Mapping[str, Any]) -> Iterator[Path]:
    given = [value for each in ("cache_dir", "cache_folder") if isinstance(value := named.get(each), str | os.PathLike)]
    read = [vars(sys.modules[module]).get(name) for module, name in CACHES if module in sys.modules]
    environment = Environment.this()
    own = environment.sentence_transformers_cache
    texts = [os.fspath(each) for each in (*given, *read) if isinstance(each, str | os.PathLike)]
    yield from dict.fromkeys((*map(Path, texts), *environment.hub_caches, *((own,) if own else ())))


def _refusal(call: str, asked: str, reason: "str | tuple[Finding, ...]", policy: Policy) -> ModelLoadError:
    head = f"{call}({asked!r}) is refused by the policy of {policy.where}"
    if isinstance(reason, str):
        told = Diagnosis(call, asked, f"{head}: {reason}", says=reason)
    else:
        from resolver.report.terminal import render_findings  # noqa: PLC0415 - only where there is bad news

        text = f"{head}: {reason[0].message}\n{render_findings(reason)}".rstrip()
        told = Diagnosis(call, asked, text, findings=reason)
    error = ModelLoadError(asked, told.text)
    setattr(error, ATTRIBUTE, told)
    return error
