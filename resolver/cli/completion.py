"""`resolver completion SHELL`: a script that completes commands and flags."""

import argparse
from typing import Final

from resolver.cli import COMMANDS, command_module
from resolver.cli.exit_codes import USABLE
from resolver.cli.options import parser_of
from resolver.cli.output import write_stdout
from resolver.cli.session import Session

COMMON: Final = False
DESCRIPTION: Final = "Print a completion script for bash, zsh or fish."
EXAMPLES: Final = """\
  eval "$(resolver completion bash)"
  resolver completion zsh > "${fpath[1]}/_resolver"
  resolver completion fish > ~/.config/fish/completions/resolver.fish"""

BASH: Final = """\
_resolver() {{
    local current=${{COMP_WORDS[COMP_CWORD]}}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$current"))
        return
    fi
    case ${{COMP_WORDS[COMP_CWORD-1]}} in
{values}
    esac
    local flags=
    case ${{COMP_WORDS[1]}} in
{cases}
    esac
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
}}
complete -o default -F _resolver resolver
"""
ZSH: Final = """\
#compdef resolver
_resolver() {{
    local -a flags
    if (( CURRENT == 2 )); then
        compadd -- {commands}
        return
    fi
    case ${{words[CURRENT-1]}} in
{values}
    esac
    case ${{words[2]}} in
{cases}
    esac
    compadd -- $flags
    _files
}}
compdef _resolver resolver
"""


def define(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell reads the script")


def execute(session: Session) -> int:
    """Print the script of one shell."""
    render = {"bash": _bash, "zsh": _zsh, "fish": _fish}[session.options.shell]
    write_stdout(render({name: flags_of(name) for name in COMMANDS}))
    return USABLE


def flags_of(name: str) -> tuple[str, ...]:
    """The long flags of a command, as its parser knows them."""
    parser = parser_of(name, command_module(name))
    return tuple(flag for flag in parser._option_string_actions if flag.startswith("--"))  # noqa: SLF001 - argparse has no public list


def known_values() -> dict[str, tuple[str, ...]]:
    """The values of the flags that take one of a few."""
    from resolver.accelerators import names
    from resolver.finding import LEVELS
    from resolver.online.answers import SITES
    from resolver.preflight import DTYPES

    return {
        "--accelerator": names({}),
        "--dtype": DTYPES,
        "--for": ("load", "score", "train"),
        "--head": ("classifier", "tokens"),
        "--level": LEVELS,
        "--site": SITES,
    }


def _bash(flags: dict[str, tuple[str, ...]]) -> str:
    cases = "\n".join(f'        {name}) flags="{" ".join(each)}" ;;' for name, each in flags.items())
    values = "\n".join(
        f'        {flag}) COMPREPLY=($(compgen -W "{" ".join(each)}" -- "$current")); return ;;'
        for flag, each in known_values().items()
    )
    return BASH.format(commands=" ".join(flags), cases=cases, values=values)


def _zsh(flags: dict[str, tuple[str, ...]]) -> str:
    cases = "\n".join(f"        {name}) flags=({' '.join(each)}) ;;" for name, each in flags.items())
    values = "\n".join(
        f"        {flag}) compadd -- {' '.join(each)}; return ;;" for flag, each in known_values().items()
    )
    return ZSH.format(commands=" ".join(flags), cases=cases, values=values)


def _fish(flags: dict[str, tuple[str, ...]]) -> str:
    lines = [
        f"complete -c resolver -n __fish_use_subcommand -a {name} -d '{summary}'".replace("model's", "model")
        for name, (_, summary) in COMMANDS.items()
    ]
    for name, each in flags.items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        values = known_values()
        lines += [
            f"complete -c resolver -n {seen} -l {flag[2:]}"
            + (f" -xa '{' '.join(values[flag])}'" if flag in values else "")
            for flag in each
        ]
    return "\n".join(lines) + "\n"
