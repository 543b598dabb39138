/** Right times and places of photos: what was typed, read; what would become of it, in words. Pure. */
import { clockTime, dayName, plural } from "../format";
import type { Photo } from "./words";

export interface Position {
  lat: number;
  lon: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The year of the oldest photograph: the vault takes nothing older. */
const OLDEST = "1826-01-01T00:00:00";

/** Offsets from UTC that clocks somewhere have. */
export const OFFSETS: readonly string[] = [
  ...range(-12, 14).map((hour) => written(hour * HOUR)),
  ..."-09:30 -03:30 +03:30 +04:30 +05:30 +05:45 +06:30 +08:45 +09:30 +10:30 +12:45 +13:45".split(" "),
].sort((one, other) => secondsOf(one) - secondsOf(other));

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function written(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const bare = Math.abs(seconds) / MINUTE;
  return `${seconds < 0 ? "-" : "+"}${two(Math.floor(bare / 60))}:${two(bare % 60)}`;
}

function secondsOf(offset: string): number {
  const [hours = 0, minutes = 0] = offset.slice(1).split(":").map(Number);
  return (offset.startsWith("-") ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
}

// ---- times, without an offset as the clock on the wall showed them: "2025-05-14T09:12:33"

/** A local time in milliseconds, as if it were UTC; NaN for what is none. */
const instant = (local: string): number => Date.parse(`${local.slice(0, 19)}Z`);

/** "2025-05-14" and "09:12" or "09:12:33" as one time; null unless both are whole. */
export function joined(date: string, time: string): string | null {
  const local = `${date}T${time.length === 5 ? `${time}:00` : time}`;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(local) && !Number.isNaN(instant(local)) ? local : null;
}

/** Seconds from one time to another. */
export const between = (from: string, to: string): number => Math.round((instant(to) - instant(from)) / 1000);

/** A time so many seconds later; null when it is none that can be written. */
export function shifted(local: string, seconds: number): string | null {
  const to = instant(local) + seconds * 1000;
  if (!(to >= Date.parse("0001-01-01T00:00:00Z") && to < Date.parse("9999-12-31T00:00:00Z"))) return null;
  return new Date(to).toISOString().slice(0, 19);
}

/** What is wrong with a time for a photo, or null. `now` is this computer's. */
export function impossible(local: string, now: Date): string | null {
  if (local < OLDEST) return "Photographs are not that old.";
  return instant(local) > now.getTime() + DAY * 1000 ? "This has not come yet." : null;
}

export const told = (local: string): string => `${dayName(local)}, ${exactly(local)}`;

/** With its seconds, where it has any. */
function exactly(local: string): string {
  const seconds = local.slice(17, 19);
  const time = clockTime(local);
  return seconds === "" || seconds === "00" ? time : time.replace(/(\d\d)(\D*)$/, `$1:${seconds}$2`);
}

/** "1 day, 2 hours and 5 minutes later"; "no change" for 0. */
export function difference(seconds: number): string {
  const bare = Math.abs(seconds);
  const parts = [
    [Math.floor(bare / DAY), "day"],
    [Math.floor((bare % DAY) / HOUR), "hour"],
    [Math.floor((bare % HOUR) / MINUTE), "minute"],
    [bare % MINUTE, "second"],
  ] as const;
  const words = parts.filter(([value]) => value > 0).map(([value, one]) => plural(value, one));
  const last = words.pop();
  if (last === undefined) return "no change";
  return `${words.length > 0 ? `${words.join(", ")} and ` : ""}${last} ${seconds < 0 ? "earlier" : "later"}`;
}

/** Whether a photo has a time that a shift could move: one of its file, or of a person. */
export const isShiftable = ({ taken }: Photo): boolean => taken !== null && taken.source !== "upload";

// ---- places

const NUMBER = String.raw`[+-]?\d{1,3}(?:\.\d+)?`;
const PLAIN = new RegExp(`^\\(?\\s*(?:geo:)?(${NUMBER})\\s*°?\\s*[,;\\s]\\s*(${NUMBER})\\s*°?\\s*\\)?$`, "i");
const IN_ADDRESS = new RegExp(`(?:[@=/]|%20)(${NUMBER})(?:,|%2C)(${NUMBER})(?:[,&/?]|$)`, "i");
const OPEN_STREET_MAP = new RegExp(`#map=[\\d.]+/(${NUMBER})/(${NUMBER})`);
const ANGLE = String.raw`(\d{1,3}(?:\.\d+)?)\s*°?\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′’]\s*)?(?:(\d{1,2}(?:\.\d+)?)\s*(?:"|″|”|'')\s*)?`;
const SIDES = new RegExp(`^${ANGLE}([NS])[,;\\s]*${ANGLE}([EW])$`, "i");
const SIDES_FIRST = new RegExp(`^([NS])\\s*${ANGLE}[,;\\s]*([EW])\\s*${ANGLE}$`, "i");

/**
 * A position as maps show and copy it: "38.71, -9.14", "38°42'36"N 9°8'24"W", a link to Google's or OpenStreetMap's map.
 * Null for what is none, "beyond" for one that is not on earth.
 */
export function position(text: string): Position | "beyond" | null {
  const given = text.trim();
  const plain = PLAIN.exec(given.replace(/\u2212/g, "-"));
  if (plain) return onEarth(Number(plain[1]), Number(plain[2]));
  if (/^https?:/i.test(given)) {
    const found = OPEN_STREET_MAP.exec(given) ?? IN_ADDRESS.exec(given);
    return found && onEarth(Number(found[1]), Number(found[2]));
  }
  const sides = SIDES.exec(given);
  if (sides) return onEarth(degrees(sides.slice(1, 4), sides[4]), degrees(sides.slice(5, 8), sides[8]));
  const first = SIDES_FIRST.exec(given);
  return first && onEarth(degrees(first.slice(2, 5), first[1]), degrees(first.slice(6, 9), first[5]));
}

function degrees([whole, minutes = "0", seconds = "0"]: (string | undefined)[], side = ""): number {
  const value = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
  return /[SW]/i.test(side) ? -value : value;
}

function onEarth(lat: number, lon: number): Position | "beyond" {
  // 0, 0 is what a receiver without a position says, and the vault takes it for that.
  return Math.abs(lat) > 90 || Math.abs(lon) > 180 || (lat === 0 && lon === 0) ? "beyond" : { lat, lon };
}

export const shownPosition = ({ lat, lon }: Position): string => `${lat.toFixed(4)}, ${lon.toFixed(4)}`;
