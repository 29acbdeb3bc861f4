"""Schedules made, changed, paused, triggered and deleted at run time; each time fires once."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.features.conftest import Face
from tests.waiting import until


def test_a_cron_schedule_knows_its_next_times_in_its_zone_and_is_changed_at_run_time(face: Face) -> None:
    body = {"id": "rush", "cron": "30 6 * * 1-5", "timezone": "America/Chicago", "job": {"operation": "echo"}}
    made = face.http.post("/schedules", json=body)
    assert made.status_code == 201, made.text
    for moment in made.json()["upcoming"]:
        local = datetime.fromisoformat(moment).astimezone(ZoneInfo("America/Chicago"))
        assert (local.hour, local.minute, local.weekday() < 5) == (6, 30, True)
    rest = {name: value for name, value in body.items() if name != "id"}
    changed = face.http.put("/schedules/rush", json=rest | {"cron": "0 7 * * *"})
    assert changed.json()["cron"] == "0 7 * * *"
    paused = face.http.post("/schedules/rush/pause").json()
    assert (paused["paused"], paused["next"], paused["upcoming"]) == (True, None, [])
    triggered = face.http.post("/schedules/rush/trigger").json()
    assert face.wait(triggered)["schedule"] == "rush"
    assert face.http.post("/schedules/rush/resume").json()["next"] is not None
    assert face.http.delete("/schedules/rush").status_code == 204
    assert face.http.get("/schedules/rush").status_code == 404


def test_a_schedule_fires_by_itself_once_for_each_time(face: Face) -> None:
    face.http.post("/schedules", json={"id": "tick", "every": 1, "job": {"operation": "echo"}})
    until(lambda: face.http.get("/schedules/tick").json()["fired"] >= 2, 20, "two times")
    face.http.delete("/schedules/tick")
    jobs = [job.record for job in face.client.jobs(operation="echo", limit=50) if job.record.get("schedule") == "tick"]
    times = [job["scheduled_for"] for job in jobs]
    assert len(times) == len(set(times)) >= 2
