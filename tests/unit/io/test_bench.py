"""Is a bench read as it was written, and refused in one line that names the file and the field?"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from iceball import io, library
from iceball.errors import GeometryError, InputError, UnknownName
from iceball.io.schemas import schemas
from iceball.nouns import Medium

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.toml"))
GEL = (ROOT / "docs" / "examples" / "gel.toml").read_text(encoding="utf-8")
LAYERS = (ROOT / "docs" / "examples" / "layers.toml").read_text(encoding="utf-8")


@pytest.fixture
def changed(tmp_path):
    """Write an example with one piece replaced; gives its path."""

    def write(old: str, new: str, text: str = GEL) -> Path:
        assert old in text
        path = tmp_path / "changed.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_published_example_is_read_and_obeys_the_schema(path):
    import tomllib

    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), json.loads(schemas()["bench.schema.json"]))
    assert io.read_bench(path).probes


def test_the_numbers_of_a_bench_arrive_where_they_belong():
    bench = io.read_bench(ROOT / "docs" / "examples" / "gel.toml")
    medium, probe = bench.layers[0].medium, bench.probes[0].probe
    assert isinstance(medium, Medium)
    assert (medium.conductivity_unfrozen_w_per_m_k, medium.latent_heat_j_per_m3) == (0.57, 316.92e6)
    assert medium.heat_capacity_frozen_j_per_m3_k == ((-200.0, 0.689e6), (-1.0, 2.060e6))
    assert (bench.start_c, bench.spacing_mm, bench.report_s) == (37.0, 1.0, (300.0, 600.0, 900.0))
    assert (probe.shaft_diameter_mm, probe.active_length_mm, probe.gas_temperature_c) == (1.5, 30.0, -140.0)
    assert (probe.internal_resistance_k_m_per_w, probe.cooling_time_s) == (0.0, 15.0)
    assert bench.points_mm[0] == ("10 mm", (10.0, 0.0, 0.0))


def test_the_layers_and_probes_of_the_library_arrive_as_they_are():
    bench = io.read_bench(ROOT / "docs" / "examples" / "layers.toml")
    assert [layer.medium for layer in bench.layers] == [library.tissue("muscle"), library.tissue("fat")]
    assert bench.probes[0].probe == library.probe("argon-17g-30mm")
    assert bench.probes[1].probe.internal_resistance_k_m_per_w == 0.13
    assert bench.isotherms_c == tuple(row.value for row in library.isotherms())


def test_blood_may_be_taken_out_of_a_tissue_of_the_library(changed):
    path = changed('tissue = "muscle"', 'tissue = "muscle"\nperfusion_w_per_m3_k = 0', LAYERS)
    assert io.read_bench(path).layers[0].medium.perfusion_w_per_m3_k == 0


def test_minutes_may_be_written_as_a_number(changed):
    assert str(io.read_bench(changed('protocol = "15"', "protocol = 15")).protocol) == "15"


NUMBER = "conductivity_unfrozen_w_per_m_k = 0.57"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("start_c = 37", "start_c = nan", "start_c: Input should be a finite number, not nan"),
        ("start_c = 37", "start_c = -inf", "start_c: Input should be a finite number"),
        ("start_c = 37", "", "start_c: Field required"),
        ("start_c = 37", "start_c = '37'", "start_c: Input should be a valid number, not '37'"),
        ("start_c = 37", "start_c = 37\nstart_k = 310", "start_k: Extra inputs are not permitted"),
        ("start_c = 37", "start_c = 37\nwalls = 'open'", "walls: Input should be 'held' or 'insulated'"),
        ("start_c = 37", "start_c = 37\nversion = 2", "version: Input should be 1"),
        ("start_c = 37", "start_c = 37\nlayers_from_z_mm = 0", r"layers_from_z_mm contradicts \[medium\]"),
        ('protocol = "15"', 'protocol = "thaw for 5 min"', "a protocol needs at least one freeze"),
        ('protocol = "15"', "protocol = nan", "protocol"),
        (NUMBER, "", "medium: conductivity_unfrozen_w_per_m_k is missing"),
        (NUMBER, NUMBER + "\ncolour = 'red'", "medium.colour: Extra inputs"),
        (NUMBER, NUMBER + "\ntissue = 'muscle'", "conductivity_frozen_w_per_m_k contradicts tissue = 'muscle'"),
        ("[-20, 2.395]", "[-20, nan]", r"conductivity_frozen_w_per_m_k.table.9.1: Input should be a finite number"),
        ("[-20, 2.395]", "[-20, 2.395, 1]", "conductivity_frozen_w_per_m_k.table.9"),
        ("solidus_c = -1", "solidus_c = 1", "solidus_c 1 lies above liquidus_c"),
        ("surface_c = -140", "surface_c = -140\ngas_c = -150", "probes.0: surface_c contradicts gas_c"),
        ("surface_c = -140", "gas_c = -150", "probes.0: internal_resistance_k_m_per_w missing"),
        ("surface_c = -140", "", "gas_c and internal_resistance_k_m_per_w missing"),
        ("surface_c = -140", 'probe = "argon-17g-30mm"', "diameter_mm contradicts probe = 'argon-17g-30mm'"),
        ("surface_c = -140", "surface_c = 5", "a gas at 5 °C does not freeze"),
        ("diameter_mm = 1.5", "", "probes.0: diameter_mm missing"),
        ("diameter_mm = 1.5", "diameter_mm = 2020-01-01", "probes.0.diameter_mm: Input should be a valid number"),
        ("tip_mm = [0, 0, -15]", "", "probes.0.tip_mm: Field required"),
        ("tip_mm = [0, 0, -15]", "tip_mm = [0, 0]", "probes.0.tip_mm.2: Field required"),
        ("tip_mm = [0, 0, -15]", "tip_mm = [0, 0, inf]", "probes.0.tip_mm.2: Input should be"),
        ("direction = [0, 0, -1]", "", "either direction .* or entry_mm"),
        ("direction = [0, 0, -1]", "direction = [0, 0, 0]", "direction .* has no length"),
        ('"10 mm" = [10, 0, 0]', '"10 mm" = 10', "points_mm.10 mm"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line_that_names_the_file_and_the_field(changed, old, new, says):
    with pytest.raises(InputError, match=says) as refused:
        io.read_bench(changed(old, new))
    assert "changed.toml is refused" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_tissue_without_frozen_properties_is_refused(changed):
    start = GEL.index("conductivity_frozen_w_per_m_k")
    table = GEL[start : GEL.index("]\n", GEL.index("[-80", start)) + 2]
    with pytest.raises(
        InputError, match="conductivity_frozen_w_per_m_k is missing .a medium without frozen properties"
    ):
        io.read_bench(changed(table, ""))


def test_the_kind_of_a_refusal_is_kept(changed):
    with pytest.raises(GeometryError, match=r"changed\.toml"):
        io.read_bench(changed("direction = [0, 0, -1]", "direction = [0, 0, 0]"))
    with pytest.raises(UnknownName, match="muscles"):
        io.read_bench(changed('tissue = "muscle"', 'tissue = "muscles"', LAYERS))


def test_perfused_media_ask_for_the_temperature_of_the_blood(changed):
    with pytest.raises(InputError, match="muscle is perfused: write arterial_c"):
        io.read_bench(changed("arterial_c = 37", "", LAYERS))


@pytest.mark.parametrize(("content", "says"), [(b"start_c = ", "is no TOML"), (b"\xff\xfe", "byte 0 is not UTF-8")])
def test_a_file_that_is_no_toml_is_refused(tmp_path, content, says):
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"odd\.toml is refused: .*{says}"):
        io.read_bench(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml cannot be read"):
        io.read_bench(tmp_path / "none.toml")


def test_what_lies_at_the_handle_is_read(changed):
    path = changed("gas_c = -150", 'gas_c = -150\ngas_at_handle_c = -120\nhandle_end = "insulated shaft"', LAYERS)
    probe = io.read_bench(path).probes[1].probe
    assert probe.handle_gas_c == -120
    assert probe.source_length_mm < probe.active_length_mm
