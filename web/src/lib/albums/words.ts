/** What an album says about itself, in words. */
import type { Schemas } from "../api";
import { plural, shortDayName } from "../format";

export type Album = Schemas["Album"];
export type Kind = Album["kind"];

/** The shelves that albums stand on, in this order. */
export const SHELVES: readonly { key: string; title: string; kinds: readonly Kind[] }[] = [
  { key: "yours", title: "Yours", kinds: ["manual", "smart"] },
  { key: "trips", title: "Trips", kinds: ["trip"] },
  { key: "events", title: "Days and evenings", kinds: ["event"] },
  { key: "places", title: "Places", kinds: ["place"] },
  { key: "dates", title: "Years and months", kinds: ["date"] },
];

/** How an album's photos are listed. */
export const SORTS: Readonly<Record<Album["sort"], string>> = {
  newest: "Newest first",
  oldest: "Oldest first",
  manual: "In your own order",
};

/** "12 photos, 3 May 2025 to 6 May 2025" */
export function summed(album: Pick<Album, "image_count" | "first_day" | "last_day">): string {
  const days = [album.first_day, album.last_day].filter((day) => day !== null).map(shortDayName);
  const when = days[0] === days[1] ? days[0] : days.join(" to ");
  return [plural(album.image_count, "photo"), when].filter(Boolean).join(", ");
}

/** Whether a person decides what is in it, photo by photo. */
export const isByHand = ({ kind }: Pick<Album, "kind">): boolean => kind === "manual";
export const makesItself = ({ kind }: Pick<Album, "kind">): boolean => kind !== "manual" && kind !== "smart";
