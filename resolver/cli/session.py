"""What a command works with: its options, this machine's environment, the settings, and which rules are wanted."""

import argparse
from collections.abc import Iterable, Mapping

from resolver.cli.exit_codes import FINDINGS, NOT_FOUND, USABLE, forgiven
from resolver.cli.output import expect_writable, write_stderr
from resolver.cli.trouble import UsageError
from resolver.environment import Environment
from resolver.errors import ConfigurationError
from resolver.finding import Report
from resolver.policy import ANYTHING, Policy, policy_of
from resolver.record import Record, field
from resolver.settings import Settings, load_settings


class Session(Record):
    """One run.

    Attributes:
        options: the parsed command line.
        environment: this machine's, with the roots and aliases of the command line and the settings.
        settings: resolver.toml.
        policy: what of it says what may be loaded, with the locks that it names read.
        selected: full codes that are judged; empty for all.
        ignored: full code -> the reason why it is not judged.
    """

    options: argparse.Namespace
    environment: Environment
    settings: Settings = field(default_factory=Settings)
    selected: tuple[str, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = ANYTHING

    @property
    def is_json(self) -> bool:
        """Whether a program reads the report."""
        return bool(self.options.format == "json")

    def exit_code(self, code: int) -> int:
        """The code that is left with, after --exit-zero."""
        return forgiven(code) if self.options.exit_zero else code

    def verdict_code(self, report: Report, fail_on: str | None = "error") -> int:
        """The code of one report at --fail-on; `fail_on` is the command's own default."""
        if report.verdict == "not-found":
            return NOT_FOUND
        threshold = self.options.fail_on or fail_on
        grave = {"error": ("error",), "warning": ("error", "warning"), None: ()}[threshold]
        return FINDINGS if any(finding.severity in grave for finding in report.findings) else USABLE


def open_session(options: argparse.Namespace) -> Session:
    """Read environment and settings once, and refuse early what cannot be used.

    Raises:
        UsageError: settings, codes or the report's target cannot be used.
    """
    environment = Environment.this()
    if not hasattr(options, "format"):
        return Session(options, environment)
    if options.report is not None:
        expect_writable(environment.cwd / options.report)
    settings = _settings(options, environment)
    for root in options.root:
        if not environment.expand(str(root)).is_dir():
            from resolver.report.escape import escape

            write_stderr(f"note: --root {escape(root)} is no directory here; nothing is looked for in it\n")
    roots = (*(environment.expand(str(root)) for root in options.root), *settings.roots)
    return Session(
        options,
        environment.extended(roots, settings.aliases),
        settings,
        _codes(options.select, "--select"),
        {
            **{
                code: reason for text, reason in settings.ignores.items() for code in _codes([text], str(settings.path))
            },
            **dict.fromkeys(_codes(options.ignore, "--ignore"), "--ignore"),
        },
        _policy(settings),
    )


def _settings(options: argparse.Namespace, environment: Environment) -> Settings:
    try:
        return load_settings(environment, None if options.config is None else environment.cwd / options.config)
    except ConfigurationError as error:
        raise UsageError(str(error)) from error


def _policy(settings: Settings) -> Policy:
    try:
        return policy_of(settings)
    except ConfigurationError as error:
        raise UsageError(str(error)) from error


def _codes(texts: Iterable[str], where: str) -> tuple[str, ...]:
    wanted = [part.strip() for text in texts for part in text.split(",")]
    if not wanted:
        return ()
    from resolver.rules.rulebook import RULES

    found: dict[str, None] = {}
    for text in wanted:
        codes = [rule.code for rule in RULES if text and (rule.code.startswith(text.upper()) or rule.name == text)]
        if not codes:
            raise UsageError(f"{where}: {text!r} is the beginning of no rule's code", "resolver rules")
        found.update(dict.fromkeys(codes))
    return tuple(found)
