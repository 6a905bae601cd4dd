"""modules.json is read as far as it says something."""

import json

import pytest

from resolver.inspection.config import read_config
from resolver.inspection.files import list_files


def modules(root, value):
    (root / "modules.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return read_config(list_files(root)).modules


def test_parts_are_folders_and_the_names_of_their_classes(tmp_path):
    facts = modules(tmp_path, [{"path": "", "type": "a.b.Transformer"}, {"path": "1_Pooling/", "type": "a.Pooling"}])
    assert [(part.path, part.kind) for part in facts.parts] == [("", "Transformer"), ("1_Pooling", "Pooling")]
    assert facts.fault is None


@pytest.mark.parametrize("value", ["{,", "", {"a": 1}, 7])
def test_what_is_no_list_is_a_fault(tmp_path, value):
    assert modules(tmp_path, value).fault


@pytest.mark.parametrize("value", [[1, None, {"path": 1}, {"path": "x"}, {"type": "y"}], []])
def test_entries_that_say_nothing_are_left_out(tmp_path, value):
    facts = modules(tmp_path, value)
    assert facts.parts == ()
    assert facts.fault is None


def test_no_file_is_none(tmp_path):
    assert read_config(list_files(tmp_path)).modules is None
