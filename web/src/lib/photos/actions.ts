/** What can be done with many photos at once. What fails changes nothing here, and the selection stays. */
import { api } from "../api";
import { plural } from "../format";
import { asProblem } from "../problems";
import { toasts } from "../ui/toasts.svelte";
import type { Source } from "./source.svelte";
import { undoing } from "./undoing";

/** As many as one request takes. */
export const MOST = 1000;

/** Give all photos to requests of at most `MOST`; what the earlier ones did stays done. */
export async function inLots(ids: readonly string[], send: (some: string[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < ids.length; at += MOST) await send(ids.slice(at, at + MOST));
}

export async function favour(source: Source, ids: readonly string[], favourite: boolean): Promise<void> {
  await inLots(ids, (image_ids) => api.post("/images/edit", { body: { image_ids, favourite } }));
  source.update(ids, (photo) => ({ ...photo, favourite }));
  if (ids.length > 1)
    toasts.done(`${plural(ids.length, "photo")} ${favourite ? "added to" : "removed from"} favourites.`);
}

/** Out of the timeline, and still in albums of one's own; or back into it. */
export async function archive(source: Source, ids: readonly string[], archived: boolean): Promise<void> {
  const moving = ids.filter((id) => source.photo(id)?.archived !== archived);
  const say = (to: boolean): Promise<void> =>
    inLots(moving, (image_ids) => api.post("/images/edit", { body: { image_ids, archived: to } }));
  await say(archived);
  source.archived(moving, archived);
  toasts.done(
    `${plural(moving.length, "photo")} ${archived ? "archived" : "back in the timeline"}.`,
    undoing(async () => {
      await say(!archived);
      await source.open();
    }),
  );
}

export async function trash(source: Source, ids: readonly string[]): Promise<void> {
  await inLots(ids, (image_ids) => api.post("/images/trash", { body: { image_ids } }));
  source.remove(ids);
  toasts.done(
    `${plural(ids.length, "photo")} moved to the trash.`,
    undoing(async () => {
      await inLots(ids, (image_ids) => api.post("/images/restore", { body: { image_ids } }));
      await source.open();
    }),
  );
}

/** Out of the trash. */
export async function restore(source: Source, ids: readonly string[]): Promise<void> {
  await inLots(ids, async (image_ids) => {
    await api.post("/images/restore", { body: { image_ids } });
    source.remove(image_ids);
  });
  toasts.done(`${plural(ids.length, "photo")} restored, into the same albums.`);
}

/** Gone for good, one by one: `gone` is told of each. Ask before. Throws the abortion, too; what is gone stays gone. */
export async function purge(
  source: Source,
  ids: readonly string[],
  gone: (id: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const image_id of ids) {
    signal.throwIfAborted();
    await api.delete("/images/trash/{image_id}", { path: { image_id } }).catch((error: unknown) => {
      if (asProblem(error).status !== 404) throw error; // its time had come, or somebody was faster
    });
    source.remove([image_id]);
    gone(image_id);
  }
  toasts.done(`${plural(ids.length, "photo")} gone for good.`);
}
