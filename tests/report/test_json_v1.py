"""The published shape: one object, numbers as numbers, whatever others wrote in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from model_factory import model_dir
from pydantic import ValidationError
from told_reports import LICENCE, SHARD, not_found_report, report

from resolver.finding import Identity
from resolver.host import Accelerator, Host
from resolver.inspection.describe import describe
from resolver.report.blocks import ListedModel, Location, Machine, Told
from resolver.report.document import envelope
from resolver.report.json_v1 import Envelope, json_schema, render
from resolver.resolve import Resolution
from resolver.rules.rulebook import RULES

PROJECT = Path(__file__).resolve().parents[2]
SCHEMA = PROJECT / "docs" / "report-v1.schema.json"
HOSTILE = "\x1b[2J\x7f\x9b\u202e\udc80 https://me:secret@example.org"

# JSON v1, field by field as the contract has it: a field is never renamed within v1.
CONTRACT: dict[str, set[str]] = {
    "Envelope": {"schema_version", "tool", "reports", "resolutions", "models", "descriptions", "rules", "machine",
                 "repair", "references", "fixed", "lock", "verifications", "access", "stage", "duplicates"},
    "Stage": {"target", "state", "models", "files", "size_bytes", "taken_over", "wheels", "volumes", "notes"},
    "StagedModel": {"reference", "folder", "source", "files", "size_bytes", "tree_sha256"},
    "StagedSource": {"kind", "id", "revision"},
    "Volumes": {"path", "count"},
    "Duplicates": {"groups", "extra_bytes"},
    "DuplicateGroup": {"same", "size_bytes", "extra_bytes", "copies"},
    "Copy": {"reference", "source", "path"},
    "Lock": {"path", "statement", "models"},
    "LockedModel": {"reference", "path", "source", "files", "size_bytes", "tree_sha256", "config_sha256", "licence",
                    "parameters", "requires"},
    "LockSource": {"kind", "id", "revision"},
    "Verification": {"reference", "path", "verdict", "lock", "only_size", "read_bytes", "resumed_bytes", "elapsed_ms", "files"},
    "VerifiedFile": {"name", "verdict", "size_bytes", "compared", "expected", "actual", "record", "where", "reason", "matters"},
    "Access": {"reference", "verdict", "sites", "notes"},
    "SiteAccess": {"site", "target", "revision", "named", "page", "host", "token", "exists", "revision_exists", "resolved",
                   "gate", "grant", "said", "trouble", "verdict", "message", "evidence", "consequence", "fix"},
    "AccessToken": {"state", "source", "account", "role"},
    "Fixed": {"path", "metadata", "backups", "changes", "todo"},
    "NotebookReference": {"text", "role", "call", "place", "file", "reach", "resolved", "meets", "source", "mounts", "model"},
    "ReferencedModel": {"path", "verdict"},
    "Tool": {"name", "version"},
    "Report": {"level", "purpose", "accelerator", "versions_from", "judged_with", "model", "adapter", "verdict", "findings", "checks",
               "trail", "not_found", "elapsed_ms"},
    "Identity": {"reference", "path", "source", "confidence", "evidence", "revision", "kaggle_handle", "hub_id"},
    "Finding": {"code", "name", "severity", "message", "path", "place", "evidence", "consequence", "fix"},
    "Place": {"line", "cell", "pointer"},
    "Fix": {"text", "command"},
    "Checks": {"run", "skipped"},
    "Skipped": {"code", "reason"},
    "TrailStep": {"source", "where", "outcome", "reason"},
}  # fmt: skip


def document(**blocks: Any) -> dict[str, Any]:
    """What a program reads, after it was proved to be of the published shape."""
    read: dict[str, Any] = json.loads(render(Told(**blocks)))
    Envelope.model_validate(read)
    return read


def machine(**changes: Any) -> Machine:
    fields = {"python": "3.11.7", "platform": "Linux", "host": Host(has_network=None)} | changes
    return Machine(**fields)


def test_the_published_schema_is_the_one_of_the_code() -> None:
    """Changing the shape is a visible act: `make docs` writes the file anew."""
    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema()


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_the_schema_names_the_fields_of_the_contract_and_forbids_others(name: str) -> None:
    schema = json_schema()
    part = schema if name == "Envelope" else schema["$defs"][name]
    assert set(part["properties"]) == CONTRACT[name]
    assert part["additionalProperties"] is False


def test_several_models_are_one_object() -> None:
    read = document(reports=(report(SHARD, LICENCE), not_found_report()))
    assert list(read) == ["schema_version", "tool", "reports"]
    assert read["schema_version"] == 1
    assert read["tool"]["name"] == "offline-resolver"
    assert [each["verdict"] for each in read["reports"]] == ["unusable", "not-found"]
    assert read["reports"][1]["not_found"]["fix"]["command"] == "kaggle kernels push -p ."


def test_a_finding_keeps_its_parts_and_its_numbers() -> None:
    (read,) = document(reports=(report(SHARD),))["reports"]
    (finding,) = read["findings"]
    assert finding["evidence"] == {"tensors_missing": 134, "tensors": 464, "missing_bytes": 4_960_000_000}
    assert finding["place"] == {"line": 150, "cell": None, "pointer": None}
    assert read["elapsed_ms"] == 12.346
    assert read["adapter"] is None
    assert read["checks"]["skipped"][0] == {"code": "A403", "reason": "there is no adapter"}


def test_hostile_text_is_ascii_json_without_secrets() -> None:
    finding = SHARD.replaced(message=HOSTILE, path=HOSTILE, evidence={HOSTILE: [HOSTILE, {"x": HOSTILE}]})
    text = render(Told(reports=(report(finding, model=Identity(HOSTILE, Path("/" + HOSTILE))),)))
    assert text.isascii()
    assert not {each for each in text if each < " " or each == "\x7f"} - {"\n"}
    assert "secret" not in text
    told = json.loads(text)["reports"][0]["findings"][0]["message"]
    assert told == "\x1b[2J\x7f\x9b\u202e\\x80 https://***@example.org"


def test_numbers_that_json_cannot_carry_are_written_as_text() -> None:
    finding = SHARD.replaced(evidence={"nan": float("nan"), "endless": float("-inf"), "huge": 10**5000, "fine": 10**30})
    (read,) = document(reports=(report(finding),))["reports"]
    told = {"nan": "nan", "endless": "-inf", "huge": "about 2**16610", "fine": 10**30}
    assert read["findings"][0]["evidence"] == told


def test_a_field_that_is_not_published_is_refused() -> None:
    read = envelope(Told(reports=(report(SHARD),)))
    read["reports"][0]["mood"] = "good"
    with pytest.raises(ValidationError, match="mood"):
        Envelope.model_validate(read)


def test_resolutions_carry_the_trail_and_the_notes() -> None:
    found = Resolution("x", Path("/m"), "hf cache", "matched", ("name agrees",), (), notes=("matched: name agrees",))
    (read,) = document(resolutions=(found,))["resolutions"]
    assert (read["path"], read["confidence"], read["notes"]) == ("/m", "matched", ["matched: name agrees"])


def test_a_description_counts_parameters_and_bytes(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    description = describe(root)
    model = Identity(str(root), root, "path", "exact")
    (read,) = document(descriptions=((model, description),))["descriptions"]
    assert read["parameters"] == sum(each["elements"] for each in read["weights"]["dtypes"].values()) > 0
    assert read["weights"]["dtypes"]["F32"]["bytes"] == 4 * read["weights"]["dtypes"]["F32"]["elements"]
    assert read["size_bytes"] == sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    assert {each["name"] for each in read["files"]} == {path.name for path in root.iterdir()}


def test_a_description_does_not_count_what_is_not_there(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=4, without=[3])
    description = describe(root)
    (read,) = document(descriptions=((Identity("m", root), description),))["descriptions"]
    assert read["parameters"] is None
    assert read["weights"]["missing"] == ["model-00003-of-00004.safetensors"]


def test_a_listed_model_counts_its_findings(tmp_path: Path) -> None:
    description = describe(model_dir(tmp_path / "m"))
    listed = ListedModel(description, report(SHARD, LICENCE))
    (read,) = document(models=(listed,))["models"]
    assert (read["errors"], read["warnings"], read["infos"], read["verdict"]) == (1, 1, 0, "unusable")
    assert read["architectures"] == ["LlamaForCausalLM"]


def test_every_rule_has_a_page() -> None:
    read = document(rules=RULES)["rules"]
    assert [each["code"] for each in read] == [rule.code for rule in RULES]
    assert [each["code"] for each in read if not (each["title"] and each["explanation"] and each["consequence"])] == []


def test_a_machine_tells_the_names_of_secrets_alone() -> None:
    host = Host(accelerators=(Accelerator("Tesla T4", 16_000_000_000, (7, 5)),), memory_bytes=8, has_network=False)
    told = machine(
        host=host,
        packages={"torch": "2.13.0"},
        places=(Location("hf cache", Path("/hub"), present=True),),
        variables={"RESOLVER_ALIASES": "a=https://me:secret@huggingface.co/o/n"},
        secrets=("HF_TOKEN",),
    )
    read = document(machine=told)["machine"]
    assert read["secrets_set"] == ["HF_TOKEN"]
    assert read["variables"] == {"RESOLVER_ALIASES": "a=https://***@huggingface.co/o/n"}
    assert read["accelerators"] == [{"name": "Tesla T4", "memory_bytes": 16_000_000_000, "capability": [7, 5]}]
    assert read["has_network"] is False


def test_hostile_words_of_a_lock_and_of_a_verification_are_harmless() -> None:
    from resolver.inspection.lock import Lock, LockedModel, LockedSource
    from resolver.integrity.verdicts import FileVerdict, Verification
    from resolver.locking import Written
    from resolver.report.verification import render_lock, render_verifications
    from resolver.report.verification_page import verification_article

    source = LockedSource("local", HOSTILE, HOSTILE)
    written = Written(Lock((LockedModel(HOSTILE, None, source, {}, "ab" * 32, licence=(HOSTILE,)),)), Path(HOSTILE))
    file = FileVerdict(HOSTILE, "corrupt", 1, "sha256", "a", "b", "lock", HOSTILE, HOSTILE)
    words = Verification(HOSTILE, Path(HOSTILE), "corrupt", (file,), HOSTILE)
    text = render(Told(reports=(report(),), lock=written, verifications=(words,)))
    Envelope.model_validate(json.loads(text))
    shown = (
        render_verifications([(report(), words)]),
        render_lock(written),
        "".join(verification_article(report(), words)),
    )
    for each in (text, *shown):
        assert "secret" not in each
        assert not {"\x1b", "\x7f", "\x9b", "\u202e", "\udc80"} & set(each)
