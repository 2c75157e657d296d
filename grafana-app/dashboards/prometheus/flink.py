"""The job on Apache Flink: its figures, and Flink's own, as Flink's reporters for Prometheus and for OTLP name them.

Both give gauges the same name. What is a meter to Flink ends in ``_rate`` behind a Collector; both are asked.
"""

from __future__ import annotations

from dashboards.panels import NONE_WANTED, Panel, number, series

from .promql import figure, line, lines

#: The job's name (`dns_rules.flink`), and the operators that are ours.
JOB = 'job_name="dnstower"'
OURS = f'{JOB}, operator_name=~"judge|correlate"'
ABSENT = "No job on Flink reports here"
BEHIND = ((None, "green"), (60, "orange"), (300, "red"))
#: By its chain of operators a task has a name that nobody reads: this is the first of them, or the topic it reads.
TASKS = "(judge|correlate).*|Source.*default_database[._](normalized|control).*"


def of_job(name: str) -> str:
    """What the job manager says of the job."""
    return f"flink_jobmanager_job_{name}{{{JOB}}}"


def of_operators(name: str, matchers: str = OURS) -> str:
    """What operators say, one series a slot."""
    return f"flink_taskmanager_job_task_operator_{name}{{{matchers}}}"


def behind(by: str = "") -> str:
    """Seconds that the slowest slot is behind the clock; a slot that has seen nothing yet says a time before all."""
    return f"time() - min{by} ({of_operators('currentInputWatermark')} > 0) / 1000"


def told(name: str) -> str:
    """How many in each step."""
    return f"sum(increase({of_operators(f'dnstower_{name}', JOB)}[$__rate_interval]))"


def task(name: str) -> str:
    """The most of all slots, by task."""
    of_tasks = f"flink_taskmanager_job_task_{name}{{{JOB}}}"
    return f'max by (task) (label_replace({of_tasks}, "task", "$1$2", "task_name", "{TASKS}")) / 1000'


def panels() -> tuple[Panel, ...]:
    """The row."""
    records = f'{{__name__=~"flink_taskmanager_job_task_operator_numRecordsInPerSecond(_rate)?", {OURS}}}'
    return (
        number("Job runs for", "How long the job has been running; 0 while it starts, restarts, or has failed.",
               figure(f"max({of_job('runningTime')}) / 1000"), unit="s", empty=ABSENT,
               steps=((None, "red"), (1, "green"))),
        number("Job behind", "Seconds that its judgement is behind the clock: how late the slowest slot's watermark "
               "is. With no lateness it is a little more than ten.",
               figure(behind()), unit="s", empty=ABSENT, steps=BEHIND),
        number("Messages to read", "Messages on its topics that it has not read yet.",
               figure(f"sum({of_operators('pendingRecords', JOB)})"), unit="none", empty=ABSENT,
               steps=((None, "green"), (10_000, "orange"), (1_000_000, "red"))),
        number("Last checkpoint took", "How long it took. Findings and incidents are told once it has ended.",
               figure(f"max({of_job('lastCheckpointDuration')}) / 1000"), unit="s", empty=ABSENT,
               steps=((None, "green"), (10, "orange"), (60, "red"))),
        number("Checkpoints failed", "How many failed in the chosen time; while the job starts, one may.",
               figure(f"sum(increase({of_job('numberOfFailedCheckpoints')}[$__range]))"), unit="none", empty=ABSENT,
               steps=NONE_WANTED, decimals=0),
        number("Messages not read", "Events and control messages that it could not read since it last began; they are "
               "on the topic of dead letters.",
               figure(f"sum({of_operators('dnstower_deadletters', JOB)})"), unit="none", empty=ABSENT,
               steps=NONE_WANTED),
        series("Job's records", "Records a second: what is judged, and what is correlated.",
               line(f"sum by (operator_name) ({records})", "{{operator_name}}"), unit="none", empty=ABSENT),
        series("Job's delay", "Seconds that each of its steps is behind the clock, by the slowest slot.",
               line(behind(" by (operator_name)"), "{{operator_name}}"), unit="s", empty=ABSENT, steps=BEHIND),
        series("Job's load", "Share of its time that the busiest slot of a task works (the judgement: waits for its "
               "Python), or is held back by what comes after it.",
               lines(**{
                   "{{task}} busy": task("busyTimeMsPerSecond"),
                   "{{task}} held back": task("backPressuredTimeMsPerSecond"),
               }),
               unit="percentunit", empty=ABSENT, top=1),
        series("What the job says", "Findings that began, changed and ended; changes of incidents; events that came "
               "after their step was judged; and messages that could not be read.",
               lines(findings=told("findings"), incidents=told("incidents"), late=told("late"),
                     **{"dead letters": told("deadletters")}),
               unit="none", empty=ABSENT, stacked=True),
    )  # fmt: skip
