"""The published schemas are those of the readers, and the published examples obey them."""

import json
from pathlib import Path

import jsonschema
import pytest

from iceball import io
from iceball.io._models import CaseFile, PlanFile, parse
from iceball.io._run_models import RunFile
from iceball.io.schemas import schemas, write_schemas

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "reference" / "schemas"
MODELS = {"case": CaseFile, "plan": PlanFile, "run": RunFile}


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_published_schema_is_up_to_date(name):
    """If not: python -m iceball.io.schemas docs/reference/schemas."""
    assert (PUBLISHED / name).read_text(encoding="utf-8") == schemas()[name]


@pytest.mark.parametrize("name", MODELS)
def test_the_published_example_obeys_its_schema_and_the_reader_takes_it(name):
    schema = json.loads(schemas()[f"{name}.schema.json"])
    path = PUBLISHED / f"{name}.example.json"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)
    parse(MODELS[name], path, name)


def test_the_example_of_a_plan_names_a_probe_of_the_library():
    assert len(io.read_plan(PUBLISHED / "plan.example.json").placements) == 1


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("field", ["format", "version"])
def test_a_file_must_say_its_format_and_version(name, field):
    content = json.loads((PUBLISHED / f"{name}.example.json").read_text(encoding="utf-8"))
    del content[field]
    with pytest.raises(jsonschema.ValidationError, match=f"'{field}' is a required property"):
        jsonschema.validate(content, json.loads(schemas()[f"{name}.schema.json"]))


def test_what_is_written_obeys_the_schemas(case, history, plan, tmp_path):
    io.write_case(case, tmp_path / "case")
    io.write_run(history, plan, tmp_path / "case", tmp_path / "run")
    for name, path in {"case": tmp_path / "case" / "case.json", "run": tmp_path / "run" / "run.json"}.items():
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), json.loads(schemas()[f"{name}.schema.json"]))


def test_schemas_are_written_where_they_are_asked_for(tmp_path):
    write_schemas(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == schemas()
