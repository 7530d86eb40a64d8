"""`tidemark schema`, as editors use it: a packaged validator takes every example and refuses what `validate` refuses."""
import copy
import json
import pathlib
import subprocess

import jsonschema
import yaml

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


class Loader(yaml.SafeLoader):
    """Dates stay text, as they are for a pipeline."""


Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def window(pipeline):
    return next(step["window"] for step in pipeline["steps"] if "window" in step)


# What is done to a right file.
MISTAKES = {
    "a word nobody knows": lambda p: p.update(nmae="x"),
    "no name": lambda p: p.pop("name"),
    "no sources": lambda p: p.pop("sources"),
    "a setting nobody knows": lambda p: p["sources"]["events"]["kafka"].update(borkers="x"),
    "no topic": lambda p: p["sources"]["events"]["kafka"].pop("topic"),
    "no such type": lambda p: p["sources"]["events"]["schema"].update(x="strng"),
    "no such format": lambda p: p["sources"]["events"].update(format="jsn"),
    "steps that are no list": lambda p: p.update(steps={"filter": "true"}),
    "no such step": lambda p: p["steps"].append({"fliter": "true"}),
    "two steps in one": lambda p: p["steps"].append({"filter": "true", "map": {"x": "1"}}),
    "two kinds of window": lambda p: window(p).update(tumbling={"size": "1m"}),
    "no duration": lambda p: window(p)["sliding"].update(size="five minutes"),
    "no step of a sliding window": lambda p: window(p)["sliding"].pop("step"),
    "no aggregates": lambda p: window(p).pop("aggregates"),
    "no such sink": lambda p: p["sinks"].append({"kafak": {}}),
    "no such delivery": lambda p: p["sinks"][0]["kafka"].update(delivery="twice"),
    "a wrong word below": lambda p: p.update(checkpoint={"evry": "1s"}),
    "a list for a text": lambda p: p.update(name=["x"]),
    "a text for a number": lambda p: p.update(lanes="many"),
}


def test_the_schema_takes_the_examples_and_refuses_mistakes(env):
    schema = json.loads(subprocess.run([env.tidemark, "schema"], capture_output=True, text=True, check=True, timeout=30).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    examples = {path.name: yaml.load(path.read_text(), Loader) for path in sorted(EXAMPLES.glob("*.yaml"))}
    assert len(examples) > 5, examples.keys()
    for name, pipeline in examples.items():
        found = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(pipeline)]
        assert not found, (name, found)
    for what, make in MISTAKES.items():
        pipeline = copy.deepcopy(examples["purchases.yaml"])
        make(pipeline)
        assert not validator.is_valid(pipeline), f"the schema takes {what}"
        file = env.directory / "mistake.yaml"
        file.write_text(json.dumps(pipeline))
        done = subprocess.run([env.tidemark, "validate", file], capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and "mistake.yaml:" in done.stderr, (what, done)
