import { expect, test } from "vitest";

import { today, without, worded, type Span } from "./query";

const span = (given: Partial<Span>): Span => ({
  kind: "person",
  value: "Anna",
  text: "anna",
  start: 0,
  end: 4,
  negated: false,
  guessed: false,
  known: true,
  ...given,
});

test("a condition is taken out by the positions that the vault counts in code points", () => {
  expect(without("anna in lisbon", { start: 5, end: 14 })).toBe("anna");
  expect(without("🏖️ anna beach", { start: 3, end: 7 })).toBe("🏖️ beach");
  expect(without("𝒂 lisbon", { start: 2, end: 8 })).toBe("𝒂");
});

test("chips say what was understood", () => {
  expect(worded(span({}))).toBe("Anna");
  expect(worded(span({ negated: true }))).toBe("not Anna");
  expect(worded(span({ known: false, text: "person:adda", value: "adda" }))).toBe("person:adda");
  expect(worded(span({ kind: "date", value: "2024-01-01..2024-12-31" }))).toBe("2024");
  expect(worded(span({ kind: "date", value: "2023-01-01..2024-12-31" }))).toBe("2023 to 2024");
  expect(worded(span({ kind: "date", value: "2024-06-01..2024-08-31" }))).toMatch(
    /^(1 June 2024 to 31 August 2024|June 1, 2024 to August 31, 2024)$/,
  );
  expect(worded(span({ kind: "date", value: "2024-06-01..2024-06-01" }))).toMatch(/^(1 June|June 1,) 2024$/);
});

test("today is the day of this clock and not of Greenwich", () => {
  expect(today(new Date(2025, 0, 9, 0, 30))).toBe("2025-01-09");
});
