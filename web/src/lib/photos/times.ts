/** Putting the times of photos right. */
import { api } from "../api";
import { inLots } from "./actions";
import { localTime, type Photo } from "./words";

/** Times that the vault made up for want of one, and does not shift: such photos are told theirs one by one. */
const MADE_UP = new Set(["upload"]);

/** Seconds from one clock on the wall to another, both without an offset. */
export const secondsBetween = (from: string, to: string): number =>
  Math.round((Date.parse(`${to}Z`) - Date.parse(`${from}Z`)) / 1000);

/** A clock on the wall so many seconds later. */
export const later = (local: string, seconds: number): string =>
  new Date(Date.parse(`${local}Z`) + seconds * 1000).toISOString().slice(0, 19);

/**
 * Give the first of the photos the time `wanted`, and move the others by as much; oldest first. Answers the one photo as
 * it is then, and of many nothing that anybody needs. Throws `Problem`. `once` names this correction: tried again with
 * the same photos, what was done is not done twice.
 */
export async function correctTimes(photos: readonly Photo[], wanted: string, once: string): Promise<Photo | null> {
  const [first] = photos;
  if (!first) return null;
  const by = secondsBetween(localTime(first).slice(0, 19), wanted);
  const tell = (photo: Photo): Promise<Photo> =>
    api.patch("/images/{image_id}", {
      path: { image_id: photo.id },
      body: { taken: { local_time: later(localTime(photo).slice(0, 19), by) } },
    });
  if (photos.length === 1) return tell(first);
  if (by === 0) return null;
  const known = photos.filter(({ taken }) => taken && !MADE_UP.has(taken.source ?? "upload"));
  for (const photo of photos) if (!known.includes(photo)) await tell(photo);
  await inLots(
    known.map(({ id }) => id),
    (image_ids) =>
      api.post("/images/shift-time", {
        body: { image_ids, by_seconds: by, restore: false, dry_run: false },
        once: `${once} ${by} ${image_ids[0]}`,
      }),
  );
  return null;
}
