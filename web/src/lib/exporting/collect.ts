/**
 * What goes into an export, photo by photo: each original opened and compared with its SHA-256, its sidecar, and at the
 * end the documents about all of them. What cannot be had is left out and named. No I/O of its own: `Sources` has it.
 */
import type { Schemas } from "../api";
import {
  document,
  motionEnding,
  Names,
  photoFolder,
  photoName,
  README,
  safeName,
  SIDECAR,
  sidecar,
  writtenAt,
  type Album,
  type Photo,
} from "./layout";

export type Export = Schemas["Export"];
export type Person = Schemas["ExportedPerson"];
export type Ticket = Schemas["Ticket"];

/** A file in the archive. */
export interface Entry {
  name: string;
  input: Uint8Array;
  lastModified: Date;
}

/** What belongs together, and how many bytes of photos it brings. */
export interface Group {
  entries: Entry[];
  photos: number;
  bytes: number;
}

export interface LeftOut {
  id: string;
  filename: string;
  why: string;
}

export interface Sources {
  page: (cursor: string | null) => Promise<{ items: readonly Photo[]; next_cursor: string | null }>;
  albums: () => Promise<readonly Album[]>;
  people: () => Promise<readonly Person[]>;
  /** The opened blob. Throws `Refused` where another ticket, or none, may help. */
  open: (ticket: Ticket) => Promise<Uint8Array>;
  /** In hex. */
  sha256: (bytes: Uint8Array) => Promise<string>;
  now: () => Date;
}

/** A blob that the storage does not give, or that is not what it should be; the message says so to a person. */
export class Refused extends Error {}

/** Photos that are fetched ahead of the one that is written, in bytes and in number. */
const AHEAD_BYTES = 48 * 1024 * 1024;
const AHEAD = 4;

interface Noted {
  id: string;
  path: string;
  sha256: string;
  written: string;
  albums: readonly string[];
  positions: Readonly<Record<string, number>>;
}

type Fetched = { photo: Photo; original: Uint8Array; motion: Uint8Array | null };

/** Everything of an export, in groups that stay together. `leftOut` grows with what had to be left out. */
export async function* collect(
  made: Export,
  { server, tool }: { server: string; tool: string },
  sources: Sources,
  leftOut: LeftOut[],
): AsyncGenerator<Group, void, void> {
  const names = new Names();
  const albums = (await sources.albums()).map((album) => ({
    ...album,
    file: names.take("albums", safeName(album.title, "album") + SIDECAR),
  }));
  const known = new Map(albums.map((album) => [album.id, album]));
  const people = await sources.people();
  const noted: Noted[] = [];
  let bytes = 0;
  let cursor: string | null = null;
  do {
    const at: string | null = cursor;
    const page = await sources.page(at);
    for await (const [listed, fetched] of ahead(page.items, (photo) => fetchTwice(photo, at, sources))) {
      if (fetched === null) continue; // it was thrown away meanwhile
      if ("why" in fetched) {
        leftOut.push({ id: listed.id, filename: listed.filename, why: fetched.why });
        continue;
      }
      const { photo, original, motion } = fetched;
      const ending = motion ? motionEnding(photo.tickets["motion"]?.content_type ?? "") : null;
      const path = names.take(photoFolder(photo), photoName(photo), [SIDECAR, ...(ending ? [ending] : [])]);
      const lastModified = writtenAt(photo);
      const entries: Entry[] = [{ name: path, input: original, lastModified }];
      if (motion && ending) entries.push({ name: path + ending, input: motion, lastModified });
      const its = photo.albums.flatMap((id) => known.get(id) ?? []);
      const about = sidecar(photo, path, ending ? path + ending : null, its);
      entries.push({ name: path + SIDECAR, input: about, lastModified });
      noted.push({
        id: photo.id,
        path,
        sha256: photo.sha256,
        written: lastModified.toISOString(),
        albums: photo.albums,
        positions: photo.positions,
      });
      bytes += original.length;
      yield { entries, photos: 1, bytes: original.length };
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  yield { entries: [...documents()], photos: 0, bytes: 0 };

  function* documents(): Generator<Entry> {
    const lastModified = sources.now();
    const file = (name: string, input: Uint8Array): Entry => ({ name, input, lastModified });
    const text = (content: string): Uint8Array => new TextEncoder().encode(content);
    const paths = new Map(noted.map(({ id, path }) => [id, path]));
    const overview = [];
    for (const { file: name, cover_image_id, ...album } of albums) {
      const photos = noted.filter((each) => each.albums.includes(album.id)).toSorted(byOrderIn(album.id));
      const cover = cover_image_id === null ? null : (paths.get(cover_image_id) ?? null);
      const shown = { ...album, cover, photo_count: photos.length };
      overview.push({ ...shown, file: name });
      yield file(name, document({ schema: "photovault-album/1", ...shown, photos: photos.map(({ path }) => path) }));
    }
    yield file("albums.json", document({ schema: "photovault-albums/1", albums: overview }));
    yield file("people.json", document({ schema: "photovault-people/1", people }));
    yield file("SHA256SUMS.txt", text(noted.map(({ sha256, path }) => `${sha256}  ${path}\n`).join("")));
    if (leftOut.length > 0) {
      const lines = leftOut.map(({ id, filename, why }) => `${oneLine(filename)} (${id}): ${oneLine(why)}\n`);
      yield file("errors.txt", text(lines.join("")));
    }
    yield file(
      "manifest.json",
      document({
        schema: "photovault-export/1",
        export_id: made.id,
        server,
        created_at: made.created_at,
        finished_at: lastModified.toISOString(),
        tool,
        photos: noted.length,
        bytes,
        albums: albums.length,
        people: people.length,
        left_out: leftOut,
      }),
    );
    yield file("README.txt", text(README));
  }
}

/** By the order by hand where there is one, else by time. */
function byOrderIn(album: string): (a: Noted, b: Noted) => number {
  const place = ({ positions }: Noted): number => positions[album] ?? Number.MAX_VALUE;
  return (a, b) => place(a) - place(b) || compared(a.written, b.written) || compared(a.path, b.path);
}

const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();

/** A photo's files; a second try has fresh tickets. Null when it was thrown away meanwhile. */
async function fetchTwice(
  photo: Photo,
  cursor: string | null,
  sources: Sources,
): Promise<Fetched | { why: string } | null> {
  try {
    return await fetched(photo, sources);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  const fresh = (await sources.page(cursor)).items.find(({ id }) => id === photo.id);
  if (!fresh) return null;
  try {
    return await fetched(fresh, sources);
  } catch (error) {
    if (error instanceof Refused) return { why: error.message };
    throw error;
  }
}

async function fetched(photo: Photo, { open, sha256 }: Sources): Promise<Fetched> {
  const { original, motion } = photo.tickets;
  if (!original) throw new Refused("The vault has no sealed file of it.");
  const opened = await open(original);
  if ((await sha256(opened)) !== photo.sha256) throw new Refused("Its bytes are not those that were uploaded.");
  return { photo, original: opened, motion: motion ? await open(motion) : null };
}

/** Each photo with what came of it, in their order, some of them begun ahead. */
async function* ahead<T>(
  photos: readonly Photo[],
  begin: (photo: Photo) => Promise<T>,
): AsyncGenerator<[Photo, T], void, void> {
  const begun: { photo: Photo; coming: Promise<T> }[] = [];
  let next = 0;
  for (;;) {
    while (next < photos.length && begun.length < AHEAD) {
      const photo = photos[next] as Photo;
      const waiting = begun.reduce((sum, each) => sum + each.photo.bytes, 0);
      if (begun.length > 0 && waiting + photo.bytes > AHEAD_BYTES) break;
      const coming = begin(photo);
      coming.catch(() => {}); // told when its turn comes
      begun.push({ photo, coming });
      next += 1;
    }
    const first = begun.shift();
    if (!first) return;
    yield [first.photo, await first.coming];
  }
}

/** The same groups in runs of so many bytes; what belongs together is in one of them. */
export class Parts {
  ended = false;
  #groups: AsyncIterator<Group>;
  #most: number;
  #kept: Group | null = null;

  constructor(groups: AsyncIterable<Group>, most: number) {
    this.#groups = groups[Symbol.asyncIterator]();
    this.#most = most;
  }

  async *next(): AsyncGenerator<Entry> {
    let bytes = 0;
    for (;;) {
      const group = this.#kept ?? (await this.#following());
      if (group === null) {
        this.ended = true;
        return;
      }
      this.#kept = null;
      if (bytes > 0 && bytes + group.bytes > this.#most) {
        this.#kept = group;
        return;
      }
      bytes += group.bytes;
      yield* group.entries;
    }
  }

  async #following(): Promise<Group | null> {
    const { done, value } = await this.#groups.next();
    return done ? null : (value as Group);
  }
}
