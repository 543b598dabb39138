"""One delivery of one message, for a process that a failpoint may kill; also ``python -m tests.flows.worker``."""

import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

from photovault.pipeline import embedding, maintenance, renewing, reunderstanding, vision
from photovault.pipeline.messages import PhotoMessage
from photovault.pipeline.reports import Report


def deliver(step: str, user_id: str, image_id: str) -> None:
    message = PhotoMessage(UUID(user_id), UUID(image_id), check=step == "check")
    if step == "embedding":
        embedding.handle(message)
    elif step.startswith("renew-"):
        renewing.renew_some(message.user_id, embedding.WORK if step == "renew-embedding" else reunderstanding.WORK)
    elif step == "recover":
        later = datetime.now(UTC) + timedelta(minutes=11)
        maintenance.sweep_staging(Report(), now=later)
        maintenance.resend_unfinished()
    else:
        vision.handle(message)


if __name__ == "__main__":
    deliver(*sys.argv[1:4])
