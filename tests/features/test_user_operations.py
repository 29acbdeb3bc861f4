"""Operations of one's own: a Python file in OPERATIONS_DIR is all it takes."""

from tests.features.conftest import Face


def test_an_operation_of_ones_own_appears_wherever_built_in_ones_do(face: Face) -> None:
    assert face.http.get("/operations/echo").json()["summary"] == "Gives back what it was given."
    assert face.http.get("/templates").json()["echo"]["operation"] == "echo"
    assert face.client.operation("echo")["name"] == "echo"
    assert "echo" in face.shell("operations")[1]
    assert face.wait(face.submit("echo", params={"value": [1, "two"]}))["result"] == [1, "two"]
    assert face.client.submit("echo", {"value": 3}).result(30) == 3
