"""N: does the code need what the rerun does not have - a network, another accelerator - or say what it should not?"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from resolver.finding import Finding, Place
from resolver.host import Accelerator
from resolver.notebook.facts import Asked
from resolver.rules.notebook import (
    OFFLINE_COMPETITIONS,
    NotebookEvidence,
    about,
    gravest,
    gravity,
    needs_no_network,
)
from resolver.rules.rule import Moot, Rule, rule

SUBMISSION: Final = ("submission.csv", "submission.parquet")
ASKS_FOR_A_SUBMISSION: Final = ("test.csv", "test.parquet", "sample_submission")
FLASH_CAPABILITY: Final = (8, 0)
# The builds of torch in Kaggle's images of 2026 begin at compute capability 7.0 (facts of its images).
TORCH_CAPABILITY: Final = (7, 0)


@rule(
    "N003",
    "network-call",
    severity="error",
    applies=needs_no_network,
    consequence="it fails, or hangs until the session's time is over",
)
def network_call(evidence: NotebookEvidence) -> Iterator[Finding]:
    """Code needs the network while internet is off.

    `pip install` from an index, downloads, logins and requests work in the editor and die in the rerun; so does a model
    that a library fetches by a tag, an address or as the default of a task, and a trainer that reports to a service. A
    call that is tried, and whose failure the code survives, is a warning; one in a function that nothing calls is told
    as such; one behind a condition that is false on Kaggle is none.

    Attach what it fetches as a dataset, and install wheels with `--no-index --find-links`.
    """
    calls = [each for each in evidence.code.network if each.reach != "guarded"]
    for what, group in groupby(sorted(calls, key=lambda each: each.what), key=lambda each: each.what):
        found = list(group)
        form = next((each.offline_form for each in found if each.offline_form), "")
        is_command = form.startswith(("pip ", "os."))
        yield from about(
            network_call,
            evidence,
            (each.at for each in found),
            f"{what} needs the network, and internet is off",
            severity=gravest(gravity(each.reach, each.conditions) for each in found),
            fix="write this instead, with the wheels attached:" if is_command else form or "take it out",
            command=form if is_command else None,
        )


@rule(
    "N007",
    "internet-enabled",
    severity="error",
    applies=lambda evidence: None if evidence.metadata is not None else Moot("there is no kernel-metadata.json"),
    consequence="the submission is refused",
)
def internet_enabled(evidence: NotebookEvidence) -> Iterator[Finding]:
    """Internet is switched on where the competition forbids it.

    A code competition takes a submission only from a notebook with internet off. Where the competition is not known
    here, this is a warning: most forbid it.

    Set `"enable_internet": false` in kernel-metadata.json.
    """
    metadata = evidence.metadata
    if metadata is None or metadata.internet is not True:
        return
    slugs = [source.slug for source in metadata.sources if source.slug]
    known = [slug for slug in slugs if slug in OFFLINE_COMPETITIONS]
    if slugs:
        lines = dict(metadata.lines)
        yield internet_enabled.finding(
            f"internet is on, and {(known or slugs)[0]} {'forbids' if known else 'may forbid'} it",
            path=metadata.path,
            place=Place(line=lines.get("/enable_internet"), pointer="/enable_internet"),
            severity="error" if known else "warning",
            fix='set "enable_internet": false in kernel-metadata.json',
        )


def _submits(evidence: NotebookEvidence) -> str | None:
    competitions = () if evidence.metadata is None else [each for each in evidence.metadata.sources if each.slug]
    reads = [each.use.text for each in evidence.standings if each.use.role == "data"]
    if not competitions and evidence.metadata is not None:
        return Moot("it is attached to no competition")
    if not any(name in text for text in reads for name in ASKS_FOR_A_SUBMISSION):
        return Moot("it reads no test set")
    if any(each.use.role == "code" for each in evidence.standings):
        return Moot("code of an attached source runs, and may write it")
    return None


@rule(
    "N008",
    "submission-not-written",
    severity="warning",
    applies=_submits,
    consequence="the server answers Submission CSV Not Found",
)
def submission_not_written(evidence: NotebookEvidence) -> Iterator[Finding]:
    """No statement writes the submission.

    The server looks for `submission.csv` (or `submission.parquet`) in the working directory when the run is over.

    Write it there: `frame.to_csv("submission.csv", index=False)`.
    """
    written = evidence.code.written
    names = {each.rpartition("/")[2] for each in written if each is not None}
    if None in written or names & set(SUBMISSION):
        return
    near = sorted(name for name in names if "submission" in name.lower() or name.endswith(".csv"))
    yield submission_not_written.finding(
        "the test set is read and no statement writes submission.csv",
        path=evidence.code.path,
        evidence={"written": list(near)} if near else {},
        fix='write it in the working directory: to_csv("submission.csv", index=False)',
    )


@rule(
    "N009",
    "secret-in-code",
    severity="error",
    consequence="everybody who sees the notebook has the credential; a public one is read by machines within minutes",
)
def secret_in_code(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A token or key stands in the code as a literal.

    A notebook is shared, forked and versioned: a literal stays in its history after it was taken out.

    Revoke it where it was made, take it out, and keep the new one in Kaggle's secrets or in the environment; offline
    code needs none at all.
    """
    for each in evidence.code.secrets:
        yield from about(
            secret_in_code,
            evidence,
            (each.at,),
            f"a {each.kind} stands in the code: {each.masked}",
            severity="error",
            fix="revoke it, take it out of the code, and keep the new one in Kaggle's secrets (Add-ons, Secrets)",
        )


def _has_accelerator(evidence: NotebookEvidence) -> str | None:
    return None if evidence.devices is not None else Moot("the metadata names no accelerator that is known here")


@rule(
    "N013",
    "accelerator-unfit",
    severity="error",
    applies=_has_accelerator,
    consequence="the first operation on the device fails",
)
def accelerator_unfit(evidence: NotebookEvidence) -> Iterator[Finding]:
    """The accelerator that the metadata names cannot run what the code asks for.

    Code that moves a model to "cuda" needs `enable_gpu`; flash attention needs compute capability 8.0, which a T4 (7.5)
    and a P100 (6.0) have not; a P100, which a plain `enable_gpu` gives, has no kernels in torch of today's images; two
    devices need a machine with two. Code that looks first whether there is one (`torch.cuda.is_available()`) asks for
    none. bfloat16 runs on a T4 by emulation, slowly.

    Name another accelerator in kernel-metadata.json (machine_shape), or change the code.
    """
    seen: set[str] = set()
    for asked in evidence.code.asked:
        unfit = _unfit(evidence, asked)
        if unfit is None or asked.what in seen or asked.reach == "guarded":
            continue
        seen.add(asked.what)
        message, fix = unfit
        # To try it is to ask whether it is there.
        severity = "info" if asked.reach == "caught" else gravity(asked.reach)
        is_slow = asked.what == "bfloat16"
        yield from about(
            accelerator_unfit,
            evidence,
            (asked.at,),
            message,
            severity="warning" if is_slow and severity == "error" else severity,
            fix=fix,
            accelerator=evidence.accelerator,
        )


def _unfit(evidence: NotebookEvidence, asked: Asked) -> tuple[str, str] | None:
    """What is wrong with the accelerator for one request, and what to do; None where it fits."""
    devices, name = evidence.devices or (), evidence.accelerator
    if asked.looks_first and len(devices) < (2 if asked.what == "two devices" else 1):
        return None
    is_tpu = name.startswith("kaggle-tpu")
    if asked.what == "tpu":
        shape = 'set "machine_shape": "TpuV5E8" in kernel-metadata.json'
        return None if is_tpu else (f"the code asks for a TPU, and the metadata for {name}", shape)
    if devices and not is_tpu:
        return _unfit_gpu(devices, name, asked.what)
    if asked.what == "bfloat16" or (asked.what == "flash-attention" and not is_tpu):
        return None
    told = {"cuda": "a GPU", "two devices": "two GPUs", "flash-attention": "flash attention"}.get(asked.what)
    wanted = 'set "enable_gpu": true and "machine_shape": "NvidiaTeslaT4" in kernel-metadata.json'
    return f"the code asks for {told}, and the metadata for {name}", wanted


def _unfit_gpu(devices: tuple[Accelerator, ...], name: str, what: str) -> tuple[str, str] | None:
    device, capability = devices[0].name, devices[0].capability or FLASH_CAPABILITY
    if capability < TORCH_CAPABILITY and what in ("cuda", "two devices"):
        told = f"torch of Kaggle's images has no kernels for the {device} that the metadata gives"
        return told, 'set "machine_shape": "NvidiaTeslaT4" in kernel-metadata.json'
    if what == "two devices" and len(devices) == 1:
        return f"the code asks for two devices, and {name} has one", 'set "machine_shape": "NvidiaTeslaT4" (two T4)'
    if what == "flash-attention" and capability < FLASH_CAPABILITY:
        has = ".".join(map(str, capability))
        told = f"flash attention needs compute capability 8.0, and {device} has {has}"
        return told, 'pass attn_implementation="sdpa"'
    if what == "bfloat16" and capability < FLASH_CAPABILITY:
        return f"{device} has no units for bfloat16: torch emulates it, slowly", "pass torch.float16"
    return None


@rule(
    "N015",
    "notebook-unreadable",
    severity="error",
    consequence="what stands there was not judged, and unknown is never a pass",
)
def notebook_unreadable(evidence: NotebookEvidence) -> Iterator[Finding]:
    """The notebook, a cell of it, or its metadata cannot be read.

    A file that is no notebook, and a script that is no Python, is an error; a cell that Python of this version does not
    take, and a field of kernel-metadata.json that cannot be used, are warnings: all else is read all the same.

    Open it in an editor and save it again; write cells in the Python of Kaggle's image.
    """
    code = evidence.code
    for fault in code.faults:
        whole = not code.cells and (fault.at is None or fault.at.file is None)
        place = None if fault.at is None else Place(line=fault.at.line, cell=fault.at.cell)
        yield notebook_unreadable.finding(
            f"{'the notebook' if fault.at is None or fault.at.cell is None else 'a cell'} cannot be read: {fault.why}",
            path=code.path,
            place=place,
            evidence={"file": fault.at.file} if fault.at is not None and fault.at.file else {},
            severity="error" if whole else "warning",
            fix="open it in an editor and save it again" if whole else "write it in Python, or take it out",
        )
    metadata = evidence.metadata
    for fault in metadata.faults if metadata is not None else ():
        yield notebook_unreadable.finding(
            f"kernel-metadata.json: {fault.why}",
            path=metadata.path if metadata is not None else None,
            place=None if fault.at is None else Place(line=fault.at.line),
            severity="error" if metadata is not None and not metadata.lines else "warning",
            fix="correct it; `kaggle kernels init` writes one in the right form",
        )


RULES: Final[tuple[Rule, ...]] = (
    network_call,
    internet_enabled,
    submission_not_written,
    secret_in_code,
    accelerator_unfit,
    notebook_unreadable,
)
