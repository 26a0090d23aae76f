"""The example this project began from, with the ledger of the bench: nothing is kept."""

import asyncio
import os

from fastapi import FastAPI

UNIT = float(os.environ.get("DEMO_TIME_SCALE", "1"))
UNITS = [float(units) for units in os.environ.get("JOB_UNITS", "1,5,3").split(",")]
RESULTS = ["First result", "Second result", "Third result"]
ledger = os.open(os.environ["LEDGER"], os.O_APPEND | os.O_CREAT | os.O_WRONLY) if "LEDGER" in os.environ else None

app = FastAPI()

# The event loop holds tasks weakly: without a reference one may be collected before it is done.
unfinished: set[asyncio.Task[str]] = set()


async def work(id: str, piece: int) -> str:
    await asyncio.sleep(UNITS[piece] * UNIT)
    if ledger is not None:
        os.write(ledger, f"{id} {piece}\n".encode())
    return RESULTS[piece]


@app.get("/run-tasks")
async def run_tasks(id: str = "") -> dict[str, str]:
    tasks = [asyncio.create_task(work(id, piece)) for piece in range(3)]
    for task in tasks:
        unfinished.add(task)
        task.add_done_callback(unfinished.discard)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    winner = next(task for task in tasks if task in done)
    return {"result": winner.result()}
