import { expect, test } from "vitest";

import { beyond, daysOf, inYear, isDay, later } from "./days";

test.each([
  ["2026-11-23", 1, "2026-11-24"],
  ["2026-03-01", -1, "2026-02-28"],
  ["2024-03-01", -1, "2024-02-29"],
  ["2025-12-31", 1, "2026-01-01"],
  ["2026-03-29", 1, "2026-03-30"],
])("%s and %d days is %s", (day, days, expected) => {
  expect(later(day, days)).toBe(expected);
});

test("a day is one of the calendar and of the years that are remembered", () => {
  for (const day of ["2026-11-23", "2024-02-29", "1826-01-01"]) expect(isDay(day)).toBe(true);
  for (const day of [null, "", "today", "2026-2-3", "2025-02-29", "2026-13-01", "1700-01-01", "3000-01-01"]) {
    expect(isDay(day)).toBe(false);
  }
});

test("a memory of a week reaches three days to both sides", () => {
  expect(daysOf({ kind: "on-this-day", day: "2024-11-23" })).toEqual({ from: "2024-11-23", to: "2024-11-23" });
  expect(daysOf({ kind: "this-week", day: "2024-01-02" })).toEqual({ from: "2023-12-30", to: "2024-01-05" });
});

test("beyond a day's memories lies what is a year and four days ago", () => {
  expect(beyond("2026-11-23")).toBe("2025-11-19");
  expect(beyond("2024-02-29")).toBe("2023-02-24");
  expect(inYear("2024-02-29", 2026)).toBe("2026-02-28");
  expect(inYear("2023-02-28", 2024)).toBe("2024-02-28");
});
