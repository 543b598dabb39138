import { expect, test } from "vitest";

import {
  alone,
  asWritten,
  counted,
  distinct,
  today,
  understood,
  waysOut,
  without,
  withoutText,
  worded,
  type Span,
} from "./query";

const span = (given: Partial<Span>): Span => ({
  kind: "person",
  value: "Anna",
  text: "anna",
  names: [],
  start: 0,
  end: 4,
  negated: false,
  guessed: false,
  known: true,
  strict: true,
  ...given,
});

test("a condition is taken out by the positions that the vault counts in code points", () => {
  expect(without("anna in lisbon", { start: 5, end: 14 })).toBe("anna");
  expect(without("🏖️ anna beach", { start: 3, end: 7 })).toBe("🏖️ beach");
  expect(without("𝒂 lisbon", { start: 2, end: 8 })).toBe("𝒂");
});

test("a city and its region of one name are one completion", () => {
  const places = ["lisbon", "lisbon", "lisboa"].map((text, n) => ({ kind: "place", text, n }));
  expect(distinct([...places, { kind: "person", text: "lisbon", n: 3 }]).map(({ n }) => n)).toEqual([0, 2, 3]);
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

test.each([
  ["2020-01-01..", /^since (1 January|January 1,) 2020$/],
  ["..2019-12-31", /^until (31 December|December 31,) 2019$/],
  ["2026-11-22", /^(22 November|November 22,) 2026$/],
  ["2024-02-01..2024-02-29", /^February 2024$/],
  ["0501..0531", /^May of any year$/],
  ["1224..1226", /^(24 December to 26 December|December 24 to December 26) of any year$/],
  ["1224..1224", /^(24 December|December 24) of any year$/],
  ["1201..0229", /^(1 December to 29 February|December 1 to February 29) of any year$/],
])("the date %s is words on a chip", (value, expected) => {
  expect(worded(span({ kind: "date", value }))).toMatch(expected);
});

test("what is asked of photos and not of what they show is said plainly", () => {
  expect(worded(span({ kind: "gps", value: "gps", text: "without gps", negated: true }))).toBe("without a place");
  expect(worded(span({ kind: "time", value: "21..05", text: "at night" }))).toBe("at night");
  expect(worded(span({ kind: "person", known: false, text: "not person:zoe", negated: true }))).toBe("not person:zoe");
});

test("a chip has whole names, of several that are meant the first", () => {
  const named = (...names: string[]) => worded(span({ value: "anna", names }));
  expect(named("Anna Schmidt")).toBe("Anna Schmidt");
  expect(worded(span({ value: "anna", names: ["Anna Schmidt"], negated: true }))).toBe("not Anna Schmidt");
  expect(named("Anna Schmidt", "Anna Berg")).toBe("Anna Schmidt or Anna Berg");
  expect(named("A", "B", "C")).toBe("A, B or C");
  expect(named("A", "B", "C", "D")).toBe("A, B, C or others");
  expect(worded(span({ kind: "place", value: "Lisbon", names: ["Lisbon, Portugal"] }))).toBe("Lisbon, Portugal");
});

test("what hangs on a name or a day is told with it", () => {
  const aged = span({ value: "anna, 2023-01-01..2023-12-31", names: ["Anna Schmidt"] });
  expect(worded(aged)).toBe("Anna Schmidt, 2023");
  const evening = span({ kind: "date", value: "2024-05-01..2024-05-31, 18..24", names: [] });
  expect(worded(evening)).toMatch(/^May 2024, (18:00 to 00:00|6:00\sPM to 12:00\sAM)$/);
  expect(worded(span({ kind: "near", value: "Lisbon, 50 km" }))).toBe("Lisbon, 50 km");
});

test("a label begins with a capital, and has those that somebody typed", () => {
  const label = (names: string[], text: string) =>
    worded(span({ kind: "label", value: text.toLowerCase(), names, text }));
  expect(label(["dog"], "dogs")).toBe("Dog");
  expect(label(["baker street"], 'label:"Baker Street"')).toBe("Baker Street");
});

test("a name keeps its capitals", () => {
  expect(worded(span({ value: "grace", text: "Grace" }))).toBe("Grace");
  expect(worded(span({ value: "Arezzo", text: "arezo", kind: "place" }))).toBe("Arezzo");
});

test("today is the day of this clock and not of Greenwich", () => {
  expect(today(new Date(2025, 0, 9, 0, 30))).toBe("2025-01-09");
});

test("a search that finds nothing says how it was understood", () => {
  expect(understood([span({}), span({ kind: "gps", value: "gps", known: true })], "sunset")).toEqual([
    { kind: "Person", text: "Anna", known: true },
    { kind: "Only", text: "with a place", known: true },
    { kind: "Other words", text: "sunset", known: true },
  ]);
  expect(understood([], "sunset")).toEqual([{ kind: "Words", text: "sunset", known: true }]);
  expect(understood([], "")).toEqual([]);
});

test("the words by which a query is ranked are taken out, whatever stands between them", () => {
  const lisbon = { start: 4, end: 13 };
  expect(withoutText("dog in lisbon beach", [lisbon], "dog beach")).toBe("in lisbon");
  expect(withoutText("🏖️ anna 🐕", [{ start: 3, end: 7 }], "🏖️ 🐕")).toBe("anna");
  expect(withoutText("anna", [{ start: 0, end: 4 }], "anna")).toBe(null);
});

test("what was read as a name that is nearly so is asked for as it was written", () => {
  expect(asWritten("🐕 in lisbno 2024", { start: 2, end: 11, text: "in lisbno" })).toBe('🐕 "in lisbno" 2024');
  expect(asWritten("-person:anan", { start: 0, end: 12, text: '-person:"anan"' })).toBe('"anan"');
});

test("each part of a query in turn is a way out, one that names nothing here before the others", () => {
  const q = "anna person:zoe sunset";
  const spans = [span({}), span({ value: "zoe", text: "person:zoe", start: 5, end: 15, known: false })];
  expect(waysOut(q, spans, "sunset")).toEqual([
    { part: "person:zoe", q: "anna sunset" },
    { part: "Anna", q: "person:zoe sunset" },
    { part: "sunset", q: "anna person:zoe" },
  ]);
  expect(alone(q, spans, "sunset")).toEqual([
    { part: "Anna", q: "anna" },
    { part: "sunset", q: "sunset" },
  ]);
  expect(waysOut("anna", [span({})], "")).toEqual([]);
  expect(waysOut("sunset", [], "sunset")).toEqual([]);
});

test("what photos were found by is counted once for a photo, and a condition is no news", () => {
  const dog = { kind: "label", text: "dog" };
  const found = [
    [dog, { kind: "word", text: "dog" }],
    [{ kind: "look", text: "beach" }, dog],
    [{ kind: "look", text: "beach" }],
  ];
  const more = [
    [{ kind: "person", text: "Anna" }],
    [
      { kind: "look", text: "beach" },
      { kind: "picture", text: null },
    ],
  ];
  expect(counted([...found, ...more], [span({})])).toEqual([
    ["beach", 3],
    ["dog", 2],
  ]);
});
