/** What somebody says about when and where photos were taken, each with its way back. Everything throws `Problem`. */
import { api, type Schemas } from "../api";
import { plural } from "../format";
import { toasts } from "../ui/toasts.svelte";
import { MOST } from "./actions";
import { difference, told, type Position } from "./correcting";
import { undoing } from "./undoing";
import { placeName, type Photo } from "./words";

type Time = NonNullable<Schemas["ImageEdit"]["taken"]>;
/** "nowhere" is known to nobody; null is what the file says. */
export type Where = Position | "nowhere" | null;

/** Say when a photo was taken; null gives it back to its file. `done` is told of the photo as it is then, and undone. */
export async function retime(photo: Photo, taken: Time | null, done: (photo: Photo) => void): Promise<void> {
  const path = { image_id: photo.id };
  const { taken: former } = photo;
  const back: Time | null =
    former?.source === "person" ? { local_time: former.local_time, offset: former.offset } : null;
  const saved = await api.patch("/images/{image_id}", { path, body: { taken } });
  done(saved);
  toasts.done(
    saved.taken ? `Taken on ${told(saved.taken.local_time)}.` : "The photo has the time of its file.",
    undoing(async () => done(await api.patch("/images/{image_id}", { path, body: { taken: back } }))),
  );
}

/** What brings each of these photos back to where it is now. */
function wayBack(photos: readonly Photo[], nowhere: readonly string[]): { location: Where; ids: string[] }[] {
  const found = new Map<string, { location: Where; ids: string[] }>();
  for (const { id, location } of photos) {
    const said = location?.source === "person" ? { lat: location.lat, lon: location.lon } : null;
    const to: Where = nowhere.includes(id) ? "nowhere" : said;
    const key = JSON.stringify(to);
    const group = found.get(key) ?? { location: to, ids: [] };
    group.ids.push(id);
    found.set(key, group);
  }
  return [...found.values()];
}

async function putAll(ids: readonly string[], location: Where, doing: (done: number) => void): Promise<void> {
  for (let at = 0; at < ids.length; at += MOST) {
    await api.post("/images/edit", { body: { image_ids: ids.slice(at, at + MOST), location } });
    doing(Math.min(at + MOST, ids.length));
  }
}

/**
 * Say where photos were taken. `done` is told of the one photo as it is then, or null of many, and when it was undone.
 * `nowhere` are those that somebody said to be nowhere before; `doing` is told how many are done.
 */
export async function relocate(
  photos: readonly Photo[],
  location: Where,
  {
    done,
    nowhere = [],
    doing = () => {},
  }: { done: (photo: Photo | null) => void; nowhere?: readonly string[]; doing?: (done: number) => void },
): Promise<void> {
  const back = wayBack(photos, nowhere);
  const [photo, another] = photos;
  if (photo && !another) {
    const path = { image_id: photo.id };
    const saved = await api.patch("/images/{image_id}", { path, body: { location } });
    done(saved);
    const named = placeName(saved);
    const text = saved.location ? `Taken ${named ? `in ${named}` : "where you said"}.` : "The photo has no place now.";
    const former = back[0]?.location ?? null;
    return toasts.done(
      text,
      undoing(async () => done(await api.patch("/images/{image_id}", { path, body: { location: former } }))),
    );
  }
  const ids = photos.map(({ id }) => id);
  await putAll(ids, location, doing);
  done(null);
  const what = plural(ids.length, "photo");
  const text =
    location === "nowhere"
      ? `${what} without a place now.`
      : location === null
        ? `${what} back to what their files say.`
        : `${what} put there.`;
  toasts.done(
    text,
    undoing(async () => {
      for (const each of back) await putAll(each.ids, each.location, () => {});
      done(null);
    }),
  );
}

/** Lots of photos that are shifted by the same seconds, so that what failed goes on where it stopped, and none twice. */
export class Shifting {
  readonly #lots: { ids: readonly string[]; once: string }[];
  #done = 0;

  constructor(
    readonly ids: readonly string[],
    readonly seconds: number,
    lot = MOST,
  ) {
    this.#lots = Array.from({ length: Math.ceil(ids.length / lot) }, (_, n) => ({
      ids: ids.slice(n * lot, (n + 1) * lot),
      once: crypto.randomUUID(),
    }));
  }

  /** Those that are shifted. */
  get shifted(): readonly string[] {
    return this.#lots.slice(0, this.#done).flatMap(({ ids }) => ids);
  }

  async run(doing: (done: number) => void): Promise<void> {
    for (const { ids, once } of this.#lots.slice(this.#done)) {
      await api.post("/images/shift-time", {
        body: { image_ids: ids, by_seconds: this.seconds, dry_run: false, restore: false },
        once,
      });
      this.#done += 1;
      doing(this.shifted.length);
    }
  }

  /** Say what was done, with the way back. */
  tell(done: () => void): void {
    const { shifted: ids, seconds } = this;
    if (ids.length === 0) return;
    const back = new Shifting(ids, -seconds);
    toasts.done(
      `${plural(ids.length, "photo")}: ${difference(seconds)}.`,
      undoing(async () => {
        await back.run(() => {});
        done();
      }),
    );
  }
}
