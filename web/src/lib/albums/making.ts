/** Albums of one's own, made from any number of photos. */
import { api } from "../api";
import { inLots, MOST } from "../photos/actions";
import type { Album } from "./words";

/** Puts photos into an album; those that are in it already stay. Throws `Problem`. */
export async function fill(album: Album, ids: readonly string[]): Promise<Album> {
  let filled = album;
  await inLots(ids, async (image_ids) => {
    filled = await api.put("/albums/{album_id}/images", { path: { album_id: album.id }, body: { image_ids } });
  });
  return filled;
}

/** One album on its way. When a request fails, the next try goes on with what was made, also where no answer came. */
export class Making {
  #ids = "";
  #title = "";
  #once = "";
  #album: Album | null = null;

  /** Throws `Problem`. */
  async make(title: string, ids: readonly string[] = []): Promise<Album> {
    if (ids.join() !== this.#ids || (this.#album === null && title !== this.#title)) this.#begin(title, ids);
    this.#album ??= await api.post("/albums/manual", {
      body: { title, image_ids: ids.slice(0, MOST) },
      once: this.#once,
    });
    if (title !== this.#title) {
      this.#album = await api.patch("/albums/{album_id}", { path: { album_id: this.#album.id }, body: { title } });
      this.#title = title;
    }
    const made = await fill(this.#album, ids.slice(MOST));
    this.#begin("", []);
    return made;
  }

  #begin(title: string, ids: readonly string[]): void {
    this.#ids = ids.join();
    this.#title = title;
    this.#once = crypto.randomUUID();
    this.#album = null;
  }
}
