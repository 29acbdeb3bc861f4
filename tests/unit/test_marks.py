"""Marks: whole or nothing, and readable by the next supervisor."""

import math
from dataclasses import replace
from pathlib import Path

from services.worker.marks import Mark, Marks

MARK = Mark("w/0-abc", 42, "token", "job-1", "top_locations", 1.5, 9.5, True)


def test_a_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "a.marks", slots=3)
    marks.write(1, MARK)
    again = Marks(tmp_path / "a.marks")
    assert again.read(1) == MARK
    again.close()
    assert marks.read(0) is None
    marks.clear(1)
    assert marks.read(1) is None
    marks.close()


def test_a_run_that_is_over_stays_marked_without_a_deadline(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "a.marks", slots=2)
    marks.write(1, MARK)
    assert not MARK.ended
    marks.end(1)
    found = marks.read(1)
    assert found == replace(MARK, deadline=math.inf, external_effects=False)
    assert found.ended
    marks.write(1, MARK)
    assert marks.read(1) == MARK
    marks.close()


def test_a_mark_that_a_death_left_half_written_counts_as_none_and_is_written_again(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "a.marks", slots=1)
    marks.write(0, MARK)
    marks._map[0:8] = (3).to_bytes(8, "little")  # the sequence number is odd in the middle of a write
    assert marks.read(0) is None
    marks.write(0, MARK)
    assert marks.read(0) == MARK
    marks.close()


def test_the_longest_names_fit(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "a.marks", slots=2)
    longest = Mark("w" * 48 + "-abcdef/19-" + "0" * 16, 1, "t" * 22, "j" * 64, "o" * 64)
    marks.write(0, longest)
    marks.write(1, MARK)
    assert (marks.read(0), marks.read(1)) == (longest, MARK)
    marks.close()


def test_only_one_supervisor_has_the_file(tmp_path: Path) -> None:
    first, second = Marks(tmp_path / "a.marks", slots=1), Marks(tmp_path / "a.marks")
    assert (first.lock(), second.lock()) == (True, False)
    first.close()
    assert second.lock()
    second.close()


def test_a_name_that_was_cut_within_a_character_is_read(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "a.marks", slots=1)
    marks.write(0, Mark("w/0-a", 1, "token", "job", "ab" + "\N{EURO SIGN}" * 40))
    found = marks.read(0)
    assert found is not None
    assert (found.token, found.operation[:4]) == ("token", "ab\N{EURO SIGN}\N{EURO SIGN}")
    marks.close()
