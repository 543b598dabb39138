/** What a photo says about itself, in words. */
import type { Schemas } from "../api";
import { clockTime, dayName } from "../format";

export type Photo = Schemas["Image"];
export type PhotoDetail = Schemas["ImageDetail"];

const TIMES: Readonly<Record<string, string>> = {
  exif: "from the camera",
  exif_digitized: "from the camera, when it was digitised",
  exif_modified: "from the file's metadata, when it was last changed",
  gps: "from the satellites' clock",
  xmp: "from the file's metadata",
  xmp_digitized: "from the file's metadata, when it was digitised",
  iptc: "from the file's metadata",
  iptc_digitized: "from the file's metadata, when it was digitised",
  png: "from the file's metadata",
  png_modified: "from the file's metadata, when it was last changed",
  sidecar: "from the file beside it",
  file_modified: "when the file was last changed; the photo does not say",
  filename: "read from the file's name",
  person: "corrected by you",
  upload: "when it was uploaded; the file does not say",
};

const PLACES: Readonly<Record<string, string>> = {
  exif: "from the camera",
  xmp: "from the file's metadata",
  sidecar: "from the file beside it",
  person: "corrected by you",
  estimated: "estimated from your photos around the same time",
};

export const timeSource = (source: string): string => TIMES[source] ?? `from ${source}`;
export const placeSource = (source: string): string => PLACES[source] ?? `from ${source}`;

/** When it was taken, or since when it is here. */
export const localTime = (photo: Photo): string => photo.taken?.local_time ?? photo.created_at.replace(/Z$/, "");

export function placeName(photo: Photo): string | null {
  const place = photo.location?.place;
  if (!place) return null;
  return [place.city ?? place.region, place.country].filter(Boolean).join(", ") || null;
}

/** What a screen reader says of a photo in a grid. */
export function described(photo: Photo): string {
  const time = localTime(photo);
  const what = photo.caption || (photo.content_type.startsWith("video/") ? "Video" : "Photo");
  const where = placeName(photo);
  return [what, `${dayName(time)}, ${clockTime(time)}`, where, photo.favourite ? "favourite" : null]
    .filter(Boolean)
    .join(", ");
}
