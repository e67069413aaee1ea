"""Says in bounded words what went wrong in a test, and where in the project."""

import re

MESSAGE_LIMIT = 2000
FRAME_LIMIT = 50
_STACK_LINE = re.compile(rb'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)


def bounded(text):
    """At most 2 kB of it."""
    data = text.encode("utf-8", "replace")
    return data[:MESSAGE_LIMIT].decode("utf-8", "ignore")


def message_of(error):
    """The kind of the exception and what it says; an exception that fails to say so is excused."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException as second:
        text = "<unprintable: %s>" % type(second).__name__
    return bounded("%s: %s" % (name, text) if text else name)


def frames_of(environment, traceback):
    """[file, line, function] for the project's frames, innermost last."""
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        relative = environment.relative(code.co_filename)
        if relative is not None:
            frames.append([relative, traceback.tb_lineno, code.co_name])
        traceback = traceback.tb_next
    return _middle_cut(frames)


def with_syntax_error(environment, error, frames):
    """A syntax error's own place comes last: it is no frame of the traceback."""
    filename, line = getattr(error, "filename", None), getattr(error, "lineno", None)
    if isinstance(error, SyntaxError) and filename and line and environment.relative(filename):
        return frames + [[environment.relative(filename), line, None]]
    return frames


def frames_of_dump(environment, dump):
    """The same from the text that the interpreter's fault handler writes, which has the innermost frame first."""
    threads = dump.split(b"Current thread")
    frames = []
    for filename, line, function in _STACK_LINE.findall(threads[-1]):
        relative = environment.relative(filename.decode("utf-8", "replace"))
        if relative is not None:
            frames.append([relative, int(line), function.decode("utf-8", "replace")])
    return _middle_cut(frames[::-1])


def _middle_cut(frames):
    """Endless recursion leaves thousands of frames; both ends tell enough."""
    half = FRAME_LIMIT // 2
    return frames if len(frames) <= FRAME_LIMIT else frames[:half] + frames[-half:]
