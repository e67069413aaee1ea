import pytest

from textroute.limits import SlidingWindow
from textroute.router import Router


@pytest.fixture
def router():
    router = Router()
    router.add("/", "home")
    router.add("/users", "users", methods=["GET", "POST"])
    router.add("/users/<int:id>", "user")
    router.add("/users/<int:id>", "remove user", methods=["DELETE"])
    router.add("/users/me", "me")
    router.add("/files/<path:rest>", "files")
    router.add("/scale/<float:factor>/<name>", "scale")
    return router


@pytest.fixture
def window():
    return SlidingWindow(limit=3, period=10)
