"""A run that takes too long is ended, whatever it does."""

from tests.features.conftest import Face


def test_a_hard_timeout_ends_code_that_hears_nothing(face: Face) -> None:
    ended = face.wait(face.submit("in_c_code", params={"seconds": 60}, timeout=0.5), seconds=20)
    assert (ended["status"], ended["error"]["type"], ended["error"]["reason"]) == ("failed", "JobTimeout", "timeout")
    assert "0.5 s" in ended["error"]["message"]
