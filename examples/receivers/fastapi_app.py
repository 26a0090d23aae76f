"""A receiver with FastAPI.   pip install fastapi uvicorn   WEBHOOK_SECRET=whsec_… python fastapi_app.py"""

import os
import sqlite3
from contextlib import closing

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request

from signature import verify

SECRET = os.environ["WEBHOOK_SECRET"]
INBOX = os.environ.get("INBOX", "inbox.db")

with closing(sqlite3.connect(INBOX)) as inbox:
    inbox.execute("CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, event TEXT NOT NULL)")

app = FastAPI()


async def raw_body(request: Request) -> bytes:
    """The signature is that of the bytes, so nothing may parse them before it is checked."""
    return await request.body()


@app.post("/webhooks", status_code=204)
def receive(request: Request, body: bytes = Depends(raw_body)) -> None:
    try:
        verify(SECRET, request.headers, body)
    except (KeyError, ValueError) as error:
        raise HTTPException(400, "The signature is wrong") from error
    # The id is the key, so an event that comes twice is kept once. It is on disk before the answer.
    with closing(sqlite3.connect(INBOX)) as inbox, inbox:
        event = (request.headers["webhook-id"], body.decode())
        inbox.execute("INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT DO NOTHING", event)
    # The work is done from the table: the sender waits for no more than the insert.


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "4000")))
