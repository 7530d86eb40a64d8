#!/usr/bin/env python3
"""Turns the test cases of google/cel-spec into one file that the conformance test reads.

    convert.py CHECKOUT > tests/conformance/cases.jsonl

CHECKOUT is a work tree or a bare clone of github.com/google/cel-spec. Each case becomes a line of JSON; one that cannot
be run here keeps its name and the reason. It reads textproto by itself and knows nothing of Tidemark's evaluator.
"""
import base64
import json
import re
import subprocess
import sys
from pathlib import Path

DATA = "tests/simple/testdata"
# Files that are about protobuf messages from their first to their last case.
MESSAGE_FILES = {"dynamic", "enums", "proto2", "proto2_ext", "proto3", "wrappers"}
MESSAGE = re.compile(r"TestAllTypes|TestRequired|GlobalEnum|google\.protobuf\.(?!Timestamp|Duration)"
                     r"|proto\.(hasExt|getExt)")

TOKEN = re.compile(r"""\s+|\#[^\n]*|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<any>\[[\w./]+\])"""
                   r"""|(?P<word>[-+\w.]+)|(?P<symbol>[{}<>:,;\[\]])""", re.S)
ESCAPE = re.compile(rb"\\(?:([abfnrtv\\'\"?])|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
LETTERS = dict(zip(b"abfnrtv\\'\"?", b"\a\b\f\n\r\t\v\\'\"?"))


def unescape(text):
    def one(m):
        if m[1]:
            return bytes([LETTERS[m[1][0]]])
        if m[2]:
            return bytes([int(m[2], 16)])
        if m[3]:
            return bytes([int(m[3], 8)])
        return chr(int(m[4] or m[5], 16)).encode()
    return ESCAPE.sub(one, text.encode())


class Textproto:
    """A message as a list of (field, value); values are lists, bytes (of strings) or words."""

    def __init__(self, text):
        self.tokens = [m for m in TOKEN.finditer(text) if m.lastgroup]
        self.at = 0

    def take(self, symbol):
        if self.at < len(self.tokens) and self.tokens[self.at][0] == symbol:
            self.at += 1
            return True
        return False

    def message(self, close=None):
        fields = []
        while self.at < len(self.tokens) and not (close and self.take(close)):
            token = self.tokens[self.at]
            self.at += 1
            name = token[0]
            self.take(":")
            if self.take("["):
                while not self.take("]"):
                    fields.append((name, self.value()))
                    self.take(",")
            else:
                fields.append((name, self.value()))
            if not self.take(","):
                self.take(";")
        return fields

    def value(self):
        for opening, closing in (("{", "}"), ("<", ">")):
            if self.take(opening):
                return self.message(closing)
        token = self.tokens[self.at]
        self.at += 1
        if token.lastgroup != "string":
            return token[0]
        out = unescape(token[0][1:-1])
        while self.at < len(self.tokens) and self.tokens[self.at].lastgroup == "string":
            out += unescape(self.tokens[self.at][0][1:-1])
            self.at += 1
        return out


class LeftOut(Exception):
    """Why a case cannot be run."""


def get(fields, name, default=None):
    return next((v for k, v in fields if k == name), default)


def get_all(fields, name):
    return [v for k, v in fields if k == name]


def text_of(value):
    return value.decode() if isinstance(value, bytes) else value


def value_of(fields):
    """A cel.expr.Value as {"kind": payload}; numbers as text, so that nothing is rounded."""
    name, value = fields[0]
    if name == "null_value":
        return {"null": True}
    if name == "bool_value":
        return {"bool": value == "true"}
    if name == "int64_value":
        return {"int": str(int(value, 0))}
    if name == "uint64_value":
        return {"uint": str(int(value, 0))}
    if name == "double_value":
        return {"double": repr(float(value))}
    if name == "string_value":
        return {"string": text_of(value)}
    if name == "bytes_value":
        return {"bytes": base64.b64encode(value).decode()}
    if name == "type_value":
        return {"type": text_of(value)}
    if name == "list_value":
        return {"list": [value_of(v) for v in get_all(value, "values")]}
    if name == "map_value":
        entries = get_all(value, "entries")
        return {"map": [[value_of(get(e, "key")), value_of(get(e, "value"))] for e in entries]}
    if name == "object_value":
        return object_of(value)
    raise LeftOut(f"holds a protobuf value ({name})")


def object_of(fields):
    name, inner = fields[0]
    full = name.strip("[]").split("/")[-1]
    seconds, nanos = int(get(inner, "seconds", "0")), int(get(inner, "nanos", "0"))
    if full == "google.protobuf.Timestamp":
        return {"timestamp": [str(seconds), nanos]}
    if full == "google.protobuf.Duration":
        return {"duration": str(seconds * 1_000_000_000 + nanos)}
    raise LeftOut(f"needs the protobuf message {full}")


PRIMITIVES = {"BOOL": "bool", "INT64": "int", "UINT64": "uint", "DOUBLE": "double", "STRING": "string", "BYTES": "bytes"}


def type_of(fields):
    """A cel.expr.Type in the words that shapes are printed in."""
    name, value = fields[0]
    if name == "primitive":
        return PRIMITIVES[value]
    if name == "dyn":
        return "dyn"
    if name == "null":
        return "null"
    if name == "well_known":
        return {"TIMESTAMP": "timestamp", "DURATION": "duration"}[value]
    if name == "type":
        return "type"
    if name == "list_type":
        return f"list<{type_of(get(value, 'elem_type'))}>"
    if name == "map_type":
        return f"map<{type_of(get(value, 'key_type'))}, {type_of(get(value, 'value_type'))}>"
    if name == "abstract_type" and text_of(get(value, "name")) == "optional_type":
        return f"optional<{type_of(get(value, 'parameter_types'))}>"
    if name == "message_type":
        full = text_of(value)
        known = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}
        if full in known:
            return known[full]
        raise LeftOut(f"needs the protobuf message {full}")
    if name == "wrapper":
        raise LeftOut("needs protobuf's wrapper types")
    raise LeftOut(f"needs a type of its own ({name})")


def convert(case):
    expression = text_of(get(case, "expr"))
    if MESSAGE.search(expression):
        raise LeftOut("needs protobuf messages")
    out = {"expr": expression}
    for flag in ("disable_check", "check_only"):
        if get(case, flag) == "true":
            out[flag] = True
    if get(case, "disable_macros") == "true":
        raise LeftOut("switches macros off, which pipelines cannot")
    if get(case, "container"):
        out["container"] = text_of(get(case, "container"))
    variables = {}
    for declaration in get_all(case, "type_env"):
        if get(declaration, "function") is not None:
            raise LeftOut("declares a function of its own")
        variables[text_of(get(declaration, "name"))] = {"type": type_of(get(get(declaration, "ident"), "type"))}
    for binding in get_all(case, "bindings"):
        name, wrapped = text_of(get(binding, "key")), get(binding, "value")
        if get(wrapped, "value") is None:
            raise LeftOut("binds an unknown or an error")
        variables.setdefault(name, {"type": "dyn"})["value"] = value_of(get(wrapped, "value"))
    if variables:
        out["variables"] = variables
    return out | expectation(case)


def expectation(case):
    if get(case, "value") is not None:
        return {"value": value_of(get(case, "value"))}
    typed = get(case, "typed_result")
    if typed is not None:
        out = {"type": type_of(get(typed, "deduced_type"))}
        if get(typed, "result") is not None:
            out["value"] = value_of(get(typed, "result"))
        return out
    if get(case, "eval_error") is not None or get(case, "any_eval_errors") is not None:
        return {"error": True}
    if get(case, "unknown") is not None or get(case, "any_unknowns") is not None:
        raise LeftOut("expects an unknown value, which pipelines have not")
    return {"value": {"bool": True}}


def read(checkout):
    """Names and texts of the files, and the commit that they are of."""
    git = ["git", "-C", checkout]
    commit = subprocess.run(git + ["rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    names = subprocess.run(git + ["ls-tree", "--name-only", "HEAD", DATA + "/"], capture_output=True, text=True,
                           check=True).stdout.split()
    files = {}
    for name in sorted(names):
        if name.endswith(".textproto"):
            shown = subprocess.run(git + ["show", f"HEAD:{name}"], capture_output=True, check=True).stdout
            files[Path(name).stem] = shown.decode()
    return commit, files


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    commit, files = read(sys.argv[1])
    print(json.dumps({"source": "github.com/google/cel-spec " + DATA, "commit": commit,
                      "notice": "Copyright Google LLC, licensed under the Apache License, Version 2.0 "
                                "(http://www.apache.org/licenses/LICENSE-2.0). Converted by convert.py; cases that "
                                "need what Tidemark has not are cut down to their names."}))
    for file, text in files.items():
        for section in get_all(Textproto(text).message(), "section"):
            for case in get_all(section, "test"):
                name = {"file": file, "section": text_of(get(section, "name")), "name": text_of(get(case, "name"))}
                try:
                    if file in MESSAGE_FILES:
                        raise LeftOut("is about protobuf messages")
                    line = name | convert(case)
                except LeftOut as why:
                    line = name | {"left_out": str(why)}
                print(json.dumps(line, ensure_ascii=False, sort_keys=False))


if __name__ == "__main__":
    main()
