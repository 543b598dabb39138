/** What charts need to know about numbers. Pure. */
export interface Bar {
  /** "2025-05" or "2025" */
  key: string;
  value: number;
}

/** Months that are still told apart; of more, years are. */
const MOST_MONTHS = 72;

/** Every month from the first to the last, with 0 where there is none; years where that would be too many. */
export function overTime(months: readonly { month: string; count: number }[]): Bar[] {
  const counted = new Map<string, number>();
  for (const { month, count } of months) counted.set(month, (counted.get(month) ?? 0) + count);
  const keys = [...counted.keys()].sort();
  const [first, last] = [keys[0], keys.at(-1)];
  if (first === undefined || last === undefined) return [];
  const [from, to] = [numbered(first), numbered(last)];
  if (to - from < MOST_MONTHS) {
    return Array.from({ length: to - from + 1 }, (_, n) => {
      const key = named(from + n);
      return { key, value: counted.get(key) ?? 0 };
    });
  }
  const years = Array.from({ length: Number(last.slice(0, 4)) - Number(first.slice(0, 4)) + 1 }, (_, n) =>
    String(Number(first.slice(0, 4)) + n).padStart(4, "0"),
  );
  return years.map((key) => ({
    key,
    value: keys.filter((month) => month.startsWith(key)).reduce((sum, month) => sum + (counted.get(month) ?? 0), 0),
  }));
}

const numbered = (month: string): number => Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1;
const named = (number: number): string =>
  `${String(Math.floor(number / 12)).padStart(4, "0")}-${String((number % 12) + 1).padStart(2, "0")}`;

/** Round numbers from 0 to at least the largest, for the lines behind bars: whole ones, at most five steps. */
export function ticks(largest: number): number[] {
  if (largest <= 0) return [0, 1];
  const rough = largest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power);
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, n) => n * step);
}

/** Which bars carry their name, so that names do not touch: the first of a year rather than others. */
export function labelled(bars: readonly Bar[], most: number): Set<string> {
  const years = bars.filter(({ key }, n) => n === 0 || key.length === 4 || key.endsWith("-01"));
  const step = Math.max(1, Math.ceil(years.length / Math.max(1, most)));
  return new Set(years.filter((_, n) => n % step === 0).map(({ key }) => key));
}

export interface Share {
  name: string;
  value: number;
}

/** The largest, and the rest as one; of several of one name, the sum. */
export function largest(shares: readonly Share[], most: number): Share[] {
  const sums = new Map<string, number>();
  for (const { name, value } of shares) sums.set(name, (sums.get(name) ?? 0) + value);
  const sorted = [...sums]
    .map(([name, value]) => ({ name, value }))
    .filter(({ value }) => value > 0)
    .toSorted((a, b) => b.value - a.value);
  if (sorted.length <= most) return sorted;
  const rest = sorted.slice(most - 1).reduce((sum, { value }) => sum + value, 0);
  return [...sorted.slice(0, most - 1), { name: "Others", value: rest }];
}

/** "12 %", "< 1 %" */
export function percent(value: number, total: number): string {
  if (total <= 0 || value <= 0) return "0 %";
  const share = (100 * value) / total;
  return share < 1 ? "< 1 %" : `${Math.round(share)} %`;
}
