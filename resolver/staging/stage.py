"""Stage models: plan, copy or put together anew, say what it is, lock it, rename. One way, for every kind of source."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from resolver.inspection.files import WHEELS
from resolver.inspection.lock import LOCK_FILE
from resolver.integrity.reading import Progress
from resolver.rules.words import size as in_words
from resolver.staging.copying import copy_all, hash_sources, new_file, taken_over
from resolver.staging.plan import plan_models
from resolver.staging.shards import content
from resolver.staging.texts import lock_of, told_by
from resolver.staging.unchanged import refuse_changed, staged, unchanged
from resolver.staging.values import Request, Staged
from resolver.staging.wheels import add_wheels
from resolver.staging.work import Meter, NewShard, Work, work_of
from resolver.staging.workplace import BUNDLE, Entry, Workplace, cannot_write, discard
from resolver.writing import CannotMake, TargetTaken, cloned


def stage(request: Request, progress: Progress | None = None) -> Staged:
    """Make the bundle, or see that it is there already.

    Raises:
        SourceFault: the source is not to be used; the target was not made.
        TargetTaken: the target exists and is something else, or cannot be made there.
        CannotMake: it cannot be written; what is finished is kept beside the target.
    """
    work = work_of(plan_models(request.models), request.shard_bytes, link=request.link)
    _refuse_inside(request)
    notes = tuple(_notes(work))
    try:
        if os.path.lexists(request.target):
            same = unchanged(request, work, progress).replaced(notes=notes)
            discard(request.target)  # a run that was killed after the rename has left it
            return same
        with Workplace.open(request.target, BUNDLE, request.command) as place:
            return _make(request, work, place, progress).replaced(notes=notes)
    except OSError as error:
        raise cannot_write(error, request.target) from error


def _refuse_inside(request: Request) -> None:
    """Refuse a target that lies in a source: nothing is written there."""
    place = Path(os.path.realpath(request.target))
    for each in request.models:
        root = Path(os.path.realpath(each.description.asked))
        if not each.ours and place.is_relative_to(root):
            raise TargetTaken(f"{request.target} lies in {root}, which is only read; name a directory elsewhere")


def _notes(work: Work) -> Iterator[str]:
    """What somebody should know who uses the bundle."""
    names = {planned.reference for planned in work.models}
    for planned in work.models:
        yield from (f"{planned.reference}: {each}" for each in planned.notes)
        adapter = planned.model.description.adapter
        base = None if adapter is None else adapter.base_model_name_or_path
        if base is not None and base not in names:
            yield f"{planned.reference}: it is an adapter, and its base {base} is not in this bundle under that name"


def _make(request: Request, work: Work, place: Workplace, progress: Progress | None) -> Staged:
    wanted = [(each.name, each.key(), each.file.stamp.size_bytes) for each in work.copies]
    wanted += [(each.name, each.key(), each.shard.size_bytes) for each in work.shards]
    claimed = sum(size for name, _, size in wanted if name in place.finished)
    read = sum(each.stamp.size_bytes for each in work.read.values())
    meter = Meter(sum(size for _, _, size in wanted) + read, progress)
    found = taken_over(wanted, place, meter.phase(claimed))
    _expect_room(work, found, place)
    hash_sources(work.read, meter.phase(read))
    copies = [each for each in work.copies if each.name not in found]
    hashes = {**found, **copy_all(copies, place, meter.phase(sum(each.file.stamp.size_bytes for each in copies)))}
    for each in work.shards:
        if each.name not in found:
            hashes[each.name] = _put_together(each, place, meter.phase(each.shard.size_bytes))
    for name, text in work.texts.items():
        place.write(name, text)
    wheels = () if request.wheels is None else add_wheels(request.wheels, place.path(f"{WHEELS}/x").parent)
    told = told_by(work, hashes, wheels=bool(wheels))
    for name, text in told.items():
        place.write(name, text)
    place.write(LOCK_FILE, lock_of(work, place.payload, hashes, told))
    names = (*hashes, *work.texts, *told, LOCK_FILE, *(f"{WHEELS}/{name}" for name in wheels))
    made = staged(request.target, place.payload, names, wheels)
    place.finish(frozenset(names))
    return made.replaced(taken_over=len(found))


def _expect_room(work: Work, found: Mapping[str, str], place: Workplace) -> None:
    """Refuse a disk that is too small before it is full; copies that share the source's places take none."""
    needed = sum(each.file.stamp.size_bytes for each in work.copies if each.how == "copy" and each.name not in found)
    needed += sum(each.shard.size_bytes for each in work.shards if each.name not in found)
    free = shutil.disk_usage(place.place).free
    if needed > free and not (not work.shards and work.copies and _can_clone(work.copies[0].file.source, place)):
        raise CannotMake(
            f"{in_words(needed)} are needed beside {place.target}, {in_words(free)} are free: make room and run the "
            "same command again"
        )


def _can_clone(source: Path, place: Workplace) -> bool:
    probe = place.place / "probe"
    handle = new_file(probe)
    try:
        with source.open("rb", buffering=0) as taken:
            return cloned(taken.fileno(), handle)
    finally:
        os.close(handle)
        probe.unlink()


def _put_together(each: NewShard, place: Workplace, progress: Progress) -> str:
    target = place.path(each.name)
    handle = new_file(target)
    digest = hashlib.sha256()
    written = 0
    try:
        for block in content(each.shard, each.root):
            digest.update(block)
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(handle, rest) :]
            written += len(block)
            progress(written, each.shard.size_bytes)
        os.fsync(handle)
    except OSError as error:
        raise cannot_write(error, target) from error
    finally:
        os.close(handle)
    refuse_changed(each)
    place.note(each.name, Entry(each.key(), each.shard.size_bytes, digest.hexdigest()))
    return digest.hexdigest()
