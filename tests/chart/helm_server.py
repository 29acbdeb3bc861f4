"""Renders a chart for whoever writes a request to the standard input: `python -m tests.chart.helm_server <folder of the chart>`.

Helm is a Go library with threads of its own, which have no business in a process whose other tests fork. One line of JSON
asks, one line answers: the rendered files, or the message of the refusal.
"""

import json
import sys

import helm_python


def main() -> None:
    """Answer until the standard input ends."""
    chart = helm_python.Chart.load(sys.argv[1])
    for line in sys.stdin:
        values, options = json.loads(line)
        try:
            answer: dict[str, object] = {"files": chart.render(values, **options)}
        except helm_python.HelmError as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
