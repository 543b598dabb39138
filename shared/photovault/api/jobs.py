"""Jobs: work that goes on after the answer, to be watched and cancelled."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import ConfigDict, Field

from photovault import jobs
from photovault.api.edge import CurrentPerson
from photovault.api.schemas import NOT_FOUND, Schema
from photovault.errors import NotFound

router = APIRouter(prefix="/jobs", tags=["jobs"])

NO_SUCH_JOB = "There is no such job."
JobId = Annotated[UUID, Path(description="As the request that started the job gave it.")]


class Job(Schema):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "kind": "albums",
                    "state": "running",
                    "stage": "comparing",
                    "done": 2,
                    "total": 4,
                    "error": None,
                    "created_at": "2025-05-17T10:00:00Z",
                    "finished_at": None,
                }
            ]
        },
    )

    id: UUID
    kind: str = Field(
        description="`albums`: a rebuild of people and automatic albums; `empty-trash`: photos are removed for good."
    )
    state: Literal["queued", "running", "done", "failed"]
    stage: Literal["people", "arranging", "comparing", "writing"] | None = Field(
        description="What is done now: people told apart, albums drafted, compared with those there are, written."
    )
    done: int = Field(description="Steps behind it; never falls.")
    total: int | None = Field(description="All steps; null before the first.")
    error: str | None = Field(description="What went wrong last, or that it was cancelled.")
    created_at: datetime
    finished_at: datetime | None


@router.get("/{job_id}", operation_id="getJob", summary="Watch a job", responses=NOT_FOUND)
def get_job(person: CurrentPerson, job_id: JobId) -> Job:
    """How far a job is."""
    with person.transaction() as conn:
        return _shown(jobs.get(conn, job_id))


@router.delete("/{job_id}", status_code=202, operation_id="cancelJob", summary="Cancel a job", responses=NOT_FOUND)
def cancel_job(person: CurrentPerson, job_id: JobId) -> Job:
    """Ask a job to stop. A waiting one ends at once, a running one at its next step, one that is over stays as it is.

    A job of kind `albums` only stops being watched: the rebuild itself is finished, because uploads wait for it too.
    One of kind `empty-trash` keeps the photos that it has not come to.
    """
    with person.transaction() as conn:
        return _shown(jobs.cancel(conn, job_id))


def _shown(job: jobs.Job | None) -> Job:
    if job is None:
        raise NotFound(NO_SUCH_JOB)
    return Job(
        id=job.id,
        kind=job.kind,
        state=job.state,
        stage=job.stage,
        done=job.done,
        total=job.total,
        error=job.error,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )
