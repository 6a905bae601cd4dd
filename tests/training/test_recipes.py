import re

import pytest
from pydantic import ValidationError

from pipeline.errors import SettingsError
from pipeline.preflight import machine_of
from pipeline.text.truncate import Truncation
from pipeline.training.recipes import RECIPES, llama3_8b_lora_tpu, llama3_8b_lora_tpu_better, recipe_of, smoke_cpu, vary

NAMES = [each.__name__ for each in RECIPES]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_found_by_the_name_of_its_function(name: str) -> None:
    assert recipe_of(name).name == name


@pytest.mark.parametrize("made", RECIPES, ids=NAMES)
def test_a_docstring_says_hardware_time_score_and_command_and_what_was_measured(made) -> None:
    told = made.__doc__
    lines = {key: line for key in ("Hardware", "Time", "Score", "Command") if (line := _line(told, key))}
    assert list(lines) == ["Hardware", "Time", "Score", "Command"]
    assert made.__name__ in lines["Command"]
    for figure in ("Time", "Score"):
        assert re.search(r"\b(measured|estimate|none|not measured)\b", lines[figure]), figure


def _line(text: str, key: str) -> str | None:
    found = re.search(rf"^ *{key}: (.+?)(?=^ *[A-Z][a-z]+: |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else None


@pytest.mark.parametrize("made", RECIPES, ids=NAMES)
def test_a_recipe_is_meant_for_a_machine_that_the_resolver_knows(made) -> None:
    recipe = made()
    assert machine_of(recipe.accelerator).accelerator == recipe.accelerator
    Truncation(recipe.truncation, recipe.prompt_cap)


@pytest.mark.parametrize("made", RECIPES, ids=NAMES)
def test_no_row_is_longer_than_the_longest_bucket(made) -> None:
    recipe = made()
    assert not recipe.plan.buckets or recipe.plan.buckets[-1] == recipe.max_length


@pytest.mark.parametrize("made", RECIPES, ids=NAMES)
def test_what_compiles_every_shape_has_few(made) -> None:
    recipe = made()
    if machine_of(recipe.accelerator).kind == "tpu":
        assert 1 <= len(recipe.plan.buckets) <= 4


def test_the_tpu_recipe_has_the_notebooks_settings() -> None:
    plan = llama3_8b_lora_tpu().plan
    assert (plan.rank, plan.alpha, plan.dropout, plan.targets) == (4, 8, 0.05, "output-value")
    assert (plan.rate, plan.schedule, plan.batch_size, plan.epochs, plan.seed) == (5e-5, "cosine", 16, 1, 2024)
    assert round(plan.warmup * 57_477 / 2 / plan.batch_size) == 128
    assert llama3_8b_lora_tpu().max_length == 1024


def test_a_recipe_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    with pytest.raises(SettingsError, match="there is no recipe 'smoke'; there are smoke_cpu, smollm2_cpu_gpu"):
        recipe_of("smoke")


def test_vary_changes_the_recipe_and_its_plan_and_leaves_the_first_alone() -> None:
    base = smoke_cpu()
    varied = vary(base, name="other", rate=2e-3, max_length=64)
    assert (varied.name, varied.plan.rate, varied.max_length) == ("other", 2e-3, 64)
    assert varied.plan.epochs == base.plan.epochs
    assert base == smoke_cpu()


def test_vary_checks_the_whole_again() -> None:
    with pytest.raises(ValidationError, match="cannot be trained"):
        vary(smoke_cpu(), quantize="int4", tune="full")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        vary(smoke_cpu(), max_length=0)
    with pytest.raises(ValidationError, match="prompt cap"):
        vary(smoke_cpu(), prompt_cap="much")
    with pytest.raises(ValueError, match="neither a recipe nor its plan has ranks"):
        vary(smoke_cpu(), ranks=4)


def test_the_better_variant_keeps_what_it_does_not_name() -> None:
    first, better = llama3_8b_lora_tpu(), llama3_8b_lora_tpu_better()
    assert (better.model, better.accelerator, better.plan.seed) == (first.model, first.accelerator, first.plan.seed)
    assert better.plan.rank > first.plan.rank
