import pytest

from textroute.router import Route, RouteError, Segment, build, split_path


@pytest.mark.parametrize("path, handler, params", [
    ("/", "home", {}),
    ("/users", "users", {}),
    ("/users/", "users", {}),
    ("/users/42", "user", {"id": 42}),
    ("/users/me", "me", {}),
    ("/files/a/b.txt", "files", {"rest": "a/b.txt"}),
    ("/scale/1.5/logo", "scale", {"factor": 1.5, "name": "logo"}),
])
def test_resolve(router, path, handler, params):
    route, found = router.resolve(path)
    assert (route.handler, found) == (handler, params)


@pytest.mark.parametrize("path", ["/nowhere", "/users/x", "/files", "/scale/1.5"])
def test_nothing_matches(router, path):
    assert router.resolve(path) is None


@pytest.mark.parametrize("path", ["/users/42/extra", "/users/me/too"])
def test_longer_paths_do_not_match(router, path):
    assert router.resolve(path) is None


def test_method_decides(router):
    route, params = router.resolve("/users/7", "delete")
    assert (route.handler, params) == ("remove user", {"id": 7})


@pytest.mark.parametrize("path, methods", [
    ("/users/7", ["DELETE", "GET"]),
    ("/nowhere", []),
])
def test_allowed_methods(router, path, methods):
    assert router.allowed_methods(path) == methods


def test_allowed_methods_of_fixed_paths(router):
    assert router.allowed_methods("/users") == ["GET", "POST"]


@pytest.mark.parametrize("pattern", ["/<1x>", "/<date:day>", "/<a>/<a>"])
def test_bad_patterns(pattern):
    with pytest.raises(RouteError):
        Route(pattern, "x")


def test_segments():
    assert Segment("users").is_fixed
    assert (Segment("<id>").kind, Segment("<int:id>").name) == ("str", "id")


def test_build():
    assert build("/users/<int:id>/files", id=3) == "/users/3/files"
    with pytest.raises(RouteError):
        build("/users/<int:id>")


def test_split_path():
    assert split_path("//a/b/") == ["a", "b"]
