"""Reads INI texts as Silver Lining did in 2010, by the configparser of this Python.

One JSON list [number, text] a line comes in, one [number, answer] a line goes out. The answer is
{"config": [[section, [[key, value], ...]], ...]}, or {"refused": line} with the first of the lines that it refuses.

Silver Lining ran on Python 2.6. What its ConfigParser did otherwise than this Python's is done here before and after
(2.6's documentation and source are the reference): comments only at the start of a line, also `rem`; blank lines within a
value mean nothing; ` ;` ends the first line of a value; `""` is blank; ASCII alone is folded to lower case, and ASCII blanks
alone are blanks; a section's name ends at the first bracket.
"""

import configparser
import json
import re
import sys

BLANKS = " \t\r\v\f"
COMMENT = re.compile(r"[#;]|rem(?:[ \t\r\v\f]|$)", re.I)
# What str.isspace knows and bytes did not, moved to where nothing is a blank, and back.
OTHER_BLANKS = [c for c in map(chr, range(0x10000)) if c.isspace() and c not in BLANKS + "\n"]
HIDE = {ord(c): 0xF0000 + ord(c) for c in OTHER_BLANKS}
SHOW = {hidden: c for c, hidden in HIDE.items()}


class Parser(configparser.RawConfigParser):
    SECTCRE = re.compile(r"\[(?P<header>[^]]+)\]")

    def optionxform(self, option):
        return re.sub("[A-Z]+", lambda m: m[0].lower(), option)


def drop(line):
    return not line.strip(BLANKS) or COMMENT.match(line)


def restore(value):
    first, newline, rest = value.partition("\n")
    mark = first.find(";")
    if mark > 0 and first[mark - 1] in BLANKS:
        first = first[:mark].rstrip(BLANKS)
    return ("" if first == '""' else first) + newline + rest


def show(text):
    return text.translate(SHOW)


def entries_of(parser, section):
    return [[show(option), show(restore(parser.get(section, option)))] for option in parser.options(section)]


def read(text):
    # Comments and blank lines go, so that line numbers must be mapped back.
    kept = [(n, line) for n, line in enumerate(text.translate(HIDE).split("\n"), 1) if not drop(line)]
    parser = Parser(strict=False, comment_prefixes=(), interpolation=None, default_section="DEFAULT")
    try:
        parser.read_string("\n".join(line for _, line in kept))
    except configparser.MissingSectionHeaderError as error:
        return {"refused": kept[error.lineno - 1][0]}
    except configparser.ParsingError as error:
        return {"refused": kept[error.errors[0][0] - 1][0]}

    def show(text):
        return text.translate(SHOW)

    # As silversupport.util.read_config: each section with the defaults mixed in.
    return {"config": [[show(section), entries_of(parser, section)] for section in parser.sections()]}


for request in sys.stdin:
    number, text = json.loads(request)
    print(json.dumps([number, read(text)]), flush=True)
