"""facts.json: strict to read, whole when written."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screening_answers import facts_of, values

from iceball import io, library
from iceball.errors import InputError, UnknownName
from iceball.io.schemas import schemas
from iceball.nouns import Fact

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "reference" / "schemas"
WHOLE = {"format": "iceball-facts", "version": 1, "answers": {"inr": 1.2, "cord_compression": False}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "facts.json"


def written(path, content) -> None:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def test_answers_are_read_as_asked_facts_in_the_order_of_the_questions(path):
    written(path, WHOLE)
    assert io.read_facts(path) == (
        Fact(key="cord_compression", value=False, origin="asked"),
        Fact(key="inr", value=1.2, origin="asked", unit="1"),
    )


def test_a_number_may_be_a_text_with_its_unit(path):
    written(path, WHOLE | {"answers": {"lesion_diameter_mm": "35 mm", "vertebral_collapse_fraction": "40 %"}})
    assert {fact.key: fact.value for fact in io.read_facts(path)} == {
        "lesion_diameter_mm": 35.0,
        "vertebral_collapse_fraction": 0.4,
    }


@settings(max_examples=25)  # each checks a whole file against the schema
@given(data=st.data())
def test_what_is_written_is_read_back(data, tmp_path_factory):
    keys = data.draw(st.sets(st.sampled_from(list(library.questions()))))
    facts = facts_of({key: data.draw(values(library.question(key))) for key in sorted(keys)})
    path = tmp_path_factory.mktemp("facts") / "facts.json"
    io.write_facts(facts, path)
    assert set(io.read_facts(path)) == set(facts)
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), json.loads(schemas()["facts.schema.json"]))


def test_the_same_answers_make_the_same_bytes_in_any_order(path, tmp_path):
    facts = facts_of({"inr": 1.2, "cord_compression": False})
    io.write_facts(facts, path)
    io.write_facts(reversed(facts), tmp_path / "other.json")
    assert path.read_bytes() == (tmp_path / "other.json").read_bytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", r"facts file .*facts.json is refused: the whole file: Invalid JSON"),
        ({"answers": {}}, "is refused: format: Field required"),
        (WHOLE | {"format": "iceball-plan"}, "is refused: format: Input should be 'iceball-facts', not 'iceball-plan'"),
        (WHOLE | {"version": 2}, "is refused: version: Input should be 1, not 2"),
        (WHOLE | {"patient": "Doe"}, "is refused: patient: Extra inputs are not permitted"),
        (WHOLE | {"answers": {"inr": None}}, "answers.inr: Value error, an answer is true or false, a number"),
        (WHOLE | {"answers": {"inr": [1]}}, "answers.inr: Value error, an answer is true or false, a number"),
        (WHOLE | {"answers": {"inr": float("nan")}}, "answers.inr: Value error, an answer is true or false, a number"),
        (WHOLE | {"answers": {"inr": 10**400}}, "answers.inr: Value error, an answer is true or false, a number"),
        (WHOLE | {"answers": {"inr": 99}}, "facts.json: inr takes a number from 0.5 to 20, not 99"),
        (WHOLE | {"answers": {"inr": "high"}}, "facts.json: inr takes a number from 0.5 to 20, not 'high'"),
        (WHOLE | {"answers": {"cord_compression": 1}}, "cord_compression takes yes or no, not 1.0"),
        ('{"format": "iceball-facts", "version": 1, "answers": {"inr": 1, "inr": 5}}', "has inr twice: leave out"),
    ],
)
def test_what_is_no_facts_file_is_refused_in_one_line(path, content, says):
    written(path, content)
    with pytest.raises(InputError, match=says) as refused:
        io.read_facts(path)
    assert "\n" not in str(refused.value)


def test_an_unknown_key_is_refused_with_the_near_one_and_the_file(path):
    written(path, WHOLE | {"answers": {"worst_pain": 5}})
    with pytest.raises(UnknownName, match=r"facts.json: no question 'worst_pain' .did you mean 'worst_pain_nrs'"):
        io.read_facts(path)


def test_a_file_that_is_not_there_is_refused(path):
    with pytest.raises(InputError, match="cannot be read: No such file or directory; check the path"):
        io.read_facts(path)


def test_what_was_measured_is_not_written_as_an_answer(path):
    with pytest.raises(InputError, match="inr is measured, not asked"):
        io.write_facts(facts_of({"inr": 1.2}, "measured"), path)
    assert not path.exists()


def test_two_answers_to_one_question_are_not_written(path):
    with pytest.raises(InputError, match=r"inr is answered twice, 1.2 and 1.3"):
        io.write_facts((*facts_of({"inr": 1.2}), *facts_of({"inr": 1.3})), path)
    assert not path.exists()


def test_an_answer_that_is_none_is_not_written(path):
    with pytest.raises(InputError, match="inr takes a number from 0.5 to 20, not 99"):
        io.write_facts(facts_of({"inr": 99.0}), path)
    assert not path.exists()


def test_a_file_is_replaced_whole_and_nothing_else_is_left(path):
    io.write_facts(facts_of({"inr": 1.2}), path)
    io.write_facts(facts_of({"inr": 1.4}), path)
    assert [fact.value for fact in io.read_facts(path)] == [1.4]
    assert [each.name for each in path.parent.iterdir()] == ["facts.json"]


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="cannot write"):
        io.write_facts((), tmp_path / "file" / "facts.json")


def test_the_published_example_obeys_its_schema_and_the_reader_takes_it():
    example = PUBLISHED / "facts.example.json"
    jsonschema.validate(json.loads(example.read_text(encoding="utf-8")), json.loads(schemas()["facts.schema.json"]))
    assert {fact.key: fact.value for fact in io.read_facts(example)}["vertebral_collapse_fraction"] == 0.2


def test_a_screening_is_written_with_its_format(tmp_path):
    io.write_screening({"verdict": "open"}, tmp_path / "screening.json")
    told = json.loads((tmp_path / "screening.json").read_text(encoding="utf-8"))
    assert told == {"format": "iceball-screening", "version": 1, "verdict": "open"}
