/** Days of the calendar as "2026-11-23", and what a memory is of. Pure. */
import type { Schemas } from "../api";

export type Memory = Schemas["Memory"];

const DAY = 86_400_000;

/** So many days later; none of them is 23 or 25 hours long. */
export const later = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

/** Whether there may be photos of that day: the years that the vault remembers. */
export function isDay(text: string | null): text is string {
  if (!/^\d{4}-\d\d-\d\d$/.test(text ?? "")) return false;
  const [time, year] = [Date.parse(`${text}T00:00:00Z`), Number(text?.slice(0, 4))];
  return (
    Number.isFinite(time) && new Date(time).toISOString().startsWith(text as string) && year >= 1826 && year <= 2999
  );
}

/** The first and the last day that a memory has photos of. */
export function daysOf({ kind, day }: Pick<Memory, "kind" | "day">): { from: string; to: string } {
  return kind === "on-this-day" ? { from: day, to: day } : { from: later(day, -3), to: later(day, 3) };
}

const written = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });
/** "23 November" */
export const withoutYear = (day: string): string => written.format(new Date(`${day}T00:00:00Z`));
