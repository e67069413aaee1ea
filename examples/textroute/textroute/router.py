"""Matches paths against patterns such as ``/users/<int:id>/files/<path:rest>``."""

CONVERTERS = {
    "str": lambda text: text,
    "int": int,
    "float": float,
}


class RouteError(ValueError):
    """A pattern that cannot be understood."""


class Segment:
    """One part of a pattern: fixed text, or a parameter."""

    def __init__(self, text):
        self.text = text
        self.kind = None
        self.name = None
        if text.startswith("<") and text.endswith(">"):
            kind, _, name = text[1:-1].rpartition(":")
            self.kind = kind or "str"
            self.name = name
            if not name.isidentifier():
                raise RouteError("bad parameter name in " + text)
            if self.kind != "path" and self.kind not in CONVERTERS:
                raise RouteError("unknown converter in " + text)

    @property
    def is_fixed(self):
        return self.kind is None


class Route:
    """A pattern and the handler behind it."""

    def __init__(self, pattern, handler, methods=("GET",)):
        self.pattern = pattern
        self.handler = handler
        self.methods = frozenset(method.upper() for method in methods)
        self.segments = [Segment(part) for part in split_path(pattern)]
        names = [segment.name for segment in self.segments if not segment.is_fixed]
        if len(names) != len(set(names)):
            raise RouteError("a parameter appears twice in " + pattern)

    def match(self, path):
        """The parameters in the path, or None where it does not match."""
        parts = split_path(path)
        params = {}
        for index, segment in enumerate(self.segments):
            if segment.kind == "path":
                rest = parts[index:]
                if not rest:
                    return None
                params[segment.name] = "/".join(rest)
                return params
            if index >= len(parts):
                return None
            part = parts[index]
            if segment.is_fixed:
                if part != segment.text:
                    return None
                continue
            try:
                params[segment.name] = CONVERTERS[segment.kind](part)
            except ValueError:
                return None
        if len(parts) > len(self.segments):
            return None
        return params

    def priority(self):
        """Routes with more fixed segments come first, catch-all routes last."""
        fixed = sum(1 for segment in self.segments if segment.is_fixed)
        catches_all = any(segment.kind == "path" for segment in self.segments)
        return (catches_all, -fixed, len(self.segments))


class Router:
    """Finds the route for a path."""

    def __init__(self):
        self.routes = []

    def add(self, pattern, handler, methods=("GET",)):
        route = Route(pattern, handler, methods)
        self.routes.append(route)
        return route

    def resolve(self, path, method="GET"):
        """The best route and its parameters; None where nothing matches."""
        for route in sorted(self.routes, key=lambda route: route.priority()):
            if method.upper() not in route.methods:
                continue
            params = route.match(path)
            if params is not None:
                return route, params
        return None

    def allowed_methods(self, path):
        """All methods that some route offers for this path."""
        allowed = set()
        for route in self.routes:
            params = route.match(path)
            if params:
                allowed |= route.methods
        return sorted(allowed)


def split_path(path):
    """The parts of a path, without empty ones."""
    return [part for part in path.split("/") if part]


def build(pattern, **params):
    """The path that a pattern gives for these parameters."""
    parts = []
    for segment in map(Segment, split_path(pattern)):
        if segment.is_fixed:
            parts.append(segment.text)
        elif segment.name in params:
            parts.append(str(params[segment.name]))
        else:
            raise RouteError("missing parameter " + segment.name)
    return "/" + "/".join(parts)
