"""What waits in an RQ or HotQueue Redis, and how it becomes jobs here: behind `trafficjobs adopt`.

`rq` and `hotqueue` read a source without running anything in it, `operations` fits what they find to the service's
operations, and `moving` takes entries over one by one, so that a kill at any moment loses and doubles none.
"""
