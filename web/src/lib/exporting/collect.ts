/**
 * What goes into an export, photo by photo: each original opened and compared with its SHA-256, its sidecar, and at the
 * end the documents about all of them. What cannot be had is left out and named. It can be gone on with from its notes.
 * No I/O of its own: `Sources` has it.
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

/** An album, and where its document is in the archive. */
export type Listed = Album & { file: string };

/** What stays the same from the beginning of an export to its end, however often it is gone on with. */
export interface Begun {
  made: Export;
  server: string;
  tool: string;
  albums: readonly Listed[];
}

/** What is to be known of a photo that is in the archive. */
export interface Noted {
  id: string;
  path: string;
  /** Of the files beside it, such as its moving half. */
  endings: readonly string[];
  sha256: string;
  bytes: number;
  written: string;
  albums: readonly string[];
  positions: Readonly<Record<string, number>>;
}

/** What came of a photo, of the page at `cursor`: with all notes so far an export can be gone on with. */
export type Note = { cursor: string | null } & ({ noted: Noted } | { leftOut: LeftOut });

/** What belongs together. `bytes` are those of the photo; `size` is what its files bring. */
export interface Group {
  entries: Iterable<Entry>;
  bytes: number;
  size: number;
  note: Note | null;
}

export interface LeftOut {
  id: string;
  filename: string;
  why: string;
}

export interface Sources {
  page: (cursor: string | null) => Promise<{ items: readonly Photo[]; next_cursor: string | null }>;
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

type Fetched = { photo: Photo; original: Uint8Array; motion: Uint8Array | null };

/** The albums of an export, each with a name of its own. */
export function listed(albums: readonly Album[]): Listed[] {
  const names = new Names();
  return albums.map((album) => ({ ...album, file: names.take("albums", safeName(album.title, "album") + SIDECAR) }));
}

/** Everything of an export that is not `done`, in groups that stay together. */
export async function* collect(
  { made, server, tool, albums }: Begun,
  sources: Sources,
  done: readonly Note[] = [],
): AsyncGenerator<Group, void, void> {
  const names = new Names();
  const known = new Map(albums.map((album) => [album.id, album]));
  const noted = done.flatMap((note) => ("noted" in note ? note.noted : []));
  const leftOut = done.flatMap((note) => ("leftOut" in note ? note.leftOut : []));
  for (const { path, endings } of noted) names.keep([path, ...endings.map((ending) => path + ending)]);
  const have = new Set([...noted, ...leftOut].map(({ id }) => id));
  let cursor = done.at(-1)?.cursor ?? null;
  do {
    const at: string | null = cursor;
    const page = await sources.page(at);
    const wanted = page.items.filter(({ id }) => !have.has(id));
    for await (const [listing, fetched] of ahead(wanted, (photo) => fetchTwice(photo, at, sources))) {
      if (fetched === null) continue; // it was thrown away meanwhile
      if ("why" in fetched) {
        const left = { id: listing.id, filename: listing.filename, why: fetched.why };
        leftOut.push(left);
        yield { entries: [], bytes: 0, size: 0, note: { cursor: at, leftOut: left } };
        continue;
      }
      const { photo, original, motion } = fetched;
      const ending = motion ? motionEnding(photo.tickets["motion"]?.content_type ?? "") : null;
      const endings = [SIDECAR, ...(ending ? [ending] : [])];
      const path = names.take(photoFolder(photo), photoName(photo), endings);
      const lastModified = writtenAt(photo);
      const entries: Entry[] = [{ name: path, input: original, lastModified }];
      if (motion && ending) entries.push({ name: path + ending, input: motion, lastModified });
      const its = photo.albums.flatMap((id) => known.get(id) ?? []);
      const about = sidecar(photo, path, ending ? path + ending : null, its);
      entries.push({ name: path + SIDECAR, input: about, lastModified });
      const aboutIt = {
        id: photo.id,
        path,
        endings,
        sha256: photo.sha256,
        bytes: original.length,
        written: lastModified.toISOString(),
        albums: photo.albums,
        positions: photo.positions,
      };
      noted.push(aboutIt);
      const size = entries.reduce((sum, { input }) => sum + input.length, 0);
      yield { entries, bytes: original.length, size, note: { cursor: at, noted: aboutIt } };
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  const people = await sources.people();
  yield { entries: documents(), bytes: 0, size: 0, note: null };

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
        bytes: noted.reduce((sum, { bytes }) => sum + bytes, 0),
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
  /** Of what is in the part that was made last. */
  notes: Note[] = [];
  #groups: AsyncIterator<Group>;
  #most: number;
  #kept: Group | null = null;

  constructor(groups: AsyncIterable<Group>, most: number) {
    this.#groups = groups[Symbol.asyncIterator]();
    this.#most = most;
  }

  async *next(): AsyncGenerator<Entry> {
    let size = 0;
    this.notes = [];
    for (;;) {
      const group = this.#kept ?? (await this.#following());
      if (group === null) {
        this.ended = true;
        return;
      }
      this.#kept = null;
      if (size > 0 && size + group.size > this.#most) {
        this.#kept = group;
        return;
      }
      size += group.size;
      yield* group.entries;
      if (group.note) this.notes.push(group.note);
    }
  }

  async #following(): Promise<Group | null> {
    const { done, value } = await this.#groups.next();
    return done ? null : (value as Group);
  }
}
