/** Dates, sizes and words as people read them. Times of photos are those of the clock on the wall, wherever it hung. */
const preferred = globalThis.navigator?.language ?? "en";
/** The gallery speaks English; within it, everybody's own order of day and month. */
const LOCALE = preferred.startsWith("en") ? preferred : "en-GB";

const month = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });
const shortMonth = new Intl.DateTimeFormat(LOCALE, { month: "short", year: "numeric", timeZone: "UTC" });
const day = new Intl.DateTimeFormat(LOCALE, {
  weekday: "short",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});
const shortDay = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const yearlessDay = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "numeric", minute: "2-digit", timeZone: "UTC" });
const instant = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const instantDay = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium" });
const number = new Intl.NumberFormat(LOCALE);

/** "2025-05" as "May 2025". */
export const monthName = (text: string): string => month.format(wall(`${text}-01`));
export const shortMonthName = (text: string): string => shortMonth.format(wall(`${text}-01`));
/** "2025-05-14" or a time of that day as "Wed, 14 May 2025". */
export const dayName = (text: string): string => day.format(wall(text.slice(0, 10)));
/** The same without the day of the week, which not everything has room for. */
export const shortDayName = (text: string): string => shortDay.format(wall(text.slice(0, 10)));
/** "14 May" */
export const yearlessDayName = (text: string): string => yearlessDay.format(wall(text));
export const clockTime = (text: string): string => clock.format(wall(text));
export const count = (value: number): string => number.format(value);
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** An instant, by the clock of this computer: "14 May 2025, 09:12". */
export const moment = (text: string): string => instant.format(new Date(text));
/** The day of an instant, by the clock of this computer. */
export const momentDay = (text: string): string => instantDay.format(new Date(text));

/** A local time without an offset, as if it were UTC, so that no zone of this computer moves it. */
function wall(text: string): Date {
  const [date = "", time = "00:00:00"] = text.split("T");
  return new Date(`${date}T${time.slice(0, 8).padEnd(8, ":00")}Z`);
}

export function bytes(value: number): string {
  let size = value;
  for (const unit of ["bytes", "KB", "MB", "GB"]) {
    if (size < 1000) return `${unit === "bytes" || size >= 100 ? Math.round(size) : size.toFixed(1)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} TB`;
}

/** A country's name by its code, in the gallery's language. */
export function country(code: string): string {
  try {
    return new Intl.DisplayNames(["en"], { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}
