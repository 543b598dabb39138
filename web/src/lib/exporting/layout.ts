/**
 * How an exported archive is laid out: the same as `photovault export` has it (shared/photovault/export_layout.py), which
 * says more and which a test holds this to. Pure.
 */
import type { Schemas } from "../api";

export type Photo = Schemas["ExportedImage"];
export type Album = Schemas["ExportedAlbum"];

export const SIDECAR = ".json";
const LONGEST_NAME = 110;
const LONGEST_SUFFIX = 16;
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i;
const INVISIBLE = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
const UNSHOWN = /[\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu;
const REFUSED = /[<>:"/\\|?*]/g;
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];
const SUFFIXES: Readonly<Record<string, string>> = {
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/webp": ".webp",
  "image/gif": ".gif",
  "image/tiff": ".tif",
  "image/heic": ".heic",
  "image/heif": ".heif",
  "image/avif": ".avif",
  "video/mp4": ".mp4",
  "video/quicktime": ".mov",
  "image/x-adobe-dng": ".dng",
  "image/x-canon-cr2": ".cr2",
  "image/x-canon-cr3": ".cr3",
  "image/x-fuji-raf": ".raf",
  "image/x-nikon-nef": ".nef",
  "image/x-olympus-orf": ".orf",
  "image/x-panasonic-rw2": ".rw2",
  "image/x-pentax-pef": ".pef",
  "image/x-samsung-srw": ".srw",
  "image/x-sony-arw": ".arw",
};

const encoder = new TextEncoder();
const sizeOf = (text: string): number => encoder.encode(text).length;

/** One segment of a path that Windows, macOS and Linux can hold and show; `otherwise` when nothing is left of it. */
export function safeName(text: string, otherwise: string): string {
  let name = text.normalize("NFC").replace(INVISIBLE, "").replace(UNSHOWN, "");
  name = name
    .replace(REFUSED, "_")
    .trim()
    .replace(/[. ]+$/, "");
  if (!/[^._ ]/.test(name)) return otherwise;
  if (name.startsWith(".")) name = `_${name}`;
  if (RESERVED.test((name.split(".")[0] ?? "").trimEnd())) name = `_${name}`;
  const [stem, suffix] = split(name);
  return cut(stem, LONGEST_NAME - sizeOf(suffix)) + suffix;
}

/** A name and its ending, dot included; an ending that is too long to be one belongs to the name. */
export function split(name: string): [string, string] {
  const dot = name.lastIndexOf(".");
  const suffix = name.slice(dot);
  if (dot < 1 || suffix === "." || sizeOf(suffix) > LONGEST_SUFFIX || suffix.includes(" ")) return [name, ""];
  return [name.slice(0, dot), suffix];
}

/** The beginning of a text that fits so many bytes, without half a letter at its end. */
function cut(text: string, size: number): string {
  if (sizeOf(text) <= size) return text;
  const letters = [...text];
  let kept = 0;
  for (let used = 0; kept < letters.length; kept += 1) {
    used += sizeOf(letters[kept] as string);
    if (used > size) break;
  }
  while (kept > 1 && /^\p{M}/u.test(letters[kept] ?? "")) kept -= 1;
  return letters
    .slice(0, kept)
    .join("")
    .replace(/[. ]+$/, "");
}

/** Gives out each path once, also for systems that ignore case and how accents are written. */
export class Names {
  #taken = new Set<string>();
  #next = new Map<string, number>();

  /** Paths that were given out before. */
  keep(paths: Iterable<string>): void {
    for (const path of paths) this.#taken.add(same(path));
  }

  /** `folder/name`, or with " (2)" and so on, so that nothing of it with the endings `beside` is taken. */
  take(folder: string, name: string, beside: readonly string[] = []): string {
    const [stem, suffix] = split(name);
    const wanted = same(`${folder}/${name}`);
    const endings = ["", ...beside];
    for (let number = this.#next.get(wanted) ?? 1; ; number += 1) {
      const path = number === 1 ? `${folder}/${name}` : `${folder}/${stem} (${number})${suffix}`;
      if (endings.some((ending) => this.#taken.has(same(path + ending)))) continue;
      this.#next.set(wanted, number + 1);
      for (const ending of endings) this.#taken.add(same(path + ending));
      return path;
    }
  }
}

// There and back, for letters such as ß that are small without a large one of their own.
const same = (path: string): string => path.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");

/** Where a photo goes, by the local day on which it was taken. */
export function photoFolder({ taken }: Pick<Photo, "taken">): string {
  const [, year, month] = /^(\d{4})-(\d{2})-\d{2}$/.exec(taken?.local_day ?? "") ?? [];
  const name = MONTHS[Number(month) - 1];
  if (!taken || taken.source === "upload" || !year || !name) return "photos/undated";
  return `photos/${year}/${year}-${month} (${name})`;
}

/** What a photo is called: as its owner called it, with an ending where there was none. */
export function photoName({ filename, content_type }: Pick<Photo, "filename" | "content_type">): string {
  const suffix = SUFFIXES[content_type] ?? "";
  const name = safeName(filename, `photo${suffix}`);
  return split(name)[1] ? name : name + suffix;
}

export const motionEnding = (contentType: string): string => `.motion${SUFFIXES[contentType] ?? ".mp4"}`;

/** The time that a photo's entry gets: the clock on the wall when it was taken, else its upload. */
export function writtenAt({ taken, created_at }: Pick<Photo, "taken" | "created_at">): Date {
  // Without an offset, as the zip keeps it, whatever zone this computer is in.
  const found = new Date((taken?.local_time ?? created_at).slice(0, 19));
  return Number.isNaN(found.getTime()) ? new Date(created_at) : found;
}

export const document = (content: unknown): Uint8Array => encoder.encode(`${JSON.stringify(content, null, 2)}\n`);

/** The document beside a photo. */
export function sidecar(
  photo: Photo,
  path: string,
  motion: string | null,
  albums: readonly { id: string; title: string; file: string }[],
): Uint8Array {
  const nameIn = (whole: string): string => whole.slice(whole.lastIndexOf("/") + 1);
  return document({
    schema: "photovault-photo/1",
    id: photo.id,
    file: nameIn(path),
    motion: motion === null ? null : nameIn(motion),
    original_filename: photo.filename,
    content_type: photo.content_type,
    bytes: photo.bytes,
    sha256: photo.sha256,
    width: photo.width,
    height: photo.height,
    taken: photo.taken,
    location: photo.location,
    location_corrected: photo.location_corrected,
    camera: photo.camera,
    caption: photo.caption,
    favourite: photo.favourite,
    archived: photo.archived,
    people: photo.people.map(({ person_id, person_name, box: [x, y, width, height] }) => ({
      id: person_id,
      name: person_name,
      box: { x, y, width, height },
    })),
    labels: photo.labels,
    removed_labels: photo.removed_labels,
    albums: albums.map(({ id, title, file }) => ({ id, title, file })),
    uploaded_at: photo.created_at,
    rejected_because: photo.reason,
  });
}

export const README = `\
Your photos, as PhotoVault kept them
====================================

photos/           Your photos, byte for byte as you uploaded them, by year and month
                  of the day on which they were taken. photos/undated has those whose
                  files say no time.
                  Beside each photo is a file of the same name with .json at its end.
                  It says what the vault knows of that photo: when and where it was
                  taken, who is in it, what it shows, your caption, its albums.
albums/           One file an album, which lists the paths of its photos. A photo lies
                  in photos/ once, however many albums it is in.
albums.json       All albums.
people.json       All people, named or not.
manifest.json     What was exported, when, and from which server.
SHA256SUMS.txt    The fingerprints of all photos. \`sha256sum -c SHA256SUMS.txt\` in this
                  folder tells whether every file is still what it was.
errors.txt        Only there when photos could not be exported: which, and why.

Photos in the trash, and photos that were still being uploaded, are not in here.
Nothing in here is encrypted: keep it where you keep what is private.

The JSON files are UTF-8. Each says in "schema" what it is and in which version.
Times: "local_time" is the clock on the wall where the photo was taken, "offset" what
that clock was ahead of UTC, "instant" the moment itself in UTC, "source" where that is
known from. Places are degrees of WGS 84. Boxes around faces are fractions of the
picture's width and height, from the upper left corner of the picture held upright.
`;
