"""T210 to T213: what apply_chat_template does with the same files; hostile templates die in a child, in time."""

import json
import resource
import time

import pytest
from model_factory import edit_json, model_dir, tiny_model
from rule_driver import TRIED, judge

from resolver.environment import Environment
from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.probe.observed import Observed
from resolver.probe.templates import render_templates
from resolver.rules import template
from resolver.rules.judge import judge as judge_all
from resolver.rules.rule import Evidence, Intent

RULES = template.RULES
CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
TOKENS = Intent(purpose="score", head="tokens")


def auto_tokenizer(root):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(root), local_files_only=True)


def written(root):
    """What transformers writes for one message."""
    return auto_tokenizer(root).apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)


def with_entry(root, text):
    edit_json(root / "tokenizer_config.json", lambda value: value.update(chat_template=text))
    return root


def with_file(root, text):
    (root / "chat_template.jinja").write_text(text)
    return root


def standard(root, intent=None):
    """The findings at level standard, without a load of the model."""
    evidence = Evidence(model=describe(root), intent=intent or Intent(), host=Host(packages=TRIED))
    seen = Observed(templates=render_templates(evidence, Environment.this()))
    return judge_all(evidence.replaced(observed=seen), RULES, level="standard")


# --- T210 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tiny-instruct", "gemma-2-9b-it", "8b-chat-hf/1", "models--a--B-Chat/snapshots/abc"])
def test_t210_no_template_is_said_of_a_model_trained_on_dialogues_and_transformers_raises(tmp_path, name):
    root = tiny_model(tmp_path / name)
    with pytest.raises(ValueError, match=r"tokenizer\.chat_template is not set"):
        written(root)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T210", "info")


@pytest.mark.parametrize("name", ["tiny", "chat/llama-3-8b", "bert-base-it", "chatty"])
def test_t210_near_miss_a_base_model_needs_none(tmp_path, name):
    judged = judge(tiny_model(tmp_path / name), rules=RULES)
    assert judged.codes() == []
    assert "dialogues" in judged.skipped["T210"]


@pytest.mark.parametrize("place", [with_entry, with_file])
def test_t210_near_miss_a_template_in_either_place_is_taken(tmp_path, place):
    root = place(tiny_model(tmp_path / "tiny-instruct"), CHATML)
    assert written(root).startswith("<|im_start|>user")
    assert judge(root, rules=RULES).codes() == []


def test_t210_near_miss_an_encoder_writes_no_text(tmp_path):
    root = tiny_model(tmp_path / "e5-instruct", family="bert")
    assert "generates" in judge(root, rules=RULES).skipped["T210"]


# --- T212 --------------------------------------------------------------------------------------------------------


def test_t212_two_templates_are_said_and_transformers_takes_the_file(tmp_path):
    root = with_entry(with_file(tiny_model(tmp_path), "file\n{{ 1 }}"), "file\nentry")
    assert written(root) == "file\n1"
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity, finding.place.line) == ("T212", "info", 2)


def test_t212_named_entries_count_by_their_default(tmp_path):
    entries = [{"name": "default", "template": "entry"}, {"name": "rag", "template": "rag"}]
    root = with_entry(with_file(tiny_model(tmp_path), "file"), entries)
    assert written(root) == "file"
    assert judge(root, rules=RULES).codes() == ["T212"]


def test_t212_near_miss_a_line_break_at_the_end_makes_no_difference(tmp_path):
    root = with_entry(with_file(tiny_model(tmp_path), CHATML + "\n"), CHATML)
    entry = tiny_model(tmp_path / "other")
    assert written(root) == written(with_entry(entry, CHATML))
    assert judge(root, rules=RULES).codes() == []


def test_t212_nothing_stored_is_not_judged(tmp_path):
    assert "no chat template" in judge(tiny_model(tmp_path), rules=RULES).skipped["T212"]


# --- T211 --------------------------------------------------------------------------------------------------------

BROKEN = {
    "tag left open": ("{% for m in messages %}\n{{ m.content }}\n", "TemplateSyntaxError", 2),
    "unknown filter": ("a\n{{ messages | nonsense }}", "TemplateAssertionError|TemplateSyntaxError", 2),
    "undefined": ("a\nb\n{{ messages[0].speaker.name }}", "UndefinedError", 3),
    "no list": ("{{ messages + 1 }}", "TypeError", 1),
    "only one": ("{% if messages | length > 1 %}\n{{ messages[7].x.y }}\n{% endif %}", "UndefinedError", 2),
}


def failure(root):
    """The class of what transformers raises for one of two plain dialogues."""
    real = auto_tokenizer(root)
    for roles in (("user",), ("user", "assistant", "user")):
        try:
            real.apply_chat_template([{"role": role, "content": "hi"} for role in roles], tokenize=False)
        except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
            return type(error).__name__
    return "nothing"


@pytest.mark.parametrize(("text", "kind", "line"), BROKEN.values(), ids=BROKEN)
def test_t211_template_that_fails_is_found_with_its_line_as_in_transformers(tmp_path, text, kind, line):
    root = with_file(tiny_model(tmp_path), text)
    raised = failure(root)
    assert raised in kind.split("|")
    (finding,) = standard(root).findings
    assert (finding.code, finding.severity) == ("T211", "warning")
    assert finding.place.line == line
    assert raised in finding.message
    assert [each.severity for each in standard(root, TOKENS).findings] == ["error"]


@pytest.mark.parametrize(
    "text",
    [
        CHATML,
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML,
        "{% if tools %}{{ raise_exception('no tools') }}{% endif %}" + CHATML,
        "{% for m in messages %}{{ m.content[0].text }}{{ m.content[0].text.strip() }}{% endfor %}",
        "{% generation %}{{ strftime_now('%Y') }}{% endgeneration %}{{ messages | tojson(indent=2) }}",
        "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}",
    ],
)
def test_t211_near_miss_a_refusal_and_what_transformers_renders_are_quiet(tmp_path, text):
    judged = standard(with_file(tiny_model(tmp_path), text))
    assert judged.findings == ()
    assert {"T211", "T213"} <= set(judged.run)


def test_t211_named_template_may_need_more_than_a_dialogue(tmp_path):
    root = with_file(tiny_model(tmp_path), CHATML)
    (root / "additional_chat_templates").mkdir()
    (root / "additional_chat_templates/rag.jinja").write_text("{{ documents[0].text }}")
    assert standard(root).findings == ()
    (root / "additional_chat_templates/rag.jinja").write_text("{% if %}")
    (finding,) = standard(root).findings
    assert (finding.code, finding.path) == ("T211", str(root / "additional_chat_templates/rag.jinja"))


def test_t211_in_json_the_pointer_is_named_and_the_line_is_evidence(tmp_path):
    (finding,) = standard(with_entry(tiny_model(tmp_path), "a\n{% if %}")).findings
    assert (finding.place.pointer, finding.evidence["template_line"]) == ("/chat_template", 2)


# --- T213 --------------------------------------------------------------------------------------------------------

HOSTILE = {
    "globals": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "class": "{{ ''.__class__.__mro__ }}",
    "range": "{% for a in range(200000) %}{% endfor %}",
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "long string": "{{ 'a' * 10**9 }}",
    "growing list": "{% set ns = namespace(x=['a' * 1000]) %}{% for a in range(99999) %}{% set ns.x = ns.x + ns.x %}"
    "{% endfor %}",
    "namespace": "{% set ns = namespace(__class__=1) %}",
    "loops in a branch for tools": "{% if tools %}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}"
    "{% endfor %}{% endif %}hi",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_t213_hostile_template_is_found_killed_in_time_and_costs_us_nothing(tmp_path, text):
    root = with_file(model_dir(tmp_path), text)
    started, held = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (finding,) = standard(root, TOKENS).findings
    assert (finding.code, finding.severity) == ("T213", "error"), finding
    assert time.perf_counter() - started < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 50_000  # kB


@pytest.mark.parametrize("name", ["globals", "class", "range", "namespace"])
def test_t213_what_the_sandbox_stops_is_stopped_in_transformers_too(tmp_path, name):
    root = with_file(tiny_model(tmp_path), HOSTILE[name])
    with pytest.raises(Exception, match=r"unsafe|Range too big|underscore") as caught:
        written(root)
    assert type(caught.value).__name__ in {"SecurityError", "OverflowError"}


def test_t213_template_that_is_not_taken_is_a_warning(tmp_path):
    (tmp_path / "m").mkdir()
    root = with_entry(with_file(model_dir(tmp_path / "m"), CHATML), HOSTILE["globals"])
    (finding,) = [each for each in standard(root).findings if each.code == "T213"]
    assert finding.severity == "warning"


def test_quick_level_never_renders(tmp_path):
    root = with_file(model_dir(tmp_path), HOSTILE["nested loops"])
    started = time.perf_counter()
    judged = judge(root, rules=RULES)
    assert time.perf_counter() - started < 2
    assert judged.codes() == []
    assert "rendered" in judged.skipped["T213"]


def test_templates_that_are_not_read_are_no_pass(tmp_path):
    root = with_file(model_dir(tmp_path), "x" * (1 << 21))
    judged = standard(root)
    assert judged.findings == ()
    assert {each.code for each in judged.skipped} >= {"T211", "T213"}


def test_legacy_template_of_a_processor_is_rendered_too(tmp_path):
    root = model_dir(tmp_path)
    (root / "chat_template.json").write_text(json.dumps({"chat_template": HOSTILE["class"]}))
    (finding,) = standard(root).findings
    assert (finding.code, finding.severity) == ("T213", "warning")
