"""Shell lines: what needs the network and its offline form, what installs from a directory, which script starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.notebook.shell import Command, commands


@pytest.mark.parametrize(
    ("line", "network"),
    [
        ("pip install -q transformers==4.44.2 peft", "pip install of transformers==4.44.2, peft"),
        ("pip install -r requirements.txt", "pip install of a requirements file"),
        ("python -m pip install x", "pip install of x"),
        ("pip install git+https://example.org/x.git", "pip install of git+https://example.org/x.git"),
        ("hf download org/name --local-dir x", "hf download of org/name"),
        ("huggingface-cli login --token $T", "hf login"),
        ("kaggle datasets download -d a/b", "kaggle datasets download"),
        ("git clone https://example.org/x", "git clone"),
        ("wget -q https://example.org/x.whl", "wget"),
        ("apt-get install -y tree", "apt-get"),
    ],
)
def test_what_needs_the_network_is_said(line: str, network: str) -> None:
    assert [each.network for each in commands(line)] == [network]


@pytest.mark.parametrize(
    ("line", "wheels"),
    [
        (
            "pip install -q -U bitsandbytes --no-index --find-links ../input/llm-detect-pip/",
            ("../input/llm-detect-pip/",),
        ),
        ("pip install --no-index --find-links=/kaggle/input/w peft", ("/kaggle/input/w",)),
        ("pip install /kaggle/input/w/peft-0.11-py3-none-any.whl", ("/kaggle/input/w/peft-0.11-py3-none-any.whl",)),
    ],
)
def test_an_install_from_a_directory_needs_no_network(line: str, wheels: tuple[str, ...]) -> None:
    assert commands(line) == (Command(wheels=wheels),)


def test_an_index_beside_a_directory_still_needs_the_network_and_the_fix_uses_that_directory() -> None:
    (command,) = commands("pip install peft -f /kaggle/input/w")
    assert command.offline_form == "pip install --no-index --find-links /kaggle/input/w peft"
    assert command.network


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pip install git+https://example.org/me/x.git@main", "x"),
        ("pip install -r requirements.txt", "-r requirements.txt"),
        ("pip install 'a>1' -r more.txt", "'a>1' -r more.txt"),
    ],
)
def test_the_offline_form_names_what_is_installed_and_no_address(line: str, wanted: str) -> None:
    (command,) = commands(line)
    assert command.offline_form == f"pip install --no-index --find-links /kaggle/input/YOUR-WHEELS {wanted}"


@pytest.mark.parametrize(
    ("line", "target"),
    [("unzip -q a.zip -d /tmp/a", "/tmp/a"), ("tar -xf a.tar --directory=/tmp/a", "/tmp/a"), ("tar -xf a.tar", ".")],
)
def test_what_unpacks_writes_where_it_is_told(line: str, target: str) -> None:
    assert [each.writes for each in commands(line)] == [(target,)]


@pytest.mark.parametrize(
    ("line", "unpacks", "writes"),
    [
        ("unzip -qo a.zip", ".", (".",)),
        ("tar xzf a.tgz", ".", (".",)),
        ("tar --extract --file a.tar -C out", "out", ("out",)),
        ("tar -czf a.tgz results", None, ("a.tgz",)),
        ("tar cf a.tar -C /tmp results", None, ("a.tar",)),
    ],
)
def test_only_what_unpacks_leaves_what_is_not_known(line: str, unpacks: str | None, writes: tuple[str, ...]) -> None:
    assert [(each.unpacks, each.writes) for each in commands(line)] == [(unpacks, writes)]


@pytest.mark.parametrize("line", ["unzip -l a.zip", "unzip -p a.zip x.csv", "tar tf a.tar", "tar --list -f a.tar"])
def test_an_archive_that_is_looked_at_writes_nothing(line: str) -> None:
    assert commands(line) == ()


def test_a_started_script_is_named_with_its_arguments() -> None:
    (command,) = commands("CUDA_VISIBLE_DEVICES=0 python infer.py --model_path /kaggle/input/a --n 3")
    assert (command.script, command.arguments) == ("infer.py", ("--model_path", "/kaggle/input/a", "--n", "3"))


def test_several_commands_on_a_line_are_told_apart() -> None:
    found = commands("cd /kaggle/working && cp -r /kaggle/input/x . ; pip install y")
    assert [(each.directory, each.reads, each.network) for each in found] == [
        ("/kaggle/working", (), ""),
        (None, ("/kaggle/input/x",), ""),
        (None, (), "pip install of y"),
    ]


@pytest.mark.parametrize("line", ["pip list", "pip uninstall -y x", "nvidia-smi", "ls", "echo pip install x", "", "'"])
def test_what_touches_no_network_is_none(line: str) -> None:
    assert not any(each.network for each in commands(line))


@given(st.text(max_size=80))
def test_no_line_makes_it_raise(line: str) -> None:
    commands(line)
