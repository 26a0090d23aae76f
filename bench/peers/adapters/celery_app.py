"""Celery on Redis: a task a piece, acknowledged late; its result goes to a list that who waits reads. https://docs.celeryq.dev

The worker is `celery -A celery_app worker`; what answers is this module's `app`, by uvicorn.
"""

import os
import time
import uuid

import redis
from celery import Celery
from fastapi import FastAPI

REDIS_URL = os.environ["REDIS_URL"]
UNIT = float(os.environ.get("DEMO_TIME_SCALE", "1"))
UNITS = [float(units) for units in os.environ.get("JOB_UNITS", "1,5,3").split(",")]
RESULTS = ["First result", "Second result", "Third result"]
ledger = os.open(os.environ["LEDGER"], os.O_APPEND | os.O_CREAT | os.O_WRONLY) if "LEDGER" in os.environ else None

celery = Celery("bench", broker=REDIS_URL)
celery.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=4, task_ignore_result=True)
told = redis.Redis.from_url(REDIS_URL)


@celery.task
def work(id: str, piece: int) -> None:
    time.sleep(UNITS[piece] * UNIT)
    if ledger is not None:
        os.write(ledger, f"{id} {piece}\n".encode())
    with told.pipeline() as pipe:
        pipe.rpush(f"result:{id}", RESULTS[piece]).expire(f"result:{id}", 60).execute()


app = FastAPI()


@app.get("/run-tasks")
def run_tasks(id: str = "") -> dict[str, str]:
    id = id or str(uuid.uuid4())
    for piece in range(3):
        work.delay(id, piece)
    _, result = told.blpop([f"result:{id}"], timeout=60)
    return {"result": result.decode()}
