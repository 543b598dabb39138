/** What a search box holds, and what the vault understood of it. */
import type { Schemas } from "../api";
import { clockTime, monthName, shortDayName, yearlessDayName } from "../format";
import type { IconName } from "../ui/icons";

export type Span = Schemas["Span"];

/** A city and its region may have one name: what reads the same and asks for the same is one completion. */
export function distinct<S extends Pick<Schemas["Suggestion"], "kind" | "text">>(suggestions: readonly S[]): S[] {
  const read = new Set<string>();
  return suggestions.filter(({ kind, text }) => {
    const key = `${kind} ${text}`;
    return !read.has(key) && read.add(key);
  });
}

/** The query without a condition. Positions are in code points, as the vault counts them. */
export function without(q: string, { start, end }: Pick<Span, "start" | "end">): string {
  const points = [...q];
  return [...points.slice(0, start), " ", ...points.slice(end)].join("").replace(/\s+/g, " ").trim();
}

/** The query without the words that it is ranked by. Where they cannot be told from the rest, null. */
export function withoutText(q: string, spans: readonly Pick<Span, "start" | "end">[], text: string): string | null {
  const points = [...q];
  for (const { start, end } of spans) points.fill("\0", start, end);
  let at = 0;
  for (const word of text
    .split(/\s+/)
    .filter(Boolean)
    .map((each) => [...each])) {
    while (at < points.length && !word.every((point, n) => points[at + n] === point)) at += 1;
    if (at >= points.length) return null;
    points.fill(" ", at, at + word.length);
    at += word.length;
  }
  const typed = [...q];
  const left = points.map((point, n) => (point === "\0" ? (typed[n] as string) : point));
  return left.join("").replace(/\s+/g, " ").trim();
}

/** The query with a part in quotes, in which words are what they are and no names that are nearly so. */
export function asWritten(q: string, { start, end, text }: Pick<Span, "start" | "end" | "text">): string {
  const points = [...q];
  return [...points.slice(0, start), `"${bare(text)}"`, ...points.slice(end)].join("");
}

/** What somebody typed without its operator and quotes. */
const bare = (text: string): string => text.replace(/^[^\s:"]*:\s*/, "").replace(/"/g, "");

export interface WayOut {
  /** The part that it is about, as its chip says it. */
  part: string;
  /** What is asked then. */
  q: string;
}

/** The most parts of a query that are tried, or told. */
const MOST_PARTS = 6;

/** A query without each of its parts in turn: those that name nothing here first, as these are most likely to blame. */
export function waysOut(q: string, spans: readonly Span[], text: string): WayOut[] {
  const strange = [...spans].sort((one, other) => Number(one.known) - Number(other.known));
  const ways = strange.map((span) => ({ part: worded(span), q: without(q, span) }));
  const conditions = text === "" ? null : withoutText(q, spans, text);
  if (conditions !== null) ways.push({ part: text, q: conditions });
  const asked = new Set([q.trim(), ""]);
  return ways.filter((way) => !asked.has(way.q) && asked.add(way.q)).slice(0, MOST_PARTS);
}

/** Each part of a query by itself: for one that finds nothing without any one of its parts either. */
export function alone(q: string, spans: readonly Span[], text: string): WayOut[] {
  const points = [...q];
  const ways = spans
    .filter(({ known, negated }) => known && !negated)
    .map((span) => ({ part: worded(span), q: points.slice(span.start, span.end).join("") }));
  return (text === "" ? ways : [...ways, { part: text, q: text }]).slice(0, MOST_PARTS);
}

/** The words that photos were found by, those of the most photos first, each with the number of its photos. */
export function counted(
  reasons: readonly (readonly Pick<Schemas["Matched"], "kind" | "text">[])[],
  spans: readonly Span[],
): [string, number][] {
  const counts = new Map<string, number>();
  for (const matched of reasons) {
    const words = matched
      .filter(({ kind, text }) => !spans.some((span) => span.kind === kind && span.value === text))
      .flatMap(({ kind, text }) => (text && WORDS.has(kind) ? [text] : []));
    for (const word of new Set(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1]).slice(0, MOST_PARTS);
}

const WORDS = new Set(["word", "label", "look", "person", "album"]);

const ICONS: Readonly<Record<string, IconName>> = {
  recent: "clock",
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

/** What is asked of every photo, or of none. */
const FLAGS: Readonly<Record<string, readonly [string, string]>> = {
  gps: ["with a place", "without a place"],
  faces: ["with faces", "without faces"],
  favourite: ["favourites", "no favourites"],
  archived: ["archived", "not archived"],
  motion: ["live photos", "no live photos"],
  caption: ["with a caption", "without a caption"],
};

/** A condition as a chip shows it: "not Anna Schmidt", "1 June 2024 to 31 August 2024". */
export function worded(span: Span): string {
  const { kind, value, text, negated, known } = span;
  const flag = value === kind ? FLAGS[kind] : undefined;
  if (flag) return flag[negated ? 1 : 0];
  const said = !known || kind === "time" ? text : meant(span);
  return negated && !/^not /i.test(said) ? `not ${said}` : said;
}

/** Who or what is meant, and the days or hours that hang on it: "Anna Schmidt, 2024", "May 2024, 18:00 to 22:00". */
function meant({ kind, value, text, names }: Span): string {
  const [, first = value, more] = /^(.*), (\S*\.\.\S*)$/.exec(value) ?? [];
  const behind = more === undefined ? "" : `, ${/^\d\d\.\.\d\d$/.test(more) ? hours(more) : days(more)}`;
  if (kind === "date") return days(first) + behind;
  return (
    (names.length > 0 ? anyOf(names.map((name) => asTyped(name, text, kind))) : asTyped(first, text, kind)) + behind
  );
}

/** How many of several names are told. */
const MOST_NAMES = 3;

function anyOf(names: readonly string[]): string {
  const told = names.slice(0, MOST_NAMES);
  const last = names.length > MOST_NAMES ? "others" : (told.pop() as string);
  return told.length > 0 ? `${told.join(", ")} or ${last}` : last;
}

/** The vault tells labels folded, and unknown names: with the capitals that somebody typed they are names. */
function asTyped(name: string, text: string, kind: string): string {
  const typed = bare(text);
  return titled(kind, typed.toLowerCase() === name ? typed : name);
}

/** What is seen is a common noun, and begins with a capital where it stands alone. */
export const titled = (kind: string, name: string): string =>
  kind === "label" ? name.charAt(0).toUpperCase() + name.slice(1) : name;

/** "21..05" */
const hours = (value: string): string =>
  value
    .split("..")
    .map((hour) => clockTime(`2000-01-01T${hour.replace("24", "00")}:00:00`))
    .join(" to ");

/** "2024-06-01..2024-08-31", open at an end, or "0501..0531": that of any year. */
function days(value: string): string {
  const [from = "", to] = value.split("..");
  if (/^\d{4}$/.test(from) && /^\d{4}$/.test(to ?? "")) return everyYear(from, to as string);
  if (![from, to].every((day) => !day || /^\d{4}-\d\d-\d\d$/.test(day))) return value;
  if (from === (to ?? from)) return shortDayName(from);
  if (!from) return `until ${shortDayName(to as string)}`;
  if (!to) return `since ${shortDayName(from)}`;
  if (from.endsWith("-01-01") && to.endsWith("-12-31")) {
    const years = [from.slice(0, 4), to.slice(0, 4)];
    return years[0] === years[1] ? (years[0] as string) : years.join(" to ");
  }
  if (from.endsWith("-01") && nextDay(to) === nextMonth(from)) return monthName(from.slice(0, 7));
  return `${shortDayName(from)} to ${shortDayName(to)}`;
}

/** Any year's; a leap year stands for all of them. */
function everyYear(from: string, to: string): string {
  const [first, last] = [from, to].map((day) => `2000-${day.slice(0, 2)}-${day.slice(2)}`) as [string, string];
  const whole = from.endsWith("01") && nextDay(last) === nextMonth(first);
  if (whole) return `${monthName(first.slice(0, 7)).replace(/\s*2000/, "")} of any year`;
  return `${[...new Set([first, last])].map((day) => yearlessDayName(day)).join(" to ")} of any year`;
}

const DAY = 86_400_000;
const nextDay = (day: string): string => new Date(Date.parse(day) + DAY).toISOString().slice(0, 10);
const nextMonth = (first: string): string => new Date(Date.parse(first) + 31 * DAY).toISOString().slice(0, 7) + "-01";

const KINDS: Readonly<Record<string, string>> = {
  date: "Taken",
  time: "Time of day",
  person: "Person",
  place: "Place",
  near: "Near",
  label: "Thing",
  camera: "Camera",
  album: "Album",
  caption: "Caption",
  type: "Kind of file",
  orientation: "Shape",
};

export interface Understood {
  kind: string;
  text: string;
  known: boolean;
}

/** How each part of a query was understood: "Place: Portugal", "Words: sunset". */
export function understood(spans: readonly Span[], text: string): Understood[] {
  const parts = spans.map((span) => ({
    kind: KINDS[span.kind] ?? "Only",
    text: worded(span.known ? span : { ...span, text: span.value }),
    known: span.known,
  }));
  return text === "" ? parts : [...parts, { kind: parts.length > 0 ? "Other words" : "Words", text, known: true }];
}

/** The day that it is here, for `yesterday` and the like. */
export function today(now = new Date()): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
