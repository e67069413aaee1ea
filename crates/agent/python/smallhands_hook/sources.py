"""The text of one Python file, cut into pieces that compile on their own.

Compiling a whole file for every candidate costs more than running a small test. A piece is a top-level statement, or one
statement of a class body together with the class's header; line numbers are kept by padding with empty lines.
"""

import __future__
import ast
import warnings

FUTURE_FLAGS = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


class Piece:
    """A range of bytes that holds whole statements, and what must stand before it to compile it."""

    def __init__(self, start, end, first_line, header=b"", header_line=1):
        self.start = start
        self.end = end
        self.first_line = first_line
        self.header = header
        self.header_line = header_line

    def text(self, body, preamble):
        """`body` in the place of the piece, on its own lines; `preamble` takes the place of the first line before it."""
        top = self.header_line if self.header else self.first_line
        before = preamble + b"\n" * (top - 1) if top > 1 else b""
        return before + self.header + b"\n" * (self.first_line - top - self.header.count(b"\n")) + body


def _first_line(node):
    return min([node.lineno] + [decorator.lineno for decorator in getattr(node, "decorator_list", [])])


class SourceFile:
    """The text as it was when the tests were collected."""

    def __init__(self, path, data):
        self.path = path
        self.data = data
        self._offsets = [0]
        for line in data.split(b"\n"):
            self._offsets.append(self._offsets[-1] + len(line) + 1)
        self._flags = 0
        self._preamble = b""
        self.pieces = [Piece(0, len(data), 1)]
        self._base_codes = {}
        if path.endswith((".py", ".pyw")):
            self._cut()

    def _cut(self):
        """Finds the pieces; a file that does not parse, or whose lines cannot be counted by newlines, stays one piece."""
        text = self.data.decode("utf-8", "surrogateescape")
        unusual = text.startswith("\ufeff") or "\r" in text.replace("\r\n", "") or "\f" in text
        try:
            tree = ast.parse(self.data)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        if unusual or not tree.body or _declares_encoding(self.data):
            return
        self._flags = _future_flags(tree)
        self._preamble = _imports(tree.body)
        self.pieces = self._pieces_of(tree.body, 0, len(self.data))

    def _pieces_of(self, body, start, end, header=b"", header_line=1):
        """Pieces that cover start..end without a gap; statements that share a line share a piece."""
        bounds = []
        for node in body:
            line = _first_line(node)
            offset = self._offsets[line - 1]
            if not bounds:
                bounds.append((start, 1 + self.data.count(b"\n", 0, start), [node]))
            elif offset > bounds[-1][0] and line > bounds[-1][2][-1].end_lineno:
                bounds.append((offset, line, [node]))
            else:
                bounds[-1][2].append(node)
        ends = [bound[0] for bound in bounds[1:]] + [end]
        pieces = []
        for (begin, line, nodes), stop in zip(bounds, ends):
            inner = self._pieces_of_class(nodes, begin, stop) if not header else None
            pieces.extend(inner or [Piece(begin, stop, line, header, header_line)])
        return pieces

    def _pieces_of_class(self, nodes, begin, stop):
        """A top-level class, cut at the statements of its body: the header piece first."""
        node = nodes[0]
        if len(nodes) > 1 or not isinstance(node, ast.ClassDef) or getattr(node, "type_params", None):
            return None
        header_line, body_line = _first_line(node), _first_line(node.body[0])
        if body_line <= node.lineno:
            return None
        head, body = self._offsets[header_line - 1], self._offsets[body_line - 1]
        header = self.data[head:body]
        if not _ends_open(header):
            return None
        methods = self._pieces_of(node.body, body, stop, header, header_line)
        return [Piece(begin, stop, 1 + self.data.count(b"\n", 0, begin))] + methods

    def piece_around(self, edits):
        """The smallest piece that holds all the edits, or the whole file."""
        start = min(edit["start"] for edit in edits)
        end = max(edit["end"] for edit in edits)
        fitting = [piece for piece in self.pieces if piece.start <= start and end <= piece.end]
        fitting = [piece for piece in fitting if start < piece.end or piece.end == len(self.data)]
        return min(fitting, key=lambda piece: piece.end - piece.start, default=Piece(0, len(self.data), 1))

    def whole_code(self):
        """The whole file, compiled; None where it does not compile."""
        return self.base_code(Piece(0, len(self.data), 1))

    def base_code(self, piece):
        """The piece as it is, compiled; None where it does not compile."""
        return self._base(piece)[0]

    def _base(self, piece):
        key = (piece.start, piece.end, piece.header_line)
        if key not in self._base_codes:
            self._base_codes[key] = self._compile(piece.text(self.data[piece.start:piece.end], self._preamble))
        return self._base_codes[key]

    def edited_code(self, piece, edits):
        """The piece with the edits applied, compiled; None where the file does not compile with them, `Reshaped` where only
        a fresh import can tell what it does."""
        body = splice(self.data[piece.start:piece.end], edits, -piece.start)
        if piece.start == 0 and piece.end == len(self.data):
            code, warned = self._compile(body)
        else:
            runs_on = body.rstrip(b"\r\n").endswith(b"\\")
            code, warned = (None, False) if runs_on else self._compile(piece.text(body, self._preamble))
            if code is None:
                # Text that compiles only together with what follows it; telling costs a whole compilation.
                whole, _ = self._compile(splice(self.data, edits))
                return None if whole is None else Reshaped(whole, "the statements are no longer the same")
        if warned and not self._base(piece)[1]:
            return Reshaped(code, "compiling it gives a warning, which may be an error on import")
        return code

    def _compile(self, text):
        """The code, and whether compiling it gave a warning."""
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                return compile(text, self.path, "exec", self._flags, True), bool(caught)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return None, False


class Reshaped:
    """The file compiles with the edit, but exchanging code is not the same as importing it."""

    def __init__(self, code, reason):
        self.code = code
        self.reason = reason


class Reshaped:
    """The file compiles with the edit, but its statements are not the ones it had."""

    def __init__(self, code):
        self.code = code


def splice(data, edits, shift=0):
    """Applies edits whose offsets count in the unedited text; `shift` is added to the offsets."""
    for edit in sorted(edits, key=lambda edit: (edit["start"], edit["end"]), reverse=True):
        data = data[:edit["start"] + shift] + edit["text"].encode("utf-8") + data[edit["end"] + shift:]
    return data


def _future_flags(tree):
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags


def _imports(body):
    """One line that imports every name that the file imports at its top level: calls of attributes of imported names are
    compiled differently from calls of other attributes."""
    names = {}
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name.split(".")[0], None) for alias in node.names if alias.name != "*")
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            pending.extend(ast.iter_child_nodes(node))
    return b"import " + b", ".join(b"a as " + name.encode() for name in sorted(names)) if names else b""


def _declares_encoding(data):
    return any(b"coding" in line and line.lstrip().startswith(b"#") and b"utf-8" not in line.lower() for line in data.split(b"\n")[:2])


def _ends_open(header):
    """Whether the text before a class body ends with the colon that opens it; comments after it are cut away."""
    lines = [line.split(b"#")[0].rstrip() for line in header.split(b"\n")]
    lines = [line for line in lines if line]
    return bool(lines) and lines[-1].endswith(b":")
