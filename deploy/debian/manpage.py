#!/usr/bin/env python3
"""Writes the manual page tidemark(1) from what the binary says with --help, so that it has every command and option.

    manpage.py BINARY > tidemark.1"""
import re
import subprocess
import sys

FILES = [("/etc/tidemark/NAME.yaml", "a pipeline, which the unit tidemark@NAME runs"),
         ("/etc/tidemark/NAME.env", "its environment: what ${NAME} in the file stands for, TIDEMARK_HTTP and TIDEMARK_OPTIONS"),
         ("/var/lib/tidemark", "the state of all pipelines that units run; committed offsets in Kafka name what lies there"),
         ("$XDG_STATE_HOME/tidemark, ~/.local/state/tidemark", "the default of --state-dir")]


def say(binary, *words):
    return subprocess.run([binary, *words], capture_output=True, text=True, check=True, env={"HOME": "~"}).stdout


def roff(text):
    """Text as roff takes it: no control characters at the start of a line, no escapes, real minus signs."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def entries(text, heading):
    """(name, what it is) of a list in the help, whose second column stands at 32 or on the next line."""
    part = re.search(rf"^{heading}:\n((?:  .*\n)+)", text, re.M)
    found = []
    for line in part[1].splitlines() if part else []:
        name, words = line[:31].strip(), line[31:].strip()
        if re.match(r"  \S", line) and not re.match(r"  .{29} \S", line):  # a long name has the line to itself
            name, words = line.strip(), ""
        if name:
            found.append([name, words])
        else:
            found[-1][1] = f"{found[-1][1]} {words}".strip()
    return found


def listed(pairs):
    return "".join(f".TP\n.B {roff(name)}\n{roff(words)}\n" for name, words in pairs)


def of_command(binary, name, summary):
    text = say(binary, name, "--help")
    usage = re.search(r"^Usage: (.*)$", text, re.M)[1]
    out = f".SS {roff(usage)}\n{roff(summary)}.\n" + listed(entries(text, "Positionals"))
    out += listed(one for one in entries(text, "Options") if one[0] != "-h,--help")
    examples = re.search(r"^Examples:\n((?:  .*\n?)+)", text, re.M)
    return out + (f".PP\n.nf\n{roff(examples[1].rstrip())}\n.fi\n" if examples else "")


def page(binary):
    text, version = say(binary, "--help"), say(binary, "version").split()[1]
    commands = entries(text, "Commands")
    out = f'.TH TIDEMARK 1 "" "tidemark {version}" "Tidemark"\n'
    out += ".SH NAME\ntidemark \\- exact, event\\-time aggregates from Kafka topics\n"
    out += ".SH SYNOPSIS\n.B tidemark\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIFILE\\fR...]\n"
    out += (".SH DESCRIPTION\nTidemark reads Kafka topics, counts every record in the windows that it belongs to, and writes the results back\n"
            "exactly once, as a YAML file says. The file's own reference is in docs/pipelines.md.\n")
    out += ".SH COMMANDS\n" + "".join(of_command(binary, *one) for one in commands)
    out += ".SH EXIT STATUS\n" + listed([("0", "done"), ("1", "failed: a test, while running, or fenced by a newer instance"),
                                        ("2", "refused: a bad file, bad flags, missing rights, state that does not fit")])
    out += ".SH SIGNALS\nSIGTERM and SIGINT drain: a last checkpoint, its commit, exit 0. SIGKILL loses and doubles nothing.\n"
    out += ".SH FILES\n" + listed(FILES)
    return out + ".SH SEE ALSO\nsystemctl(1), journalctl(1)\n"


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
