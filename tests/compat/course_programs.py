"""Programs in the shape of the course's, written to a folder and run as processes of their own.

Each is what a student would write, with nothing but the import of HotQueue, or of jobs, changed.
"""

# worker.py: a consumer made of the decorator, on the names of jobs.py.
WORKER = """
import time
from lib.jobs import q, update_job_status

@q.worker
def execute_job(jid):
    update_job_status(jid, 'in progress')
    print('working on', jid, flush=True)
    time.sleep({seconds})
    update_job_status(jid, 'complete')

execute_job()
"""

# api.py without Flask: adds jobs and prints their ids.
PRODUCER = """
from lib.jobs import add_job
for n in range({number}):
    print(add_job('2020-01-01', '2020-02-01')['id'], flush=True)
"""

# The demonstration of HotQueue: a producer and a consumer thread on one queue.
THREADS = """
import threading
from lib.jobs import HotQueue

q = HotQueue("{queue}", host="127.0.0.1", port={port})

def producer():
    for i in range(5):
        q.put({{"type": "print", "msg": f"Hello {{i}}"}})

def consumer():
    seen = 0
    for job in q.consume():
        if job["type"] == "print":
            print("Message:", job["msg"], flush=True)
        seen += 1
        if seen == 5:
            break

t_consumer = threading.Thread(target=consumer)
t_producer = threading.Thread(target=producer)
t_consumer.start()
t_producer.start()
t_producer.join()
t_consumer.join()
print("left:", len(q))
"""

# A consumer of strings that takes its time, to be killed.
SLOW_CONSUMER = """
import time
from lib.jobs import HotQueue

q = HotQueue("{queue}", host="127.0.0.1", port={port})
for item in q.consume():
    print("took", item, flush=True)
    time.sleep({seconds})
    print("done", item, flush=True)
"""

# A job queue by hand: the record under the bare id, and the id put on the queue with the hotqueue package itself.
FOREIGN_SUBMIT = """
import json, uuid, redis
from hotqueue import HotQueue

rdb = redis.Redis(host="127.0.0.1", port={port}, db=0)
queue = HotQueue("{queue}", host="127.0.0.1", port={port}, db=1)
job_id = str(uuid.uuid4())
job = {{"id": job_id, "status": "submitted", "input": {{"operation": "print", "params": {{"msg": "hi"}}}}, "result": None}}
rdb.set(job_id, json.dumps(job))
queue.put(job_id)
print(job_id)
"""
