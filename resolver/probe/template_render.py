"""Render a chat template as transformers does, in a child process: does it compile, render, stay within bounds?

Light: jinja2 alone, without transformers. The environment (sandbox, filters, globals, tags) is that of transformers
5.23; tests/probe/test_template_render.py renders the same templates with both. What is rendered is thrown away.
"""

import contextlib
import json
import time
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from resolver.finding import Json

CPU_S: Final = 4  # an honest template takes a millisecond
LONGEST: Final = 300
OLDEST: Final = (3, 1, 6)  # transformers 5.23 renders with no older one
PLAIN: Final = ("user", "user, assistant, user")
TEXT: Final = "Which answer is better?"
TOOLS: Final = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Look a word up.",
            "parameters": {
                "type": "object",
                "properties": {"word": {"type": "string", "description": "The word."}},
                "required": ["word"],
            },
        },
    }
]


def answer(request: dict[str, Any]) -> Json:
    """Compile and render one template, in a process whose time is limited from here on: the child's alone.

    Args:
        request: "template", its text; "variables", the special tokens by role.

    Returns:
        "outcome" ("rendered", "invalid", "unsafe", "unknown"), "said", "line", "probe" (the dialogue that failed),
        "rendered" (the names of those that did not).
    """
    _limit_time()
    return rendered(request)


def rendered(request: dict[str, Any]) -> Json:
    """As `answer`, without a limit."""
    try:
        import jinja2  # noqa: PLC0415 - only the child imports it
    except ImportError:
        return _told("unknown", "jinja2 is not installed here: the template was not rendered")
    if _version(jinja2.__version__) < OLDEST:
        return _told("unknown", f"jinja2 {jinja2.__version__} is installed here; transformers renders from 3.1.6 on")
    try:
        template = environment().from_string(request["template"])
    except Exception as error:  # noqa: BLE001 - whatever jinja2 raises is the answer
        return _fault(error, "compile", [])
    return _dialogues(template, request["variables"])


def _dialogues(template: Any, variables: dict[str, str]) -> Json:
    """Render every dialogue: unsafe at once, invalid where a plain one fails but by the template's own refusal."""
    done: list[Json] = []
    failed: Json = None
    refused: Json = None
    for name, messages, tools in dialogues():
        error = _failure(template, messages, tools, variables)
        if error is None:
            done.append(name)
        elif _is_unsafe(error):
            return _fault(error, name, done)
        elif _is_refusal(error):
            refused = refused or _fault(error, name, done)
        elif name in PLAIN:
            failed = failed or _fault(error, name, done)
    if failed is not None:
        return failed
    return _told("rendered", "", rendered=done) if done else refused


def dialogues() -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]] | None]]:
    """Name, messages and tools of what is rendered: the plain ones first."""
    user, reply = {"role": "user", "content": TEXT}, {"role": "assistant", "content": "The second."}
    system = {"role": "system", "content": "Judge answers."}
    yield "user", [user], None
    yield "system, user", [system, user], None
    yield "user, assistant, user", [user, reply, user], None
    yield "user, with tools", [user], TOOLS


def _failure(template: Any, messages: list[dict[str, Any]], tools: Any, variables: dict[str, str]) -> Exception | None:
    """What rendering raises: with texts as they are and, where that fails, with the parts that processors pass."""
    first: Exception | None = None
    for shaped in (messages, [{**each, "content": [{"type": "text", "text": each["content"]}]} for each in messages]):
        try:
            template.render(messages=shaped, tools=tools, documents=None, add_generation_prompt=True, **variables)
        except Exception as error:  # noqa: BLE001 - as in `answer`
            if _is_unsafe(error):
                return error
            first = first or error
        else:
            return None
    return first


def _is_refusal(error: Exception) -> bool:
    """Whether the template itself said no, by raise_exception: a bare TemplateError is raised by nothing else."""
    return type(error).__name__ == "TemplateError"


def _is_unsafe(error: Exception) -> bool:
    too_big = isinstance(error, OverflowError) and "ange too big" in str(error)
    return too_big or isinstance(error, MemoryError) or type(error).__name__ == "SecurityError"


def _fault(error: Exception, probe: str, rendered: list[Json]) -> Json:
    if isinstance(error, MemoryError):
        return _told("unsafe", "fills the memory that it is given", _line(error), probe, rendered)
    said = f"{type(error).__name__}: {error}"[:LONGEST]
    if _is_unsafe(error):
        return _told("unsafe", f"is stopped by the sandbox: {said}", _line(error), probe, rendered)
    return _told("invalid", said, _line(error), probe, rendered)


def _line(error: Exception) -> int | None:
    """The template's line: of a syntax error its own, else that of the innermost frame of a template."""
    line = getattr(error, "lineno", None)
    if isinstance(line, int):
        return line
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return frames[-1] if frames else None


def _told(
    outcome: str, said: str, line: int | None = None, probe: str = "", rendered: list[Json] | None = None
) -> dict[str, Json]:
    return {"outcome": outcome, "said": said, "line": line, "probe": probe, "rendered": rendered or []}


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _limit_time() -> None:
    """Processor time from now on: a busy machine makes no template endless."""
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 - not on every system

        seconds = int(time.process_time()) + CPU_S + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def environment() -> Any:
    """A jinja2 environment in which a template finds what transformers 5.23 gives it, and no more."""
    import jinja2  # noqa: PLC0415 - as in `answer`
    import jinja2.ext  # noqa: PLC0415 - as in `answer`
    import jinja2.sandbox  # noqa: PLC0415 - as in `answer`

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(), jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = _to_json
    made.globals |= {
        "raise_exception": raise_exception,
        "strftime_now": lambda form: datetime.now().strftime(form),  # noqa: DTZ005 - the wall clock, as there
        "dict": _Dictionaries(),
        "namespace": _namespace(),
    }
    return made


def _to_json(
    value: Any,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002 - templates pass it by position
    indent: Any = None,
    separators: Any = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002 - as above
) -> str:
    """Without jinja2's escapes for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class _Dictionaries:
    """What `dict` is in a template: it makes dictionaries, and is no class to climb up from."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


def _generation_tag() -> type:
    """The tag {% generation %}, which marks what the assistant has written and prints it as it is."""
    import jinja2.ext  # noqa: PLC0415 - as in `answer`
    from jinja2 import nodes  # noqa: PLC0415 - as in `answer`

    class Generation(jinja2.ext.Extension):
        tags = {"generation"}  # noqa: RUF012 - as jinja2 asks for it

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_as_it_is"), [], [], body).set_lineno(line)

        def _as_it_is(self, caller: Any) -> Any:
            return caller()

    return Generation


def _namespace() -> type:
    """`namespace` without names that begin with an underscore."""
    from jinja2.exceptions import SecurityError  # noqa: PLC0415 - as in `answer`
    from jinja2.utils import Namespace  # noqa: PLC0415 - as in `answer`

    def checked(name: Any) -> None:
        if isinstance(name, str) and name.startswith("_"):
            raise SecurityError(f"a namespace takes no name that begins with an underscore: {name!r}")

    class Plain(Namespace):
        def __init__(*args: Any, **kwargs: Any) -> None:
            values = dict(*args[1:], **kwargs)
            for name in values:
                checked(name)
            Namespace.__init__(args[0], values)

        def __setitem__(self, name: Any, value: Any) -> None:
            checked(name)
            super().__setitem__(name, value)

    return Plain
