"""The example this project began from: FastAPI, three coroutines, the first result wins.

DEMO_TIME_SCALE scales the sleeps: 1 is seconds (the default), 0.001 milliseconds.
"""

import asyncio
import os

from fastapi import FastAPI

SCALE = float(os.environ.get("DEMO_TIME_SCALE", "1"))

app = FastAPI()

# The event loop holds tasks weakly: without a reference one may be collected before it is done.
unfinished: set[asyncio.Task[str]] = set()


async def first() -> str:
    await asyncio.sleep(1 * SCALE)
    return "First result"


async def second() -> str:
    await asyncio.sleep(5 * SCALE)
    print("second done")
    return "Second result"


async def third() -> str:
    await asyncio.sleep(3 * SCALE)
    print("third done")
    return "Third result"


@app.get("/run-tasks")
async def run_tasks() -> dict[str, str]:
    tasks = [asyncio.create_task(work()) for work in (first, second, third)]
    for task in tasks:
        unfinished.add(task)
        task.add_done_callback(unfinished.discard)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    # On a late event loop several may be done at once; the earliest in order was due first.
    winner = next(task for task in tasks if task in done)
    return {"result": winner.result()}
