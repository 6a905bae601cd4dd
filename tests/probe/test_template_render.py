"""What the probe renders is what transformers renders: the same templates with both, compared to the last letter."""

import pytest
from oracle import SHARED

from resolver.inspection.chat_templates import read_chat_templates
from resolver.inspection.files import list_files
from resolver.inspection.listed import read_listed
from resolver.probe.template_render import dialogues, environment, rendered

SPECIALS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
FEATURES = {
    "chatml": "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|im_end|>\n{% endfor %}",
    "trimmed blocks": "  {% if true %}\n  a\n  {% endif %}\n\n",
    "tojson": "{{ tools | tojson }}{{ messages | tojson(indent=4) }}{{ '<é>' | tojson }}{{ '<é>' | tojson(true) }}",
    "generation": "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "loop controls": "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}",
    "namespace": "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
    "namespace of a dict": "{% set ns = namespace({'a': 1}, self=2) %}{{ ns.a }}{{ ns.self }}",
    "dict": "{{ dict(a=1) | tojson }}{{ dict.fromkeys(['a'], 2) }}",
    "special tokens": "{{ bos_token }}{{ eos_token }}{{ sep_token is defined }}{{ documents is none }}",
    "date": "{{ strftime_now('%Y') }}",
    "prompt": "{% if add_generation_prompt %}assistant:{% endif %}",
    "refusal": "{{ raise_exception('no') }}",
    "undefined": "{{ messages[0].nothing.at_all }}",
    "underscore": "{% set ns = namespace(_a=1) %}",
    "underscore later": "{% set ns = namespace() %}{% set ns._a = 1 %}",
    "changed in place": "{% set _ = messages.append(1) %}",
    "class": "{{ ''.__class__ }}",
    "class of dict": "{{ dict.__class__ }}",
    "syntax": "{% if %}",
}


def theirs(text, messages, tools):
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        texts, _ = render_jinja_template(
            conversations=[messages], tools=tools, chat_template=text, add_generation_prompt=True, **SPECIALS
        )
    except Exception as error:  # noqa: BLE001 - what it raises is compared
        return type(error).__name__
    return texts[0]


def ours(text, messages, tools):
    try:
        return (
            environment()
            .from_string(text)
            .render(messages=messages, tools=tools, documents=None, add_generation_prompt=True, **SPECIALS)
        )
    except Exception as error:  # noqa: BLE001 - as above
        return type(error).__name__


@pytest.mark.parametrize("text", FEATURES.values(), ids=FEATURES)
def test_every_feature_renders_as_in_transformers(text):
    for _, messages, tools in dialogues():
        assert ours(text, messages, tools) == theirs(text, messages, tools)


def real_templates():
    found = {}
    for path in sorted((SHARED / "models").glob("*/*")):
        files = list_files(path)
        settings = read_listed(files, "tokenizer_config.json").value
        for each in read_chat_templates(files, settings if isinstance(settings, dict) else {}):
            found.setdefault(each.text, f"{path.name}-{each.file}")
    return found


def test_real_templates_render_as_in_transformers():
    templates = real_templates()
    if not templates:
        pytest.skip(f"{SHARED / 'models'} is not on this machine")
    for text, name in templates.items():
        for _, messages, tools in dialogues():
            assert ours(text, messages, tools) == theirs(text, messages, tools), name
        assert rendered({"template": text, "variables": SPECIALS})["outcome"] == "rendered", name
    assert len(templates) > 8
