"""``flink run -pym dns_rules.flink`` starts the job so: ``python -m dns_rules.flink --config job.yaml``."""

import sys

from dns_rules.cli import run

if __name__ == "__main__":
    run(["flink", "run", *sys.argv[1:]])
