"""What a workload's section of the report holds, and its gates: a number, a bound, pass or fail. Knows no workload."""

import dataclasses

from measuring import Run, median


@dataclasses.dataclass
class Gate:
    text: str
    measured: float
    bound: float
    at_least: bool
    unit: str = "x"

    @property
    def passed(self):
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def line(self):
        sign = ">=" if self.at_least else "<="
        verdict = "pass" if self.passed else "FAIL"
        return f"{verdict}  {self.text}: {self.measured:.3g} {self.unit} (must be {sign} {self.bound:g})"


@dataclasses.dataclass
class Section:
    """One workload, measured. `runs`: by contestant; `facts`: other numbers worth a line, by name."""

    name: str
    title: str
    runs: dict = dataclasses.field(default_factory=dict)
    gates: list = dataclasses.field(default_factory=list)
    facts: dict = dataclasses.field(default_factory=dict)

    def at_least(self, text, measured, bound, unit="x"):
        self.gates.append(Gate(text, measured, bound, True, unit))

    def at_most(self, text, measured, bound, unit="x"):
        self.gates.append(Gate(text, measured, bound, False, unit))

    def rate(self, name):
        """Events per CPU-second, median."""
        return median(self.runs[name], lambda run: run.per_cpu_second)

    def peak_mb(self, name):
        """The largest of all runs: a bound on memory is one that always holds."""
        return max(run.peak_bytes for run in self.runs[name]) / 1e6

    def to_json(self):
        return {
            "title": self.title,
            "runs": {name: [dataclasses.asdict(run) for run in runs] for name, runs in self.runs.items()},
            "gates": [dataclasses.asdict(gate) for gate in self.gates],
            "facts": self.facts,
        }

    @staticmethod
    def from_json(name, data):
        return Section(
            name,
            data["title"],
            {one: [Run(**run) for run in runs] for one, runs in data["runs"].items()},
            [Gate(**gate) for gate in data["gates"]],
            data["facts"],
        )
