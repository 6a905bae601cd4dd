from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.scoring.members import read_members
from pipeline.scoring.preparation import Request

GOOD = """
temperature = 1.05
[[members]]
model = "google/gemma-2-9b-it"
adapter = "./gemma"
max_length = 3072
truncate = "proportional"
prompt_cap = "20%"
weight = 0.7
[[members]]
model = "../qwen"
head = "tokens"
weight = 0.3
share = 0.5
below = 0.8
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "members.toml").write_text(text, encoding="utf-8")
    return tmp_path / "members.toml"


def test_a_members_file_is_read_and_its_paths_start_at_it(tmp_path: Path) -> None:
    members = read_members(written(tmp_path, GOOD))
    first, second = members.members
    assert (members.temperature, members.weights) == (1.05, (0.7, 0.3))
    assert (first.model, first.adapter) == ("google/gemma-2-9b-it", str(tmp_path / "gemma"))
    assert (second.model, second.head) == (str(tmp_path.parent / "qwen"), "tokens")


def test_what_a_member_says_goes_before_what_is_asked_of_all(tmp_path: Path) -> None:
    first, second = read_members(written(tmp_path, GOOD)).members
    asked = Request("-", adapter="-", max_length=512, truncate="tail", swap="all", batch_tokens=99)
    one, two = first.request(asked), second.request(asked)
    assert (one.max_length, one.truncate, one.prompt_cap, one.head) == (3072, "proportional", "20%", "classifier")
    assert (two.model, two.adapter, two.max_length, two.truncate) == (second.model, None, 512, "tail")
    assert {(each.swap, each.batch_tokens) for each in (one, two)} == {("all", 99)}


def test_all_members_are_asked_together(tmp_path: Path) -> None:
    members = read_members(written(tmp_path, GOOD))
    request = members.request(Request("members.toml", swap="all"))
    first, second = request.parts
    assert request.temperature == 1.05
    assert (first.weight, first.share, first.below) == (0.7, 1.0, None)
    assert (second.weight, second.share, second.below) == (0.3, 0.5, 0.8)
    assert [part.request.model for part in request.parts] == [member.model for member in members.members]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "members: Field required"),
        ("members = []", "members: Tuple should have at least 1 item"),
        ("[[members]]\n", "members.0.model: Field required"),
        ("[[members]]\nmodel = ''", "members.0.model: String should have at least 1 character"),
        ("[[members]]\nmodel = 'm'\nweigth = 1", "members.0.weigth: Extra inputs are not permitted"),
        ("[[members]]\nmodel = 'm'\nweight = 0", "members.0.weight: Input should be greater than 0"),
        ("[[members]]\nmodel = 'm'\nweight = inf", "members.0.weight: Input should be a finite number"),
        ("[[members]]\nmodel = 'm'\nhead = 'both'", "members.0.head: Input should be 'classifier' or 'tokens'"),
        ("[[members]]\nmodel = 'm'\ntruncate = 'left'", "members.0.truncate: Input should be 'middle'"),
        ("[[members]]\nmodel = 'm'\nprompt_cap = '0'", "members.0.prompt_cap: Value error, a prompt cap is"),
        ("[[members]]\nmodel = 'm'\nshare = 0.5", "the file: Value error, the first member looks at every battle"),
        ("[[members]]\nmodel = 'm'\n[[members]]\nmodel = 'n'\nshare = 1.5", "members.1.share: Input should be less"),
        ("schema_version = 2\n[[members]]\nmodel = 'm'", "schema_version: Input should be 1"),
        ("[[members]\n", "it is no TOML"),
        ("x = '\udcff'", "it is no TOML"),
    ],
)
def test_a_file_that_cannot_be_used_names_the_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "members.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=r"members\.toml: ") as refused:
        read_members(path)
    assert words in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml: it cannot be read: No such file"):
        read_members(tmp_path / "absent.toml")
