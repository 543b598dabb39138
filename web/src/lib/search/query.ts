/** What a search box holds, and what the vault understood of it. */
import type { Schemas } from "../api";
import { shortDayName } from "../format";
import type { IconName } from "../ui/icons";

export type Span = Schemas["Span"];

/** The query without a condition. Positions are in code points, as the vault counts them. */
export function without(q: string, { start, end }: Pick<Span, "start" | "end">): string {
  const points = [...q];
  return [...points.slice(0, start), " ", ...points.slice(end)].join("").replace(/\s+/g, " ").trim();
}

const ICONS: Readonly<Record<string, IconName>> = {
  date: "clock",
  time: "clock",
  person: "person",
  place: "map",
  near: "map",
  label: "label",
  camera: "camera",
  album: "albums",
  favourite: "heart",
  archived: "archive",
  faces: "people",
  gps: "map",
  type: "file",
  orientation: "photos",
};

export const iconOf = (kind: string): IconName => ICONS[kind] ?? "label";

/** A condition as a chip shows it: "not Anna", "1 June 2024 to 31 August 2024". */
export function worded({ kind, value, text, negated, known }: Span): string {
  const said = known ? (kind === "date" ? days(value) : value) : text;
  return negated ? `not ${said}` : said;
}

function days(value: string): string {
  const match = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(value);
  if (!match) return /^\d{4}-\d\d-\d\d$/.test(value) ? shortDayName(value) : value;
  const [, from = "", to = ""] = match;
  if (from === to) return shortDayName(from);
  if (from.endsWith("-01-01") && to.endsWith("-12-31")) {
    const years = [from.slice(0, 4), to.slice(0, 4)];
    return years[0] === years[1] ? (years[0] as string) : years.join(" to ");
  }
  return `${shortDayName(from)} to ${shortDayName(to)}`;
}

/** The day that it is here, for `yesterday` and the like. */
export function today(now = new Date()): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
