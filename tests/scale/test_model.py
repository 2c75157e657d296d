"""What doubles when the load doubles, what does not, and what breaks first."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from benchmarks.capacity.__main__ import main
from benchmarks.capacity.coefficients import FILE, CoefficientError, load, save
from benchmarks.capacity.model.correlation import correlation
from benchmarks.capacity.model.ground import Ground
from benchmarks.capacity.model.load import Load
from benchmarks.capacity.model.mode import MODES
from benchmarks.capacity.model.plan import plan
from benchmarks.capacity.model.postgres import database, database_disk
from benchmarks.capacity.model.states import state, writes

from .figures import FIGURES, but

LOAD = Load(zones=10_000)
GROUND = Ground()


def needs(found):
    return {need.part: need for need in found.needs}


def uses(found):
    return {limit.part: limit for limit in found.limits}


@pytest.mark.parametrize(
    ("what", "change", "factor"),
    [
        ("zones", {"zones": 20_000}, 2),
        ("questions", {"questions": 2}, 2),
        ("regions", {"regions": 6}, 2),
        ("the interval", {"interval": 30.0}, 2),
        ("servers, of three vantages one more", {"servers": 3}, 4 / 3),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_events_follow(what, change, factor):
    assert structs.replace(LOAD, **change).rate == pytest.approx(factor * LOAD.rate)


@pytest.mark.parametrize("mode", MODES)
def test_all_that_is_spent_doubles_with_the_zones(mode):
    one, two = (needs(plan(structs.replace(LOAD, zones=n), FIGURES, GROUND, mode)) for n in (10_000, 20_000))
    for part, need in one.items():
        if need.cores is not None:
            assert two[part].cores == pytest.approx(2 * need.cores), part
        assert two[part].memory == pytest.approx(2 * need.memory), part
        assert two[part].disk == pytest.approx(2 * need.disk), part


@pytest.mark.parametrize(("interval", "each"), [(600.0, 2 * 9 / 600), (60.0, 2 * 9 / 60), (9.0, 1 + 1 / 5)])
def test_a_state_is_written_for_an_event_and_once_more_in_each_step_at_most(interval, each):
    assert writes(structs.replace(LOAD, interval=interval), FIGURES) == pytest.approx(10_000 * each)


def test_a_states_samples_have_a_bound():
    assert state(LOAD, FIGURES) == 9 * 500 + 270 * 100
    assert state(structs.replace(LOAD, interval=1.0), FIGURES) == 9 * 500 + 360 * 100


@pytest.mark.parametrize(
    ("mode", "wal"),
    [
        # 1,500 events/s of 1 kB; 3,000 states/s of 31.5 kB.
        ("group", 1_500 * 1_000 + 3_000 * 31_500),
        ("flink", 1_500 * 1_000),
        ("embedded", 1_500 * 1_700 + 3_000 * 31_500),
    ],
)
def test_wal_is_of_what_the_mode_writes(mode, wal):
    assert database(LOAD, FIGURES, mode)[1] == pytest.approx(wal)


def test_the_store_holds_a_row_a_minute_at_most():
    """Of a question at a vantage: asked twice as often, minutes are as large as they were."""
    once, twice = (database_disk(structs.replace(LOAD, interval=i), FIGURES, "flink") for i in (60.0, 30.0))
    more = 10_000 * 9 / 60 * 3600 * 100  # ids of the last hour
    assert twice - once == pytest.approx(more)


@pytest.mark.parametrize(
    ("findings", "teams", "seconds"),
    [
        (0, 0, 0),
        # Half of 1,000 are open on average, each of which costs 2 µs.
        (1_000, 0, 1_000 * (100e-6 + 500 * 2e-6)),
        # One incident of 1,000 zones: half of them are in it on average.
        (1_000, 1, 1_000 * (100e-6 + 0.9995 * 2e-6 + 500 * 1e-6)),
    ],
)
def test_the_correlation_grows_with_what_is_open(findings, teams, seconds):
    assert correlation(findings, FIGURES, teams=teams) == pytest.approx(seconds)


def test_twice_the_zones_of_a_fault_take_four_times_as_long():
    assert correlation(200_000, FIGURES) / correlation(100_000, FIGURES) == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize(
    ("mode", "figures", "first"),
    [
        ("embedded", FIGURES, "judge, one core"),
        ("group", FIGURES, "PostgreSQL, WAL"),
        ("group", but(correlate_open=1e-3), "correlate, a TLD fails"),
        ("group", but(correlate_joined=1), "correlate, a TLD fails"),
        ("flink", but(correlate_open=0, correlate_joined=0, correlate_cpu=0), "PostgreSQL, disk"),
        ("group", but(query_worst=1), "panel, the worst zones (slow)"),
    ],
)
def test_what_breaks_first(mode, figures, first):
    assert plan(LOAD, figures, GROUND, mode).limits[0].part == first


@pytest.mark.parametrize("mode", MODES)
def test_a_limit_is_reached_where_it_says(mode):
    for limit in plan(LOAD, FIGURES, GROUND, mode).limits:
        below, above = (
            uses(plan(structs.replace(LOAD, zones=round(limit.zones * by)), FIGURES, GROUND, mode))[limit.part]
            for by in (0.99, 1.01)
        )
        assert below.use < limit.most < above.use, limit


def test_workers_and_partitions():
    found = plan(LOAD, FIGURES, GROUND, "group")
    # 1,500 events of 200 µs and 3,000 states of 315 µs are 1.4 cores, of which 0.6 each are planned with.
    assert found.workers == 3
    assert found.partitions == 6
    assert needs(found)["Kafka"].machines == GROUND.copies
    assert plan(LOAD, FIGURES, GROUND, "embedded").partitions == 0


def test_what_is_not_measured_is_left_open():
    found = plan(LOAD, FIGURES, GROUND, "flink")
    assert needs(found)["Flink"].cores is None
    assert (found.workers, found.cores, found.machines) == (None, None, None)
    known = plan(LOAD, but(flink_judge_cpu=1e-3), GROUND, "flink")
    assert needs(known)["Flink"].cores == pytest.approx(1.5)
    assert known.cores is not None
    with pytest.raises(CoefficientError, match="flink_judge_cpu is not measured yet: nobody did"):
        FIGURES["flink_judge_cpu"]


def test_coefficients_go_to_a_file_and_back(tmp_path):
    save(FIGURES, tmp_path / "c.json")
    assert load(tmp_path / "c.json") == FIGURES
    (tmp_path / "c.json").write_text('{"machine": 1}')
    with pytest.raises(CoefficientError, match=r"c\.json: .*machine.*writes it anew"):
        load(tmp_path / "c.json")


def test_the_measured_ones_are_all_that_the_model_asks_for():
    measured = load(FILE)
    for mode in MODES:
        assert plan(LOAD, measured, GROUND, mode).limits
    assert {name for name in FIGURES.figures if not measured.has(name)} <= {"flink_judge_cpu"}
    assert all(coefficient.how and coefficient.unit for coefficient in measured.figures.values())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--zones", "10"], 0, "embedded: 10 zones"),
        (["--zones", "10000000", "--mode", "group"], 3, "over "),
        (["--coefficients", "/nowhere.json"], 1, "/nowhere.json"),
    ],
)
def test_the_command_says_whether_it_holds(capsys, arguments, code, said):
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert said in out + err


def test_the_command_speaks_json(capsys):
    main(["--zones", "1000", "--interval", "300", "--json"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["mode"] for each in told] == list(MODES)
    assert told[0]["rate"] == 30
    assert all(each["cores"] > 0 for each in told)
