"""What ./dev does. Environments are made from the one lock and reused while it stands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "none"
nox.options.error_on_external_run = False

ROOT = Path(__file__).parent
#: The part of benchmarks/ that only reckons.
CAPACITY = (
    "__main__.py", "book.py", "coefficients.py", "model", "page.py", "plots.py", "times.py", "week", "words.py",
)  # fmt: skip
PACKAGES = ("dns-events", "otel-dns-receiver", "dns-rules", "kafka-bridge")

# Debian's packages of the programs that the lab and the tests drive, by program.
PROGRAMS = {
    "knotd": "knot",
    "kdig": "knot-dnsutils",
    "nsd": "nsd",
    "named": "bind9",
    "delv": "bind9-dnsutils",
    "unbound": "unbound",
    "drill": "ldnsutils",
    "ip": "iproute2",
}
# What the tests drive besides the lab.
PEERS = {
    "chromium": "chromium",
    "dnsdist": "dnsdist",
    "dnsmasq": "dnsmasq-base",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "influxd": "influxdb",
    "/usr/lib/*/faketime/libfaketimeMT.so.1": "faketime",
    "/usr/lib/*/knot/modules-*/dnstap.so": "knot-module-dnstap",
    "java": "default-jre-headless",
    "mvn": "maven",
    "node": "nodejs",
    "npm": "npm",
}


# Much of the time tests wait for real clocks; those that wait longest (tests/e2e) come first, and the others meanwhile.
ALL_TESTS = ("--numprocesses=3", "--dist=loadfile", "--no-loadscope-reorder")


def environment(session: nox.Session, name: str, *groups: str, quiet: bool = True) -> Path:
    """The environment of these dependency groups; made once, brought up to the lock each time."""
    place = ROOT / ".nox" / name
    selected = [argument for group in groups for argument in ("--group", group)]
    session.run(
        "uv",
        "sync",
        *(["--quiet"] if quiet else []),
        "--locked",
        "--all-packages",
        "--all-extras",
        "--no-default-groups",
        *selected,
        env={"UV_PROJECT_ENVIRONMENT": str(place)},
        external=True,
        silent=False,
    )
    return place / "bin"


def become(program: Path, *arguments: str) -> None:
    """Become the program, so that its exit code, its signals and its output are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(ROOT)
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    os.execv(program, [str(program), *arguments])


def install_programs(session: nox.Session, programs: dict[str, str]) -> None:
    """On Debian as root: install what is missing. Elsewhere: say what to install."""
    os.environ["PATH"] += ":/usr/sbin:/sbin:/usr/local/sbin"
    missing = sorted({package for name, package in programs.items() if not _there(name)})
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        session.warn(
            f"missing: {' '.join(missing)}. Install them (Debian, Ubuntu: sudo apt-get install "
            f"{' '.join(missing)}); what needs them is skipped, and says so"
        )
        return
    print(f"installing {' '.join(missing)}", file=sys.stderr)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    # A name server that the package starts by itself would take port 53 from the lab.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        ):
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0:
                session.error(f"{' '.join(command)} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")
    finally:
        if ours:
            policy.unlink()


def bring(session: nox.Session, name: str, goal: str) -> None:
    """What the `pom.xml` of a peer on Java names, by Maven, for tests without Docker."""
    pom, place = ROOT / "tests" / "stack" / name / "pom.xml", ROOT / ".nox" / name
    stamp = place / "pom.xml"
    if stamp.exists() and stamp.read_bytes() == pom.read_bytes():
        return
    if shutil.which("mvn") is None or shutil.which("java") is None:
        session.warn(f"no {name}: java and mvn are missing; what needs it is skipped, and says so")
        return
    print(f"bringing {name}'s jars", file=sys.stderr)
    shutil.rmtree(place, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(pom), f"dependency:{goal}", f"-DoutputDirectory={place}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        session.error(f"{' '.join(command)} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")
    shutil.copy(pom, stamp)


def flink(session: nox.Session) -> None:
    """The environment of the job on Apache Flink, of the lock of its own."""
    if shutil.which("java") is None or sys.version_info >= (3, 13):
        session.warn("no Flink: it needs java, and Python 3.11 or 3.12; what needs it is skipped, and says so")
        return
    project, place = ROOT / "packages" / "dns-rules" / "flink", ROOT / ".nox" / "flink-environment"
    env = {"UV_PROJECT_ENVIRONMENT": str(place)}
    command = ("uv", "sync", "--quiet", "--locked", "--project", str(project))
    # Where it cannot be had, its tests are skipped and say so.
    session.run(*command, env=env, external=True, success_codes=(0, 1, 2))


@nox.session
def up(session: nox.Session) -> None:
    """Watch the lab, or the domains that are named."""
    binaries = environment(session, "run", "run", "lab")
    arguments = session.posargs
    if _names_something(arguments):
        become(binaries / "kafka-bridge", "up", *arguments)
    install_programs(session, PROGRAMS)
    become(binaries / "python", "-m", "tests.lab.demo", *arguments)


@nox.session
def drill(session: nox.Session) -> None:
    """Break the running lab and wait for the page."""
    become(environment(session, "run", "run", "lab") / "python", "-m", "tests.lab.drill", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """All tests."""
    install_programs(session, PROGRAMS | PEERS)
    bring(session, "kafka", "copy-dependencies")
    bring(session, "registry", "unpack")
    bring(session, "flink", "copy-dependencies")
    flink(session)
    become(environment(session, "test", "test") / "python", "-m", "pytest", *(session.posargs or ALL_TESTS))


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint, types, architecture, dependencies, changelog."""
    binaries = environment(session, "lint", "lint")

    def run(tool: str, *arguments: str, cwd: Path = ROOT) -> None:
        with session.chdir(cwd):
            session.run(str(binaries / tool), *arguments, external=True)

    run("ruff", "format", "--check", ".")
    run("ruff", "check", ".")
    for package in PACKAGES:
        run("mypy", f"packages/{package}/src")
    run("mypy", "grafana-app/dashboards")
    run("mypy", "tests/lab", "tests/stack/kafka", "docs/site", "noxfile.py")
    run("mypy", *(f"benchmarks/capacity/{name}" for name in CAPACITY))
    run("lint-imports")
    for package in PACKAGES:
        run("deptry", "src", cwd=ROOT / "packages" / package)
        run("towncrier", "build", "--draft", "--version", "next", cwd=ROOT / "packages" / package)
    run("dns-rules", "test")


@nox.session
def bench(session: nox.Session) -> None:
    """Figures beside peers, in one run."""
    install_programs(session, PROGRAMS | PEERS | {"dnsperf": "dnsperf"})
    # The stacks that are measured are the tests'.
    become(environment(session, "test", "test") / "python", "-m", "benchmarks", *session.posargs)


@nox.session
def capacity(session: nox.Session) -> None:
    """What so many zones need, by measured coefficients; docs/scale.md anew."""
    become(environment(session, "test", "test") / "python", "-m", "benchmarks.capacity", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Wheels and source archives, each wheel installed alone and imported."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("uv", "build", "--quiet", "--all-packages", "--out-dir", "dist", external=True)
    for package in PACKAGES:
        module = package.replace("-", "_")
        session.run(
            "uv", "run", "--quiet", "--isolated", "--no-project", "--find-links", "dist",
            "--with", f"{package}[{_extra(package)}]" if _extra(package) else package,
            "python", "-c", f"import {module}; print({module!r}, {module}.__version__)",
            external=True,
        )  # fmt: skip


@nox.session
def dashboards(session: nox.Session) -> None:
    """Grafana's dashboards anew, from grafana-app/dashboards."""
    binaries = environment(session, "test", "test")
    os.environ["PYTHONPATH"] = str(ROOT / "grafana-app")
    become(binaries / "python", "-m", "dashboards", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The docs site; a dead link fails."""
    become(environment(session, "run", "run", "lab", "docs") / "python", "-m", "docs.site", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """The pictures in docs/ of the board and of messages, from the lab, healthy and during an incident."""
    install_programs(session, PROGRAMS | PEERS | {"pngquant": "pngquant"})
    become(environment(session, "run", "run", "lab") / "python", "-m", "tests.lab.pictures", *session.posargs)


def _there(name: str) -> bool:
    """Whether a program, or a file by its pattern, is installed."""
    return any(Path("/").glob(name[1:])) if name.startswith("/") else shutil.which(name) is not None


def _names_something(arguments: list[str]) -> bool:
    """Whether `up` is told what to watch, or asked for help; without that it is the lab."""
    takes_value = {
        "--resolver", "--trust-anchor", "--root-hints", "--inventory", "--rules", "--interval", "--timeout",
        "--dir", "--board", "--for",
    }  # fmt: skip
    if {"--inventory", "--help", "-h"} & {argument.split("=")[0] for argument in arguments}:
        return True
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument.startswith("-"):
            skip = argument in takes_value
        else:
            return True
    return False


def _extra(package: str) -> str:
    return {"dns-events": "otlp", "otel-dns-receiver": "app", "kafka-bridge": "embedded"}.get(package, "")
