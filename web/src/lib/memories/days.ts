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

/** The same day in another year; of 29 February in a common year, the 28th. */
export function inYear(day: string, year: number): string {
  const same = `${String(year).padStart(4, "0")}${day.slice(4)}`;
  return later(same, 0) === same ? same : `${same.slice(0, 8)}28`;
}

/** The latest day of earlier years that a day's memories do not reach. */
export const beyond = (day: string): string => later(inYear(day, Number(day.slice(0, 4)) - 1), -4);
