"""A target that is there already: whether it is the very bundle that would be made, to the last byte."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from resolver.inspection.files import METADATA_FILE, WHEELS
from resolver.inspection.lock import LOCK_FILE, Lock, read_lock
from resolver.integrity.hashing import hash_files
from resolver.integrity.reading import Progress
from resolver.staging.bundle import README
from resolver.staging.copying import hash_sources
from resolver.staging.plan import SourceFault, Stamp
from resolver.staging.shards import content
from resolver.staging.texts import lock_of, told_by
from resolver.staging.values import Request, Staged, StagedModel
from resolver.staging.wheels import wheels_fault, wheels_in
from resolver.staging.work import Meter, NewShard, Work
from resolver.writing import TargetTaken


def staged(target: Path, root: Path, names: Iterable[str], wheels: tuple[str, ...]) -> Staged:
    """What lies in a bundle, as its own lock tells it."""
    lock = read_lock(root / LOCK_FILE)
    models = lock.models if isinstance(lock, Lock) else ()
    listed = tuple(sorted(names))
    return Staged(
        target=target,
        state="made",
        models=tuple(
            StagedModel(
                each.reference, each.path or ".", each.source, len(each.files), each.size_bytes, each.tree_sha256
            )
            for each in models
        ),
        files=listed,
        size_bytes=sum((root / name).stat().st_size for name in listed),
        wheels=wheels,
    )


def unchanged(request: Request, work: Work, progress: Progress | None) -> Staged:
    """The bundle that is there already, where it is what would be made; every byte of both is read."""
    target = request.target
    _refuse(target, _other_form(request, work))
    sizes = {name: size for name, size in work.sizes().items() if name not in work.texts}
    read = sum(each.stamp.size_bytes for each in work.read.values())
    meter = Meter(2 * sum(sizes.values()) + read, progress)
    hash_sources(work.read, meter.phase(read))
    copied = {each.name: each.file for each in work.copies}
    wanted = hash_sources(copied, meter.phase(sum(each.stamp.size_bytes for each in copied.values())))
    wanted |= {each.name: _digest(each, meter.phase(each.shard.size_bytes)) for each in work.shards}
    there = hash_files([(str(target / name), size, "sha256") for name, size in sizes.items()], meter.phase(0))
    _refuse(target, next((name for name, each in zip(sizes, there, strict=True) if each.text != wanted[name]), None))
    told = {**work.texts, **told_by(work, wanted, wheels=request.wheels is not None)}
    _refuse(target, next((name for name, text in told.items() if (target / name).read_bytes() != text), None))
    lock = lock_of(work, target, wanted, told)
    _refuse(target, None if (target / LOCK_FILE).read_bytes() == lock else LOCK_FILE)
    return staged(target, target, files_below(target), wheels_in(target / WHEELS)).replaced(state="unchanged")


def _other_form(request: Request, work: Work) -> str | None:
    """The first file that is missing, of another size or more than there should be; told without reading any."""
    target = request.target
    if target.is_symlink() or not target.is_dir():
        return ""
    there = files_below(target)
    wheels = {name for name in there if name.startswith(f"{WHEELS}/")}
    fault = None if request.wheels is None else wheels_fault(request.wheels, target / WHEELS)
    sizes = work.sizes()
    wanted = {*sizes, README, METADATA_FILE, LOCK_FILE}
    others = sorted((there - wheels) ^ wanted) + (sorted(wheels) if request.wheels is None else [])
    others += [name for name, size in sizes.items() if name in there and (target / name).stat().st_size != size]
    return fault or next(iter(others), None)


def _refuse(target: Path, name: str | None) -> None:
    if name is not None:
        kind = "is a link" if target.is_symlink() else "is no directory"
        why = f"differs in {name}" if name else kind
        raise TargetTaken(
            f"{target} exists and is not what would be made ({why}); name a directory that does not exist"
        )


def files_below(root: Path) -> set[str]:
    """Names of all files below a directory, relative to it; a link is a file here, whatever it leads to."""
    found: set[str] = set()
    for folder, folders, files in os.walk(root):
        links = [each for each in folders if Path(folder, each).is_symlink()]
        found |= {Path(folder, each).relative_to(root).as_posix() for each in (*files, *links)}
    return found


def _digest(each: NewShard, progress: Progress) -> str:
    digest = hashlib.sha256()
    written = 0
    for block in content(each.shard, each.root):
        digest.update(block)
        written += len(block)
        progress(written, each.shard.size_bytes)
    refuse_changed(each)
    return digest.hexdigest()


def refuse_changed(each: NewShard) -> None:
    """Refuse sources that are not what they were when their tensors were planned.

    Raises:
        SourceFault: names the first.
    """
    for name in {piece.file for piece in each.shard.pieces}:
        if Stamp.of(each.root / name) != each.plan.stamps[name]:
            raise SourceFault(f"{each.root / name}: it changed while it was read; run the same command again")
