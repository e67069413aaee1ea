"""Lays out plain text: wrapping, justification, shortening."""


def wrap(text, width):
    """Lines of at most `width` characters; longer words get a line of their own."""
    if width < 1:
        raise ValueError("width must be at least 1")
    lines = []
    current = ""
    for word in text.split():
        if not current:
            current = word
        elif len(current) + 1 + len(word) < width:
            current += " " + word
        else:
            lines.append(current)
            current = word
    if current:
        lines.append(current)
    return lines


def justify(line, width):
    """The line stretched to `width` by spreading blanks, more of them on the left."""
    words = line.split()
    if len(words) < 2:
        return line.strip()
    gaps = len(words) - 1
    blanks = width - sum(len(word) for word in words)
    if blanks < gaps:
        return " ".join(words)
    each, extra = divmod(blanks, gaps)
    parts = []
    for index, word in enumerate(words[:-1]):
        parts.append(word + " " * (each + (1 if index < extra else 0)))
    return "".join(parts) + words[-1]


def shorten(text, width, mark="..."):
    """The text cut to `width` characters, with a mark where something was cut."""
    if len(text) <= width:
        return text
    if width <= len(mark):
        return mark[:width]
    return text[:width - len(mark)].rstrip() + mark


def indent_level(line, tab=4):
    """How far a line is indented, in columns; a tab goes on to the next multiple of its width."""
    column = 0
    for char in line:
        if char == " ":
            column += 1
        elif char == "\t":
            column += tab - column % tab
        else:
            break
    return column


def dedent(text):
    """The text without the indentation that all its non-empty lines share."""
    lines = text.split("\n")
    margin = None
    for line in lines:
        stripped = line.lstrip(" ")
        if not stripped:
            continue
        indent = len(line) - len(stripped)
        margin = indent if margin is None else max(margin, indent)
    if not margin:
        return text
    return "\n".join(line[margin:] for line in lines)
