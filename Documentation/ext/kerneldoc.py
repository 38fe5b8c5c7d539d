# SPDX-License-Identifier: GPL-2.0-only
"""
Takes descriptions from the kernel-doc comments of the source, so that what a
structure means is written once.

    .. kernel-struct:: NAME         a structure: its description and its fields
       :file: PATH                  where it is; the interface's headers by default
    .. kernel-enum:: NAME           an enumeration: its values
    .. kernel-constants:: PREFIX    constants whose names begin so
    :kernel-number:`NAME`           the definition of a call's number

At the end, a structure, enumeration or call of the interface's headers that no
page shows is a warning.
"""

import os
import re

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList
from sphinx.util import logging

log = logging.getLogger(__name__)

COMMENT = re.compile(r"/\*\*(.*?)\*/", re.S)
FIELD = re.compile(r"@(\w+): *(.*)")


def clean(comment):
    """Lines of a comment without its stars."""
    return [re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment.strip("\n").split("\n")]


def markup(text):
    """References of kernel-doc as literals of reStructuredText."""
    text = re.sub(r"@(\w+)", r"``\1``", text)
    text = re.sub(r"(?<![\w`/*])(TARN_\w+\*?(?:\(q\))?|E[A-Z2]{2,}[A-Z]|O_\w+|CAP_\w+|IOSQE_\w+|CLOCK_\w+)(?![\w`])",
                  r"``\1``", text)
    return re.sub(r"(?<!`)\bstruct (tarn_\w+)", r"``struct \1``", text)


class Source:
    """Files one after another, read when they are first asked for."""

    cache = {}

    def __init__(self, paths):
        self.text = ""
        for path in paths:
            with open(path, encoding="utf-8") as f:
                self.text += f.read()

    @classmethod
    def get(cls, env, names):
        paths = tuple(os.path.join(env.config.kerneldoc_top, name) for name in names)
        if "docname" in env.temp_data:
            for path in paths:
                env.note_dependency(path)
        if paths not in cls.cache:
            cls.cache[paths] = cls(paths)
        return cls.cache[paths]

    def comment_of(self, kind, name):
        """The comment "<kind> <name> - ..." and the text behind it."""
        for m in COMMENT.finditer(self.text):
            lines = clean(m.group(1))
            lines = lines[next((i for i, l in enumerate(lines) if l.strip()), 0):]
            if re.match(r"\s*%s %s - " % (kind, name), lines[0]):
                return lines, self.text[m.end():]
        return None, None


def parse_comment(lines):
    """(summary, {field: text}, [paragraph])"""
    summary = lines[0].split(" - ", 1)[-1]
    fields, body, current = {}, [[]], None
    for line in lines[1:]:
        m = FIELD.match(line)
        if m and not any(body[0]) and len(body) == 1:
            current = m.group(1)
            fields[current] = m.group(2)
        elif not line:
            current = None
            if body[-1]:
                body.append([])
        elif current:
            fields[current] += " " + line.strip()
        else:
            body[-1].append(line.strip())
    return summary, fields, [" ".join(p) for p in body if p]


def members(code):
    """[(type, name)] of the structure that begins in @code."""
    body = re.match(r"\s*struct \w+ \{(.*?)\n\};", code, re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    found = []
    for decl in body.split(";"):
        m = re.match(r"\s*(.*?)\s*([\w]+)((?:\[[^\]]*\])*)\s*$", decl.replace("\n", " "))
        if m and m.group(1):
            kind = re.sub(r"\s+", " ", m.group(1)) + m.group(3)
            found.append((kind, m.group(2)))
    return found


class FromSource(Directive):
    required_arguments = 1
    option_spec = {"file": directives.unchanged}

    def source(self):
        env = self.state.document.settings.env
        names = [self.options["file"]] if "file" in self.options else env.config.kerneldoc_uapi
        self.path = " and ".join(names)
        return Source.get(env, names)

    def note(self, name):
        env = self.state.document.settings.env
        shown = env.metadata[env.docname].setdefault("kerneldoc", [])
        shown.append(name)

    def render(self, lines):
        node = nodes.container()
        self.state.nested_parse(StringList(lines, source=self.path), 0, node)
        return node.children

    def missing(self, what):
        return [self.state.document.reporter.warning(
            "%s has no %s" % (self.path, what), line=self.lineno)]


def table(rows, widths):
    lines = [".. list-table::", "   :widths: " + widths, "   :header-rows: 1", ""]
    for row in rows:
        for i, cell in enumerate(row):
            lines.append("   %s %s" % ("* -" if i == 0 else "  -", cell))
    return lines + [""]


class KernelStruct(FromSource):
    def run(self):
        name = self.arguments[0]
        lines, code = self.source().comment_of("struct", name)
        if not lines:
            return self.missing("struct " + name)
        self.note(name)
        summary, fields, body = parse_comment(lines)
        rows = [("Field", "Type", "Meaning")]
        for kind, field in members(code):
            if field not in fields:
                return self.missing("description of %s in %s" % (field, name))
            rows.append(("``%s``" % field, "``%s``" % kind, markup(fields[field])))
        out = ["``struct %s``: %s." % (name, markup(summary).rstrip(".")), ""]
        out += table(rows, "22 22 56")
        for paragraph in body:
            out += [markup(paragraph), ""]
        return self.render(out)


def commented(code, pattern):
    """(name, value, comment) of the lines of @code that match; a comment before counts."""
    note = []
    inside = False
    for line in code.split("\n"):
        stripped = line.strip()
        if stripped.startswith("/**"):
            note, inside = [], True
        if inside:
            note += clean(stripped.replace("/**", "").replace("*/", ""))
            inside = "*/" not in stripped
            continue
        m = re.match(pattern, stripped)
        if m:
            yield m.group(1), m.group(2), " ".join(n for n in note if n)
        note = []


class KernelEnum(FromSource):
    def run(self):
        name = self.arguments[0]
        lines, code = self.source().comment_of("enum", name)
        if not lines:
            return self.missing("enum " + name)
        self.note(name)
        body = code[:code.index("};")]
        rows = [("Name", "Value", "Meaning")]
        for value in commented(body, r"(TARN_\w+) = (\w+),"):
            rows.append(("``%s``" % value[0], value[1], markup(value[2]) or "\\"))
        return self.render(table(rows, "40 10 50"))


class KernelConstants(FromSource):
    def run(self):
        prefix = self.arguments[0]
        rows = [("Name", "Value", "Meaning")]
        for value in commented(self.source().text, r"#define\s+(%s\w*(?:\(\w+\))?)\s+(\S.*)" % prefix):
            number = re.sub(r"\s*/\*.*", "", value[1])
            rows.append(("``%s``" % value[0], "``%s``" % number, markup(value[2]) or "\\"))
        if len(rows) == 1:
            return self.missing("constants " + prefix)
        return self.render(table(rows, "38 24 38"))


def kernel_number(name, rawtext, text, lineno, inliner, options=None, content=None):
    env = inliner.document.settings.env
    source = Source.get(env, env.config.kerneldoc_uapi).text
    m = re.search(r"#define\s+%s\s+(_IO\w*\(.*\))" % text, source)
    if not m:
        message = inliner.reporter.warning("no call %s" % text, line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    env.metadata[env.docname].setdefault("kerneldoc", []).append(text)
    kind = re.search(r"#define\s+TARN_IOC_TYPE\s+(\w+)", source).group(1)
    return [nodes.literal(text, m.group(1).replace("TARN_IOC_TYPE", kind))], []


def check_complete(app, env):
    """Everything that the headers describe is on some page."""
    source = Source.get(env, app.config.kerneldoc_uapi).text
    wanted = set(re.findall(r"^(?:struct|enum) (tarn_\w+) \{", source, re.M))
    wanted |= set(re.findall(r"^#define\s+(TARN_\w+)\s+_IO", source, re.M))
    shown = set()
    for metadata in env.metadata.values():
        shown |= set(metadata.get("kerneldoc", []))
    for name in sorted(wanted - shown):
        log.warning("%s of %s is on no page", name, " and ".join(app.config.kerneldoc_uapi))


def setup(app):
    app.add_config_value("kerneldoc_top", "", "env")
    app.add_config_value("kerneldoc_uapi", [], "env")
    app.add_directive("kernel-struct", KernelStruct)
    app.add_directive("kernel-enum", KernelEnum)
    app.add_directive("kernel-constants", KernelConstants)
    app.add_role("kernel-number", kernel_number)
    app.connect("env-check-consistency", check_complete)
    return {"parallel_read_safe": True, "version": "1"}
